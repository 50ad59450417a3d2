//! Test bench: a real control plane and a stateful GitHub in process.

mod bound;
pub mod controlplane;
pub mod github;

pub use bound::bound;
