//! What surrounds the controller in its process: command line, logging, metrics, health and
//! shutdown. Only `cli` knows the controller.

pub mod cli;
pub mod health;
pub mod metrics;
pub mod random;
pub mod shutdown;
pub mod telemetry;
