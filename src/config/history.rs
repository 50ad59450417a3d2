//! Where the history is kept, and how much of it.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;
use crate::history::{Bounds, Place};

/// Bytes of a database in memory and in a file.
const MEMORY: u64 = 64 << 20;
const FILE: u64 = 1 << 30;
/// Bytes with which no store can do anything.
const LEAST: u64 = 1 << 20;

/// Where results of past commits are kept, and how much of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct History {
    /// Where they are kept: `none`, in `memory` until the process ends, in a file of `sqlite`, or on a `postgres`
    /// server, which several replicas can share.
    pub store: Store,
    /// File of the database, for `sqlite`.
    pub file: PathBuf,
    /// File with the address of the server, `postgres://USER:PASSWORD@HOST/DATABASE`, for `postgres`.
    pub url_file: PathBuf,
    /// Results of commits whose runs began longer ago are deleted, 1h to 87600h.
    pub max_age: Span,
    /// Bytes of the database, at least 1048576; the oldest results go first. Default: 64 MiB in memory, 1 GiB in a
    /// file. A server is bounded by `maxAge` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

/// Where a history is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
pub enum Store {
    /// Nowhere.
    #[default]
    None,
    /// Until the process ends.
    Memory,
    /// In a file.
    Sqlite,
    /// On a server.
    Postgres,
}

impl Default for History {
    fn default() -> Self {
        Self {
            store: Store::default(),
            file: PathBuf::from("/var/lib/testrun-operator/history.db"),
            url_file: PathBuf::new(),
            max_age: Span::seconds(90 * 24 * 3600),
            max_bytes: None,
        }
    }
}

impl History {
    /// What is wrong with it.
    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        let empty = |path: &PathBuf| path.as_os_str().is_empty();
        if self.store == Store::Sqlite && !self.file.is_absolute() {
            wrong.push("history.file: expected an absolute path".to_owned());
        }
        if (self.store == Store::Postgres) == empty(&self.url_file) {
            wrong.push(
                "history.urlFile: a file with the server's address belongs to the store postgres, and to no other"
                    .to_owned(),
            );
        }
        if self.max_age < Span::seconds(3600) || self.max_age > Span::seconds(87_600 * 3600) {
            wrong.push(format!("history.maxAge: {} is not between 1h and 87600h", self.max_age));
        }
        if self.max_bytes.is_some_and(|b| !(LEAST..=1 << 43).contains(&b)) {
            wrong.push(format!("history.maxBytes: expected at least {LEAST}, such as 1073741824"));
        }
    }

    /// What is not wrong, and yet not what somebody may think.
    pub fn doubt(&self) -> Option<&'static str> {
        (self.store == Store::Postgres && self.max_bytes.is_some()).then_some(
            "history.maxBytes does not bound a server, whose tables do not shrink when rows go; history.maxAge does",
        )
    }

    /// Where it is kept.
    pub fn place(&self) -> Place {
        match self.store {
            Store::None => Place::None,
            Store::Memory => Place::Memory,
            Store::Sqlite => Place::File(self.file.clone()),
            Store::Postgres => Place::Postgres(self.url_file.clone()),
        }
    }

    /// How much is kept.
    pub fn bounds(&self) -> Bounds {
        let usual = if self.store == Store::Memory { MEMORY } else { FILE };
        Bounds { age: self.max_age.get(), bytes: self.max_bytes.unwrap_or(usual) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_bound_nothing_are_told_of() {
        let of = |store, max_bytes| History { store, max_bytes, ..History::default() }.doubt().is_some();
        assert!(of(Store::Postgres, Some(LEAST)));
        assert!(!of(Store::Postgres, None) && !of(Store::Sqlite, Some(LEAST)));
    }
}
