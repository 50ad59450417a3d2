//! Test bench: a real control plane and a stateful GitHub in process.

pub mod controlplane;
pub mod github;
