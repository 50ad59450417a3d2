//! Webhooks of GitHub: a delivery is verified, and then only a reason to look.
//!
//! `server` bounds connections, `receive` takes one delivery, `event` reads what it is about;
//! `forward` brings it to the replicas that lead, and `redeliver` asks for what did not arrive. Nothing of an
//! unverified body is parsed, and an answer never waits for GitHub or the API server.

mod event;
mod forward;
mod receive;
mod redeliver;
mod server;
mod stats;
mod trace;

use std::sync::Arc;

pub use event::{Event, Kind, Unusable, read};
pub use forward::Leaders;
pub use receive::{Limits, Receiver};
pub use redeliver::{Apps, redeliver};
pub use server::{bind, serve};
pub use stats::{OUTCOMES, Outcome, Stats};

/// Takes in an event that came through a connection, by the connection's name.
pub type Sink = Arc<dyn Fn(&str, &Event) + Send + Sync>;
