//! Archives inside archives, read as streams and never written anywhere.
//!
//! Everything about an archive is a claim: sizes, counts, names and links. Read is what is really
//! there, until a bound is met: of entries, of bytes unpacked in all, of depth, and of how far a
//! small input may unpack. A name that points out of its folder is only a name; a link is not
//! followed. A zip has its directory at its end: one that lies in another archive is held in
//! memory, up to a bound.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{Cursor, Read, Seek};

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};
use zip::ZipArchive;

use super::Analyser;
use crate::evidence::parse::archive::{DIRECTORY, directory};

/// Bytes at the start of a file that tell an archive.
const HEAD: usize = 512;

/// An input may unpack to this much whatever its size, and to so many times its size beyond that.
const FREE: u64 = 64 << 20;
const RATIO: u64 = 400;

/// Bytes of a name that is stored apart from its entry.
const NAME: u64 = 8 << 10;

/// What the first bytes of a file say.
#[derive(Debug, PartialEq, Eq)]
enum Shape {
    Zip,
    Gzip,
    Tar,
    /// Compressed in a way that is not read.
    Packed(&'static str),
    File,
}

fn shape(head: &[u8], path: &str) -> Shape {
    match head {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Shape::Zip,
        [0x1f, 0x8b, ..] => Shape::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Shape::Packed("zstd"),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Shape::Packed("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Shape::Packed("xz"),
        _ if head.get(257..262) == Some(b"ustar") => Shape::Tar,
        // Before ustar only the name told.
        _ if path.ends_with(".tar") && head.len() == HEAD => Shape::Tar,
        _ => Shape::File,
    }
}

/// Fails once more bytes come through than were allowed.
struct Bounded<'a> {
    inner: &'a mut dyn Read,
    left: u64,
    spent: &'a Cell<u64>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let got = self.inner.read(into)?;
        self.spent.set(self.spent.get().saturating_add(got as u64));
        self.left = self
            .left
            .checked_sub(got as u64)
            .ok_or_else(|| std::io::Error::other("it unpacks to more than is read of one bundle"))?;
        Ok(got)
    }
}

/// Counts what comes through.
struct Counted<'a> {
    inner: &'a mut dyn Read,
    bytes: &'a Cell<u64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let got = self.inner.read(into)?;
        self.bytes.set(self.bytes.get().saturating_add(got as u64));
        Ok(got)
    }
}

/// Fails if what comes out is out of proportion to what went in.
struct Proportion<'a, R> {
    inner: R,
    packed: &'a Cell<u64>,
    out: u64,
    /// What may come out whatever went in.
    most: u64,
}

impl<R: Read> Read for Proportion<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let got = self.inner.read(into)?;
        self.out = self.out.saturating_add(got as u64);
        if self.out > FREE.max(self.packed.get().saturating_mul(RATIO)).min(self.most) {
            return Err(std::io::Error::other("it unpacks out of proportion to its size"));
        }
        Ok(got)
    }
}

impl Analyser {
    /// Reads a file or an archive.
    pub(super) fn any(&mut self, path: &str, input: &mut dyn Read, depth: usize) {
        let mut head = Vec::with_capacity(HEAD);
        if let Err(error) = (&mut *input).take(HEAD as u64).read_to_end(&mut head) {
            return self.unread(path, &error.to_string());
        }
        let shape = shape(&head, path);
        let mut whole = Cursor::new(head).chain(input);
        if shape == Shape::File {
            return self.file(path, &mut whole);
        }
        if let Shape::Packed(kind) = shape {
            return self.unread(path, &format!("{kind} data is not unpacked"));
        }
        if depth >= self.limits.depth {
            return self.unread(path, "archives are nested too deep");
        }
        match shape {
            Shape::Gzip => {
                let packed = Cell::new(0);
                let counted = Counted { inner: &mut whole, bytes: &packed };
                let mut plain = Proportion {
                    inner: MultiGzDecoder::new(counted),
                    packed: &packed,
                    out: 0,
                    most: self.limits.unpacked,
                };
                let bare = path.strip_suffix(".gz").unwrap_or(path);
                let name = bare.strip_suffix(".tgz").unwrap_or(bare);
                self.any(name, &mut plain, depth + 1);
            }
            Shape::Tar => self.tar(path, &mut whole, depth),
            _ => {
                let mut held = Vec::new();
                let bound = self.limits.held;
                match whole.take(bound.saturating_add(1)).read_to_end(&mut held) {
                    Ok(size) if size as u64 <= bound => self.zip(path, Cursor::new(held), depth),
                    Ok(_) => {
                        self.unread(path, &format!("a zip of more than {bound} bytes inside another file"))
                    }
                    Err(error) => self.unread(path, &error.to_string()),
                }
            }
        }
    }

    fn tar(&mut self, path: &str, input: &mut dyn Read, depth: usize) {
        let mut archive = Archive::new(input);
        // Long names are read here: the library holds them whatever their length.
        let entries = match archive.entries() {
            Ok(entries) => entries.raw(true),
            Err(error) => return self.unread(path, &error.to_string()),
        };
        let mut long: Option<String> = None;
        for entry in entries {
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.unread(path, &error.to_string()),
            };
            let kind = entry.header().entry_type();
            match kind {
                EntryType::GNULongName => {
                    long = text_of(&mut entry).map(|name| name.trim_end_matches('\0').to_owned());
                    continue;
                }
                EntryType::XHeader => {
                    long = text_of(&mut entry).and_then(|records| pax_path(&records)).or(long);
                    continue;
                }
                EntryType::XGlobalHeader | EntryType::GNULongLink | EntryType::Directory => continue,
                _ => {}
            }
            let name =
                long.take().unwrap_or_else(|| String::from_utf8_lossy(&entry.path_bytes()).into_owned());
            if !self.room(path) {
                return;
            }
            if !matches!(kind, EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse) {
                self.note_link(path, &name);
                continue;
            }
            self.inner(path, &name, &mut entry, depth);
            if self.full {
                return;
            }
        }
    }

    /// Reads a zip.
    pub(super) fn zip<R: Read + Seek>(&mut self, path: &str, mut input: R, depth: usize) {
        match directory(&mut input) {
            Ok(found) if found.entries > self.limits.entries as u64 || found.bytes > DIRECTORY => {
                let said = format!("it has {} entries, more than are read", found.entries);
                return self.unread(path, &said);
            }
            Ok(_) => {}
            Err(why) => return self.unread(path, &why),
        }
        let mut archive = match ZipArchive::new(input) {
            Ok(archive) => archive,
            Err(error) => return self.unread(path, &error.to_string()),
        };
        if archive.has_duplicate_names() {
            self.unread(path, "it has several entries of one name: one of each was read");
        }
        for at in 0..archive.len() {
            if !self.room(path) {
                return;
            }
            let mut entry = match archive.by_index(at) {
                Ok(entry) => entry,
                Err(error) => {
                    self.unread(path, &format!("entry {at}: {error}"));
                    continue;
                }
            };
            let name = entry.name().map(Cow::into_owned).unwrap_or_else(|_| format!("entry {at}"));
            if entry.is_dir() {
                continue;
            }
            if !entry.is_file() {
                self.note_link(path, &name);
                continue;
            }
            let packed = Cell::new(entry.compressed_size());
            let mut bounded =
                Proportion { inner: &mut entry, packed: &packed, out: 0, most: self.limits.unpacked };
            self.inner(path, &name, &mut bounded, depth);
            if self.full {
                return;
            }
        }
    }

    /// Reads an entry of an archive.
    fn inner(&mut self, path: &str, name: &str, input: &mut dyn Read, depth: usize) {
        let outside = name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|part| part == "..");
        if outside {
            self.outside = self.outside.saturating_add(1);
        }
        let whole = format!("{path}/{}", name.trim_start_matches(['/', '\\']));
        let spent = Cell::new(0);
        let left = self.limits.unpacked.saturating_sub(self.bytes);
        let mut bounded = Bounded { inner: input, left, spent: &spent };
        // An archive inside is charged for what comes out of it, not for itself.
        let before = self.bytes;
        self.any(&whole, &mut bounded, depth + 1);
        if self.bytes == before {
            self.bytes = self.bytes.saturating_add(spent.get());
        }
        if self.bytes >= self.limits.unpacked {
            self.full = true;
            let said = format!("more than {} bytes are in it: the rest was not read", self.limits.unpacked);
            self.unread(path, &said);
        }
    }

    /// Whether another entry may be read.
    fn room(&mut self, path: &str) -> bool {
        self.entries += 1;
        if self.entries > self.limits.entries as u64 {
            if !self.full {
                let said = format!("it has more than {} entries: the rest was not read", self.limits.entries);
                self.unread(path, &said);
            }
            self.full = true;
            return false;
        }
        true
    }

    fn note_link(&mut self, path: &str, name: &str) {
        self.links = self.links.saturating_add(1);
        if self.links == 1 {
            self.warn(format!("{path}: {name} and others like it are links or devices: not followed"));
        }
    }
}

/// The text of a small entry.
fn text_of(entry: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    entry.take(NAME).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The `path` of a PAX header: `<length> path=<value>`, one record a line.
fn pax_path(records: &str) -> Option<String> {
    records.lines().find_map(|record| Some(record.split_once(' ')?.1.strip_prefix("path=")?.to_owned()))
}
