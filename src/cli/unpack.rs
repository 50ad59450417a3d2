//! Unpacks an archive that a stranger made into a folder of its own.
//!
//! Only plain files are written, each new, none outside of the folder, whatever the archive claims. Names,
//! sizes and counts are claims: what is left out is told.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use zip::ZipArchive;

use crate::evidence::log::clean_text;
use crate::evidence::parse::archive::{DIRECTORY, FREE, RATIO, directory};

/// Folders inside each other.
const DEPTH: usize = 32;
/// Bytes of the name of a file or folder.
const NAME: usize = 200;
/// Remarks that are made.
const REMARKS: usize = 20;

/// Bounds of one archive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub entries: u64,
    /// Bytes that it may unpack to.
    pub bytes: u64,
}

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Unpacked {
    pub files: u64,
    pub bytes: u64,
    /// What was not, and why.
    pub remarks: Vec<String>,
    /// Entries that were left out.
    pub left_out: u64,
}

impl Unpacked {
    fn leave(&mut self, name: &str, why: &str) {
        self.left_out += 1;
        if self.remarks.len() < REMARKS {
            let name = clean_text(name.as_bytes());
            let shown: String = name.chars().take(200).collect();
            self.remarks.push(format!("{shown}: {why}"));
        }
    }
}

/// Unpacks into `folder`, which must not exist yet. It is there as a whole or not at all.
pub(super) fn unpack(mut archive: File, folder: &Path, bounds: Bounds) -> anyhow::Result<Unpacked> {
    if folder.symlink_metadata().is_ok() {
        bail!("it exists already; remove it or choose another folder");
    }
    let found =
        directory(&mut archive).map_err(|why| anyhow::anyhow!("the archive cannot be read: {why}"))?;
    if found.entries > bounds.entries || found.bytes > DIRECTORY {
        bail!("the archive has {} entries, more than {}", found.entries, bounds.entries);
    }
    let mut zip = ZipArchive::new(archive).context("the archive cannot be read")?;
    let parent = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let partial = tempfile::Builder::new().prefix(".partial-").tempdir_in(parent)?;
    let mut done = Unpacked::default();
    let mut written = HashSet::new();
    for at in 0..zip.len() {
        let mut entry = match zip.by_index(at) {
            Ok(entry) => entry,
            Err(error) => {
                done.leave(&format!("entry {at}"), &error.to_string());
                continue;
            }
        };
        let name = entry.name().map(std::borrow::Cow::into_owned).unwrap_or_default();
        if entry.is_dir() {
            continue;
        }
        if !entry.is_file() {
            done.leave(&name, "a link or device: not followed");
            continue;
        }
        let Some(path) = inside(&name) else {
            done.leave(&name, "its name points out of the folder, or cannot be a file's name");
            continue;
        };
        // Where letters of either case are the same, the second would overwrite the first.
        if !written.insert(path.to_string_lossy().to_lowercase()) {
            done.leave(&name, "there is another file of this name");
            continue;
        }
        let left = bounds.bytes.saturating_sub(done.bytes);
        let most = entry.compressed_size().saturating_mul(RATIO).max(FREE).min(left);
        match write(&mut entry, &partial.path().join(&path), most) {
            Ok(Some(bytes)) => {
                done.files += 1;
                done.bytes = done.bytes.saturating_add(bytes);
            }
            Ok(None) if most == left => {
                bail!("it unpacks to more than {} bytes; nothing of it was kept", bounds.bytes)
            }
            Ok(None) => done.leave(&name, "it unpacks out of proportion to its size"),
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Err(error.into()),
            Err(error) => done.leave(&name, &error.to_string()),
        }
    }
    std::fs::rename(partial.path(), folder).context("cannot name the folder")?;
    // What was renamed is not the temporary folder any more.
    drop(partial.keep());
    Ok(done)
}

/// Writes a new file of at most `most` bytes; none if there are more, and nothing is left of it then.
fn write(from: &mut impl Read, to: &Path, most: u64) -> std::io::Result<Option<u64>> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(to)?;
    let copied = std::io::copy(&mut from.take(most.saturating_add(1)), &mut file).and_then(|n| {
        file.flush()?;
        Ok(n)
    });
    match copied {
        Ok(bytes) if bytes <= most => Ok(Some(bytes)),
        other => {
            drop(file);
            std::fs::remove_file(to)?;
            other.map(|_| None)
        }
    }
}

/// The path of an entry below its folder; none where the name points elsewhere or is no name.
pub(super) fn inside(name: &str) -> Option<PathBuf> {
    let parts: Vec<&str> = name.split(['/', '\\']).collect();
    let good = |part: &&str| {
        !matches!(*part, "" | "." | "..")
            && part.len() <= NAME
            && !part.chars().any(|c| {
                c.is_control() || matches!(c, ':' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            })
    };
    (parts.len() <= DEPTH && parts.iter().all(good)).then(|| parts.iter().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use proptest::prelude::*;
    use std::io::Seek;

    const BOUNDS: Bounds = Bounds { entries: 1000, bytes: 1 << 20 };

    fn zip(files: &[(&str, &[u8])]) -> File {
        let mut out = ::zip::ZipWriter::new(tempfile::tempfile().unwrap());
        for (name, bytes) in files {
            out.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
            out.write_all(bytes).unwrap();
        }
        let mut file = out.finish().unwrap();
        file.rewind().unwrap();
        file
    }

    fn names_below(folder: &Path) -> Vec<String> {
        let mut all = Vec::new();
        let mut open = vec![folder.to_owned()];
        while let Some(next) = open.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    all.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        all.sort();
        all
    }

    #[test]
    fn only_new_files_inside_of_the_folder_are_written() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a");
        let archive = zip(&[
            ("b/c.txt", b"c"),
            ("../LICENSE", b"x"),
            ("/etc/passwd", b"x"),
            ("b/../../x", b"x"),
            ("..\\x", b"x"),
            ("C:\\x", b"x"),
            ("b//x", b"x"),
            ("nul\0byte", b"x"),
            ("B/C.TXT", b"again"),
        ]);
        let done = unpack(archive, &folder, BOUNDS).unwrap();
        assert_eq!((names_below(root.path()), done.files), (vec!["a/b/c.txt".to_owned()], 1));
        assert_eq!((done.left_out, done.remarks.len()), (8, 8), "{:?}", done.remarks);
        assert!(done.remarks.iter().any(|r| r.starts_with("../LICENSE: its name points out")));
        let again = unpack(zip(&[("x", b"x")]), &folder, BOUNDS).unwrap_err();
        assert!(again.to_string().contains("exists already"), "{again}");
    }

    #[test]
    fn links_are_not_made() {
        let root = tempfile::tempdir().unwrap();
        let mut out = ::zip::ZipWriter::new(tempfile::tempfile().unwrap());
        out.add_symlink("out", "/etc", ::zip::write::SimpleFileOptions::default()).unwrap();
        out.start_file("out/x", ::zip::write::SimpleFileOptions::default()).unwrap();
        let mut file = out.finish().unwrap();
        file.rewind().unwrap();
        let done = unpack(file, &root.path().join("a"), BOUNDS).unwrap();
        assert_eq!((done.left_out, names_below(root.path())), (1, vec!["a/out/x".to_owned()]));
    }

    #[test]
    fn bombs_leave_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let zeros = vec![0u8; 2 << 20];
        let error = unpack(zip(&[("a", b"a"), ("z", &zeros)]), &root.path().join("a"), BOUNDS).unwrap_err();
        assert!(error.to_string().contains("more than 1048576 bytes"), "{error}");
        let many: Vec<String> = (0..1001).map(|n| n.to_string()).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|n| (n.as_str(), &b""[..])).collect();
        let error = unpack(zip(&many), &root.path().join("a"), BOUNDS).unwrap_err();
        assert!(error.to_string().contains("1001 entries"), "{error}");
        for torn in [&b""[..], b"PK\x03\x04", b"PK\x05\x06", b"hello"] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(torn).unwrap();
            assert!(unpack(file, &root.path().join("a"), BOUNDS).is_err());
        }
        assert!(
            names_below(root.path()).is_empty() && std::fs::read_dir(root.path()).unwrap().next().is_none()
        );
    }

    proptest! {
        #[test]
        fn a_damaged_archive_writes_into_its_folder_or_nothing(
            damage in crate::evidence::fuzz::ops(),
            names in prop::collection::vec("(\\.\\./)?[a-c]/[a-c]{1,2}", 1..4),
        ) {
            let mut out = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
            for name in &names {
                // The library refuses a second entry of a name: the others are enough.
                if out.start_file(name, ::zip::write::SimpleFileOptions::default()).is_ok() {
                    out.write_all(&[b'x'; 300]).unwrap();
                }
            }
            let whole = out.finish().unwrap().into_inner();
            let bytes = crate::evidence::fuzz::damage(&whole, &damage, &[]);
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            file.rewind().unwrap();
            let root = tempfile::tempdir().unwrap();
            let done = unpack(file, &root.path().join("a"), Bounds { entries: 10, bytes: 1000 });
            let there = names_below(root.path());
            prop_assert!(there.iter().all(|name| name.starts_with("a/")), "{there:?}");
            match done {
                Ok(done) => prop_assert!(done.bytes <= 1000 && done.files == there.len() as u64, "{done:?} {there:?}"),
                Err(_) => prop_assert!(there.is_empty(), "{there:?}"),
            }
        }

        #[test]
        fn no_name_leads_out_of_its_folder(name in "([a-z.]{0,3}|\\.\\.|[/\\\\:\u{0}\u{202e}]){0,8}") {
            if let Some(path) = inside(&name) {
                prop_assert!(path.is_relative());
                prop_assert!(path.components().all(|c| matches!(c, std::path::Component::Normal(_))));
            }
        }
    }
}
