//! Opening files that a person names.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, bail};

/// Opens a regular file or pipe for reading; a directory is refused with what to give instead.
pub(super) fn open(path: &Path) -> anyhow::Result<File> {
    let shown = crate::evidence::log::clean_text(path.display().to_string().as_bytes()).into_owned();
    let file =
        File::open(path).with_context(|| format!("cannot open {shown}; give the path of a log file"))?;
    if file.metadata().with_context(|| format!("cannot look at {shown}"))?.is_dir() {
        bail!("{shown} is a directory; give the path of a log file");
    }
    Ok(file)
}
