//! All integration tests, one binary: each module is a topic.
mod api;
mod chart;
mod conditions_doc;
mod gating;
mod github;
