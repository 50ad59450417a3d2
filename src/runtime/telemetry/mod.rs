//! Logging to standard error, and traces for a collector.

mod cause;
mod traces;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

pub use cause::Cause;
pub use traces::Traces;

use crate::config::{LogFormat, Logging, Tracing};

/// Starts logging, and traces where they are wanted; these are sent by a runtime that goes on until they have ended.
pub fn init(
    logging: &Logging,
    tracing: &Tracing,
    runtime: &tokio::runtime::Handle,
) -> anyhow::Result<Option<Traces>> {
    let filter = EnvFilter::try_new(&logging.level)
        .map_err(|error| anyhow::anyhow!("logging.level is no filter: {error}"))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match logging.format {
        LogFormat::Text => lines.with_ansi(false).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let traces = Traces::start(tracing, runtime)?;
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(traces.as_ref().map(Traces::layer))
        .try_init()
        .map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))?;
    Ok(traces)
}
