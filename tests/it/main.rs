//! All integration tests, one binary: each module is a topic.
mod conditions_doc;
mod controller;
mod gating;
