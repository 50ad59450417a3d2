//! Evidence: what logs, reports and bundles say. Pure and bounded; every input is hostile.

pub mod explain;
pub mod log;
pub mod parse;
