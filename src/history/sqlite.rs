//! How a file of SQLite is opened, and what is particular about its errors.

use std::path::Path;

/// Bytes of one page of the file.
const PAGE: u64 = 4096;

/// The address of a file. What is no plain character is written as its number.
pub(super) fn url(path: &Path) -> String {
    let mut url = "sqlite://".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                url.push(char::from(*byte))
            }
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

/// What the connection that writes a file is told first. The write-ahead log keeps readers from waiting for a writer;
/// the number of pages is the bound that nothing passes.
pub(super) fn settings(bytes: u64) -> String {
    let pages = (bytes / PAGE).max(64);
    format!(
        "PRAGMA page_size = {PAGE}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; \
         PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000; PRAGMA foreign_keys = ON; \
         PRAGMA journal_size_limit = 16777216; PRAGMA max_page_count = {pages}"
    )
}

/// The same in memory. A connection that has met a bound of pages is of no use any more, and this one is all there is;
/// what is kept is counted instead.
pub(super) const MEMORY: &str = "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA foreign_keys = ON";

/// What each connection that only reads is told first.
pub(super) const READING: &str = "PRAGMA query_only = ON; PRAGMA busy_timeout = 2000";

/// Whether SQLite refuses this record whatever becomes of the store: it is too big, breaks a rule of the schema, or
/// has a value of a wrong kind.
pub(super) fn refuses(code: &str) -> bool {
    const TOO_BIG: i64 = 18;
    const CONSTRAINT: i64 = 19;
    const MISMATCH: i64 = 20;
    // The low byte is the kind, the rest a detail of it.
    code.parse::<i64>().is_ok_and(|c| matches!(c & 0xff, TOO_BIG | CONSTRAINT | MISMATCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_odd_characters_is_one_file() {
        assert_eq!(url(Path::new("/var/lib/a b?c#d%.db")), "sqlite:///var/lib/a%20b%3Fc%23d%25.db");
    }

    #[test]
    fn trouble_of_the_store_is_told_from_a_record_that_nobody_takes() {
        // SQLITE_CONSTRAINT_UNIQUE, and SQLITE_BUSY, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB.
        assert!(refuses("2067") && refuses("19") && refuses("18"));
        for code in ["5", "261", "8", "10", "11", "13", "14", "26", "08006", ""] {
            assert!(!refuses(code), "{code}");
        }
    }
}
