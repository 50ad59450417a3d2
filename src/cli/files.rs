//! Opening files that a person names.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use anyhow::{Context, bail};

/// Opens a regular file or pipe for reading; a directory is refused with what to give instead.
pub(super) fn open(path: &Path) -> anyhow::Result<File> {
    let shown = crate::evidence::log::clean_text(path.display().to_string().as_bytes()).into_owned();
    let file = File::open(path)
        .with_context(|| format!("cannot open {shown}; give the path of a file that can be read"))?;
    if file.metadata().with_context(|| format!("cannot look at {shown}"))?.is_dir() {
        bail!("{shown} is a directory; give the path of a file that can be read");
    }
    Ok(file)
}

/// Opens a log, which is text: an archive of one is refused with what to do instead.
pub(super) fn open_log(path: &Path) -> anyhow::Result<File> {
    let mut file = open(path)?;
    let mut magic = [0; 4];
    let mut got = 0;
    // A pipe cannot be put back to its start, and is refused later with that remark.
    if file.stream_position().is_ok() {
        got = file.read(&mut magic).unwrap_or(0);
        file.rewind()?;
    }
    let kind = match magic.get(..got) {
        Some([b'P', b'K', 3, 4]) => "a zip",
        Some([0x1f, 0x8b, ..]) => "gzip data",
        Some([0x28, 0xb5, 0x2f, 0xfd]) => "zstd data",
        _ => return Ok(file),
    };
    let shown = crate::evidence::log::clean_text(path.display().to_string().as_bytes()).into_owned();
    bail!("{shown} is {kind}, not a log: unpack it first, or look at it with parse or inspect");
}
