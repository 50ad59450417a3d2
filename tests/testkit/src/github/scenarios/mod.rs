//! Ready-made scenarios.

mod ginkgo;
pub mod pr20;
mod pr20_bundles;
mod pr20_jobs;
mod pr20_suites;

pub use pr20::{Pr20, pull_request_20};
