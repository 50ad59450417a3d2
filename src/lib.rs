//! testrun-operator turns the CI results of a commit into a `TestRunReport` that people read and
//! merge tooling trusts. ARCHITECTURE.md says how data flows through the modules.

pub mod api;
pub mod attest;
pub mod cache;
pub mod cli;
pub mod collect;
pub mod config;
pub mod connections;
pub mod controller;
pub mod copies;
pub mod evidence;
pub mod github;
pub mod history;
pub mod leader;
pub mod notify;
pub mod runtime;
pub mod serve;
pub mod sets;
pub mod verdict;
pub mod webhooks;
