//! The load harness: the operator and its twin side by side, on a real API server and a scripted GitHub.

pub mod github;
