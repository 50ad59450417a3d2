//! All integration tests, one binary: each module is a topic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod api;
mod bench;
mod chart;
pub mod cli;
mod cluster;
mod conditions_doc;
mod config;
mod consumers;
mod controller;
mod copies;
mod dependencies_doc;
mod evidence_doc;
mod faults;
mod gating;
mod generated;
mod github;
mod history;
mod leader;
mod monitoring;
mod page;
mod reliability_doc;
mod reports;
mod serve;
mod sets;
mod shown;
mod story;
mod webhooks;
