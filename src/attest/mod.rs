//! Verdicts that are trusted without the cluster: an in-toto statement about a commit, signed in a DSSE
//! envelope, and the checks of whoever receives one. Pure: keys and files are others' business.
//!
//! `statement` says what is claimed, `dsse` who claims it, `keys` with what, `check` whether it is enough.

mod check;
mod dsse;
mod keys;
mod statement;
#[cfg(test)]
mod tests;
mod unique;

pub use check::{Answer, Wanted, check};
pub use dsse::{Envelope, PAYLOAD_TYPE, sign, verify};
pub use keys::{PublicKey, SigningKey};
pub use statement::{Image, Origin, Statement, Unfit, is_commit, statement};

/// Why an envelope is not believed: what was expected, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Distrust(pub(crate) String);

impl Distrust {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}
