//! Ending the process: the first SIGTERM or SIGINT asks for an orderly end, the second ends at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Code to exit with when a second signal cuts the orderly end short.
const FORCED: i32 = 130;

/// SIGXFSZ: a file would become larger than the process may make one.
const TOO_LARGE: i32 = 25;

/// Installs the signal handlers and gives a token that the first signal cancels.
pub fn on_signals() -> std::io::Result<CancellationToken> {
    let terminate = signal(SignalKind::terminate())?;
    let interrupt = signal(SignalKind::interrupt())?;
    // Whoever listens is not ended by it, and a write beyond the limit fails as on a full disk.
    drop(signal(SignalKind::from_raw(TOO_LARGE))?);
    let token = CancellationToken::new();
    tokio::spawn(watch(terminate, interrupt, token.clone()));
    Ok(token)
}

async fn watch(mut terminate: Signal, mut interrupt: Signal, token: CancellationToken) {
    for first in [true, false] {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        if first {
            tracing::info!(signal = name, "ending: running reconciles are finished first");
            token.cancel();
        } else {
            tracing::warn!(signal = name, "ending at once");
            std::process::exit(FORCED);
        }
    }
}
