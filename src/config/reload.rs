//! A changed configuration file while the operator runs.
//!
//! The content is compared at an interval instead of watching for events of the file system: mounted
//! ConfigMaps and Secrets change by a swapped symlink three folders up, which events tell of in ways that
//! differ by system. Connections are taken over; everything else waits for the next start. A file that cannot
//! be used changes nothing.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Config, InvalidConfig, Loaded, Source};
use crate::connections::Live;

/// Between two looks at the file. The kubelet takes up to a minute to update it.
const INTERVAL: Duration = Duration::from_secs(5);

/// What became of a changed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The connections are new.
    Applied,
    /// The file cannot be used; what was in force stays so.
    Invalid,
}

/// Follows the file until the end. `changed` is told what became of each change.
pub async fn follow(
    source: Source,
    now: Config,
    connections: Live,
    complete: impl Fn(Loaded) -> crate::connections::Connections + Send + 'static,
    changed: impl Fn(Reload) + Send + 'static,
    end: CancellationToken,
) {
    let mut state = State { now, failed: None };
    loop {
        if end.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none() {
            return;
        }
        let reading = source.clone();
        let Ok(read) = tokio::task::spawn_blocking(move || reading.load()).await else { continue };
        if let Some((result, loaded)) = state.next(read) {
            if let Some(loaded) = loaded {
                connections.replace(complete(loaded));
            }
            changed(result);
        }
    }
}

struct State {
    now: Config,
    failed: Option<InvalidConfig>,
}

impl State {
    /// What follows from the file as it is read now; None if it is what it was.
    fn next(&mut self, read: Result<Loaded, InvalidConfig>) -> Option<(Reload, Option<Loaded>)> {
        match read {
            Ok(loaded) if loaded.config == self.now => {
                if self.failed.take().is_some() {
                    tracing::info!("the configuration file is what it was again");
                }
                None
            }
            Ok(loaded) => {
                let rest = Config { connections: self.now.connections.clone(), ..loaded.config.clone() };
                if rest != self.now {
                    tracing::warn!(
                        "the configuration file changed beside its connections; that is taken over at the next start"
                    );
                }
                self.failed = None;
                self.now = loaded.config.clone();
                tracing::info!(connections = loaded.connections.iter().count(), "connections are taken over");
                Some((Reload::Applied, Some(loaded)))
            }
            Err(error) if self.failed.as_ref() == Some(&error) => None,
            Err(error) => {
                tracing::error!("the changed configuration file is not taken over: {error}");
                self.failed = Some(error);
                Some((Reload::Invalid, None))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_good_change_is_applied_once_and_a_bad_one_changes_nothing() {
        let source = Source::default();
        let one = "connections: [{name: a, namespaces: ['*'], repositories: ['*']}]\n";
        let two = "connections: [{name: b, namespaces: ['*'], repositories: ['*']}]\n";
        let mut state = State { now: source.parse(one).unwrap().config, failed: None };
        let mut step =
            |text: &str| state.next(source.parse(text)).map(|(result, loaded)| (result, loaded.is_some()));
        assert_eq!(step(one), None);
        assert_eq!(step("connections: ["), Some((Reload::Invalid, false)));
        assert_eq!(step("connections: ["), None, "told once");
        assert_eq!(step(one), None, "back to what is in force");
        assert_eq!(step("connections: ["), Some((Reload::Invalid, false)), "told again");
        assert_eq!(step(two), Some((Reload::Applied, true)));
        assert_eq!(step(two), None);
    }
}
