//! Evidence: what logs, reports and bundles say. Pure and bounded; every input is hostile.

pub mod bundle;
pub mod cluster;
pub mod explain;
pub mod fingerprint;
#[cfg(test)]
pub(crate) mod fuzz;
pub mod job;
pub mod layout;
pub mod log;
pub mod parse;
pub mod plain;
