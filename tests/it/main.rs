//! All integration tests, one binary: each module is a topic.
mod gating;
