//! Webhooks: what is taken in, and what follows from it.

mod events;
pub mod operator;
mod receiver;
mod redeliver;
mod replicas;
