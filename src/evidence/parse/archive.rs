//! Zip archives: the logs of a run, and artifacts that hold reports.
//!
//! Entries are read one after another as streams and never written anywhere: a name that
//! points out of its folder is only a name. Bounded are the entries, the bytes inflated in
//! all, and how far one entry may inflate.
//!
//! The same tests are often in an archive more than once. Copies of a file count once. If
//! there are reports, the consoles beside them are not counted. Reports of several formats
//! with the same counts are taken as one run written twice.

use super::model::{Counts, Entry, Format, Limits, Parsed};
use super::sink::{Place, Sink};
use super::{runlog, text};
use std::io::{Read, Seek, SeekFrom};
use zip::ZipArchive;

/// The largest directory of an archive that is read, in bytes.
pub(crate) const DIRECTORY: u64 = 4 << 20;
/// An entry that inflates beyond this is looked at more closely.
pub(crate) const FREE: u64 = 64 << 20;
/// How far an entry may inflate beyond that.
pub(crate) const RATIO: u64 = 400;
/// Entries that are left out and tell of failures, of which the first is named.
const DOUBTS: usize = 100;

/// Reads an archive.
pub(super) fn read<R: Read + Seek>(name: &str, reader: R, limits: &Limits) -> Parsed {
    let mut sink = Sink::new(name, *limits);
    let mut budget = limits.inflated;
    match open(name, reader, limits, &mut budget, &mut sink) {
        Some((files, is_log)) => settle(files, is_log, sink),
        None => sink.finish(),
    }
}

/// Reads archives that are about the same tests: what is in several of them counts once.
pub(super) fn read_all<R: Read + Seek>(name: &str, archives: Vec<(String, R)>, limits: &Limits) -> Parsed {
    let mut sink = Sink::new(name, *limits);
    let mut budget = limits.inflated;
    let mut all = Vec::new();
    for (archive, reader) in archives {
        if let Some((files, _)) = open(&archive, reader, limits, &mut budget, &mut sink) {
            all.extend(files);
        }
    }
    settle(all, false, sink)
}

/// Reads the entries of an archive, and tells whether they are the logs of a run; none where there is
/// nothing to settle.
fn open<R: Read + Seek>(
    name: &str,
    mut reader: R,
    limits: &Limits,
    budget: &mut u64,
    sink: &mut Sink,
) -> Option<(Vec<File>, bool)> {
    let mut declared = 0;
    let said = match directory(&mut reader) {
        Ok(found) if found.entries > limits.entries as u64 || found.bytes > DIRECTORY => Some(format!(
            "the archive {name} has {} entries, more than {}: it was not read",
            found.entries, limits.entries
        )),
        Ok(found) => {
            declared = found.entries;
            None
        }
        Err(why) => Some(format!("the archive {name} could not be read: {why}")),
    };
    if let Some(said) = said {
        sink.incomplete(Place::File, &said);
        return None;
    }
    let mut archive = match ZipArchive::new(reader) {
        Ok(archive) => archive,
        Err(error) => {
            sink.incomplete(Place::File, &format!("the archive {name} could not be read: {error}"));
            return None;
        }
    };
    let read = archive.len() as u64;
    if archive.has_duplicate_names() || declared != read {
        let said = format!(
            "the archive {name} says that it has {declared} entries, and {read} of them have names of their own: the \
             rest was not read"
        );
        sink.incomplete(Place::File, &said);
    }
    let names: Vec<String> = (0..archive.len())
        .map(|at| archive.name_for_index(at).and_then(Result::ok).unwrap_or_default().into_owned())
        .collect();
    let chosen = runlog::choose(&names);
    let is_log = chosen.is_some();
    let mut files = Vec::new();
    for (at, entry) in names.iter().enumerate() {
        let wanted = chosen.as_ref().is_none_or(|chosen| chosen.get(at) == Some(&true));
        if entry.ends_with('/') && archive.by_index_raw(at).is_ok_and(|folder| folder.size() > 0) {
            sink.incomplete(
                Place::File,
                &format!("entry {entry} is a folder and has bytes: it was not read"),
            );
        }
        if !wanted || entry.ends_with('/') || runlog::is_litter(entry) {
            continue;
        }
        if *budget == 0 {
            let said =
                format!("the archive inflates to more than {} bytes: the rest was not read", limits.inflated);
            sink.incomplete(Place::File, &said);
            break;
        }
        if let Some(file) = read_entry(name, entry, at, &mut archive, budget, limits, sink) {
            files.push(file);
        }
    }
    Some((files, is_log))
}

/// One entry that was read.
struct File {
    name: String,
    parsed: Parsed,
    /// Its checksum and size, to find copies.
    print: (u32, u64),
}

fn read_entry<R: Read + Seek>(
    archive_name: &str,
    entry: &str,
    at: usize,
    archive: &mut ZipArchive<R>,
    budget: &mut u64,
    limits: &Limits,
    sink: &mut Sink,
) -> Option<File> {
    let shown = format!("{archive_name}:{entry}");
    let file = match archive.by_index(at) {
        Ok(file) => file,
        Err(error) => {
            let said = format!("entry {entry} could not be read: {error}");
            sink.incomplete(Place::File, &said);
            return None;
        }
    };
    if !file.is_file() {
        let said = format!("entry {entry} is not a plain file: it was not followed");
        sink.warn(Place::File, &said);
        return None;
    }
    let print = (file.crc32(), file.size());
    let bound = file.compressed_size().saturating_mul(RATIO).max(FREE).min(*budget);
    let mut bounded = *limits;
    bounded.bytes = bound.min(limits.bytes);
    let mut counted = Counted { inner: file, bytes: 0 };
    bounded.inflated = *budget;
    let (parsed, inflated) = super::parse_stream(&shown, &mut counted, &bounded);
    let cut = counted.bytes > bounded.bytes;
    *budget = budget.saturating_sub(counted.bytes).saturating_sub(inflated);
    if cut {
        let said = format!("entry {entry} inflates too far: it was read in part");
        sink.incomplete(Place::File, &said);
    }
    Some(File { name: entry.to_owned(), parsed, print })
}

/// Counts the bytes that an entry inflates to.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let got = self.inner.read(into)?;
        self.bytes += got as u64;
        Ok(got)
    }
}

/// Decides which entries count, and adds them up.
fn settle(files: Vec<File>, is_log: bool, mut sink: Sink) -> Parsed {
    let mut sums: Vec<(Format, Counts)> = Vec::new();
    for file in &files {
        let format = file.parsed.format;
        if format.is_report() {
            match sums.iter_mut().find(|(known, _)| *known == format) {
                Some((_, sum)) => sum.merge(file.parsed.tests),
                None => sums.push((format, file.parsed.tests)),
            }
        }
    }
    sums.retain(|(_, sum)| sum.total > 0);
    // A run that was written in two formats has the same counts in both.
    let same = |a: &Counts, b: &Counts| a.total == b.total && a.bad() == b.bad();
    let repeated: Vec<Format> = sums
        .iter()
        .enumerate()
        .filter(|(at, (_, sum))| sums.iter().take(*at).any(|(_, earlier)| same(sum, earlier)))
        .map(|(_, (format, _))| *format)
        .collect();
    let has_reports = !sums.is_empty();
    let mut prints: Vec<((u32, u64), Counts)> = Vec::new();
    let mut packed = Packed::default();
    let mut doubts: Vec<String> = Vec::new();
    let mut entries = Vec::new();
    let mut left_out = 0;
    for file in files {
        let format = file.parsed.format;
        let tests = file.parsed.tests;
        if format == Format::Unknown {
            packed.note(&file);
            if is_log || !file.parsed.complete {
                // Logs without tests are normal; what could not be read is worth a word.
                let quiet = is_log && file.parsed.complete;
                if !quiet {
                    sink.absorb(file.parsed, false);
                }
            }
            continue;
        }
        // A checksum can be made to fit: what is left out must at least tell the same.
        let copy = tests.total > 0 && !is_log && prints.contains(&(file.print, tests));
        let console = has_reports && !is_log && !format.is_report();
        let counted = !copy && !console && !repeated.contains(&format);
        if !counted {
            left_out += 1;
        }
        prints.push((file.print, tests));
        let breaks_off = format.is_report() && !file.parsed.complete;
        if !counted && (breaks_off || file.parsed.failures_total > 0) && doubts.len() < DOUBTS {
            let shown = text::tidy(&file.name, text::NAME_CAP);
            if breaks_off {
                sink.incomplete(Place::File, &format!("entry {shown} is not counted, and is not complete"));
            } else {
                doubts.push(shown);
            }
        }
        if entries.len() < 1000 {
            entries.push(Entry { name: text::tidy(&file.name, text::NAME_CAP), format, tests, counted });
        }
        sink.absorb(file.parsed, counted);
    }
    if left_out > 0 {
        let said = format!("{left_out} entries repeat tests of others: they are not counted again");
        sink.warn(Place::File, &said);
    }
    packed.tell(&mut sink);
    if sink.failures_seen() == 0
        && let Some(shown) = doubts.first()
    {
        let said =
            format!("entry {shown} is not counted, and tells of failures that no report beside it has");
        sink.incomplete(Place::File, &said);
    }
    if sink.is_blank() {
        sink.warn(Place::File, "the archive holds no test results of a known format");
    }
    let mut parsed = sink.finish();
    parsed.entries = entries;
    parsed
}

/// Files in an archive that are packed themselves and were not opened.
#[derive(Default)]
struct Packed {
    files: u64,
    first: String,
    /// The first whose name is that of results.
    results: Option<String>,
}

impl Packed {
    fn note(&mut self, file: &File) {
        const NAMES: [&str; 5] = ["test", "junit", "result", "report", "ctrf"];
        if !file.parsed.warnings.iter().any(|warning| warning.text.contains(super::NOT_UNPACKED)) {
            return;
        }
        let shown = text::tidy(&file.name, text::NAME_CAP);
        let base = shown.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        if self.results.is_none() && NAMES.iter().any(|name| base.contains(name)) {
            self.results = Some(shown.clone());
        }
        if self.files == 0 {
            self.first = shown;
        }
        self.files += 1;
    }

    fn tell(self, sink: &mut Sink) {
        if let Some(shown) = self.results {
            let said = format!("entry {shown} is packed and was not opened: results may be in it");
            sink.incomplete(Place::File, &said);
        } else if self.files > 0 {
            let said = format!(
                "{} packed in it and not opened, the first is {}",
                text::several(self.files, "file"),
                self.first
            );
            sink.warn(Place::File, &said);
        }
    }
}

/// What the end of an archive says of its directory.
pub(crate) struct Directory {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

/// Reads the record at the end of an archive, so that a directory of millions of entries is
/// refused before it is held.
pub(crate) fn directory<R: Read + Seek>(reader: &mut R) -> Result<Directory, String> {
    const END: &[u8] = b"PK\x05\x06";
    const END64: &[u8] = b"PK\x06\x06";
    const WINDOW: u64 = 22 + 65_535 + 20;
    let fail = |error: std::io::Error| error.to_string();
    let size = reader.seek(SeekFrom::End(0)).map_err(fail)?;
    let start = size.saturating_sub(WINDOW);
    reader.seek(SeekFrom::Start(start)).map_err(fail)?;
    let mut tail = Vec::new();
    reader.by_ref().take(WINDOW).read_to_end(&mut tail).map_err(fail)?;
    let at = memchr::memmem::rfind(&tail, END).ok_or("it has no directory: it is cut off or not a zip")?;
    let end = tail.get(at..).unwrap_or_default();
    let number = |bytes: &[u8], from: usize, len: usize| -> Option<u64> {
        let field = bytes.get(from..from + len)?;
        Some(field.iter().rev().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte)))
    };
    let mut found = Directory {
        entries: number(end, 10, 2).ok_or("its directory is cut off")?,
        bytes: number(end, 12, 4).ok_or("its directory is cut off")?,
    };
    if found.entries == 0xffff || found.bytes == 0xffff_ffff {
        // The locator before the record says where the larger one is.
        let locator = at.checked_sub(20).and_then(|from| tail.get(from..at)).unwrap_or_default();
        if let Some(offset) = number(locator, 8, 8).filter(|_| locator.starts_with(b"PK\x06\x07")) {
            let mut record = [0u8; 56];
            reader.seek(SeekFrom::Start(offset.min(size))).map_err(fail)?;
            reader.read_exact(&mut record).map_err(fail)?;
            if record.starts_with(END64) {
                found.entries = number(&record, 32, 8).unwrap_or(u64::MAX);
                found.bytes = number(&record, 40, 8).unwrap_or(u64::MAX);
            }
        }
    }
    reader.seek(SeekFrom::Start(0)).map_err(fail)?;
    Ok(found)
}
