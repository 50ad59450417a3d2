//! Deliveries that did not arrive, as while the receiver was away: GitHub tries each once, lists what failed,
//! and sends it again when it is asked to.
//!
//! A lost event costs time and not the truth, which is looked at anyway; so all of this is bounded, and what
//! cannot be had is left alone.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use lru::LruCache;
use tokio_util::sync::CancellationToken;

use super::Receiver;
use crate::connections::{Connection, Live};
use crate::github::{App, wire};
use crate::leader::Ownership;
use crate::runtime::metrics::{Metrics, Redelivery};

/// Time between two looks at what failed.
pub const EVERY: Duration = Duration::from_secs(300);
/// Older ones say nothing that was not found by looking meanwhile.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// Asked for in one round, for each App.
const AT_ONCE: usize = 50;
/// How often one event is asked for.
const TRIES: u32 = 3;
/// Events whose tries are remembered.
const REMEMBERED: usize = 16 << 10;

/// By event: how often it was asked for.
type Tried = LruCache<String, u32>;

/// Has the App of a connection's own credential; None where it is none, which has no list of deliveries.
pub type Apps =
    Arc<dyn Fn(Arc<Connection>) -> BoxFuture<'static, Result<Option<Arc<App>>, String>> + Send + Sync>;

/// Asks for what failed, as long as this process leads and until the end.
pub async fn redeliver(
    receiver: Receiver,
    connections: Live,
    ownership: Ownership,
    apps: Apps,
    metrics: Metrics,
    end: CancellationToken,
) {
    let mut tried: HashMap<String, Tried> = HashMap::new();
    // One process asks for all: whoever holds the first shard.
    let leads = || ownership.held().contains(&0);
    let work = async {
        loop {
            if leads() {
                let now = connections.now();
                tried.retain(|name, _| now.named(name).is_some());
                let hears = now.iter().filter(|c| !c.webhooks.is_empty());
                for connection in hears.filter_map(|c| now.named(&c.name)) {
                    let new = || LruCache::new(NonZeroUsize::new(REMEMBERED).unwrap_or(NonZeroUsize::MIN));
                    let tried = tried.entry(connection.name.clone()).or_insert_with(new);
                    let done = match apps(connection.clone()).await {
                        Ok(Some(app)) => round((connection, &app), &receiver, leads, tried, &metrics).await,
                        other => other.map(|_| ()),
                    };
                    if let Err(problem) = done {
                        metrics.redelivery(Redelivery::Failed);
                        tracing::warn!(
                            "failed webhook deliveries of the connection {}: {problem}", connection.name
                        );
                    }
                }
                tokio::time::sleep(EVERY).await;
            } else {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    };
    end.run_until_cancelled(work).await;
}

/// One look at what failed for the App of a connection.
async fn round(
    (connection, app): (&Connection, &App),
    receiver: &Receiver,
    leads: impl Fn() -> bool,
    tried: &mut Tried,
    metrics: &Metrics,
) -> Result<(), String> {
    let failed = app.failed_deliveries().await.map_err(|t| t.message)?;
    let arrived = |delivery: &str| receiver.has(&connection.name, delivery);
    for (delivery, guid) in due(&failed, app.now(), tried, arrived) {
        if !leads() {
            return Ok(());
        }
        let outcome = app.redeliver(delivery).await;
        let tries = tried.get(&guid).copied().unwrap_or(0) + 1;
        tried.put(guid, tries);
        match outcome {
            Ok(()) => metrics.redelivery(Redelivery::Asked),
            Err(trouble) => {
                metrics.redelivery(Redelivery::Refused);
                // The next round begins where this one was stopped.
                if trouble.retry_at.is_some() {
                    return Err(trouble.message);
                }
                tracing::debug!("{}", trouble.message);
            }
        }
    }
    Ok(())
}

/// The deliveries to ask for: each event once, by its newest attempt, what tells most first.
fn due(
    failed: &[wire::Delivery],
    now: Timestamp,
    tried: &Tried,
    arrived: impl Fn(&str) -> bool,
) -> Vec<(i64, String)> {
    let since = now.saturating_sub(WINDOW).unwrap_or(now);
    let mut events: HashMap<&str, (&wire::Delivery, u32)> = HashMap::new();
    for delivery in failed.iter().filter(|d| d.id > 0 && (1..=128).contains(&d.guid.len())) {
        let entry = events.entry(&delivery.guid).or_insert((delivery, 0));
        entry.1 += u32::from(delivery.redelivery);
        if delivery.id > entry.0.id {
            entry.0 = delivery;
        }
    }
    let mut all: Vec<(u8, &wire::Delivery)> = events
        .into_iter()
        .filter(|(guid, (_, redelivered))| {
            let asked = tried.peek(*guid).copied().unwrap_or(0);
            asked.max(*redelivered) < TRIES && !arrived(guid)
        })
        .filter_map(|(_, (delivery, _))| Some((weight(&delivery.event)?, delivery)))
        .filter(|(_, delivery)| delivery.delivered_at.is_some_and(|at| at >= since))
        .collect();
    all.sort_by_key(|(weight, delivery)| (*weight, std::cmp::Reverse(delivery.id)));
    all.truncate(AT_ONCE);
    all.into_iter().map(|(_, delivery)| (delivery.id, delivery.guid.clone())).collect()
}

/// Events that reports depend on, those first after which a verdict may be due.
fn weight(event: &str) -> Option<u8> {
    match event {
        "workflow_run" | "pull_request" | "status" | "check_suite" | "deployment_protection_rule" => Some(0),
        "workflow_job" | "check_run" | "merge_group" | "push" => Some(1),
        "installation"
        | "installation_repositories"
        | "repository"
        | "public"
        | "branch_protection_rule"
        | "repository_ruleset" => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    fn now() -> Timestamp {
        "2026-01-23T16:00:00Z".parse().unwrap()
    }

    fn delivery(id: i64, guid: &str, event: &str, minutes_ago: i64, redelivery: bool) -> wire::Delivery {
        let delivered_at = Some(now() - SignedDuration::from_mins(minutes_ago));
        wire::Delivery { id, guid: guid.into(), event: event.into(), redelivery, delivered_at }
    }

    fn ids(failed: &[wire::Delivery], tried: &[(&str, u32)], arrived: &[&str]) -> Vec<i64> {
        let mut memory = LruCache::new(NonZeroUsize::new(9).unwrap());
        for (guid, tries) in tried {
            memory.put((*guid).to_owned(), *tries);
        }
        due(failed, now(), &memory, |g| arrived.contains(&g)).into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn each_event_is_asked_for_once_a_round_and_what_tells_most_first() {
        let list = [
            delivery(9, "c", "workflow_job", 1, false),
            delivery(8, "b", "workflow_run", 2, true),
            delivery(7, "b", "workflow_run", 3, false),
            delivery(6, "a", "pull_request", 4, false),
            delivery(5, "p", "ping", 5, false),
            delivery(4, "old", "workflow_run", 25 * 60, false),
        ];
        assert_eq!(ids(&list, &[], &[]), [8, 6, 9]);
        assert_eq!(ids(&list, &[("b", 3)], &["a"]), [9], "asked for often enough, and arrived");
    }

    #[test]
    fn tries_are_counted_across_processes_by_what_github_lists() {
        let list: Vec<_> = (0..4).map(|n| delivery(9 - n, "a", "status", n, n < 3)).collect();
        assert_eq!(ids(&list, &[], &[]), [0_i64; 0]);
        assert_eq!(ids(&list[1..], &[], &[]), [8], "two were in vain");
    }

    #[test]
    fn what_is_acted_upon_is_asked_for() {
        let events = [
            "workflow_run", "workflow_job", "check_run", "check_suite", "status", "pull_request", "push",
            "merge_group", "deployment_protection_rule", "branch_protection_rule", "repository_ruleset",
            "public", "repository", "installation", "installation_repositories",
        ];
        for event in events {
            assert!(weight(event).is_some(), "{event}");
            // With a repository each of them is about something; what is not is not asked for either.
            let body = br#"{"action": "x", "repository": {"full_name": "a/b"}, "repositories": [{"full_name": "a/b"}]}"#;
            let kinds = crate::webhooks::event::read(event, body).unwrap();
            assert!(
                kinds.iter().all(|e| e.kind != crate::webhooks::Kind::Other) && !kinds.is_empty(),
                "{event}"
            );
        }
        assert!(weight("star").is_none() && weight("ping").is_none());
    }

    #[test]
    fn a_round_is_bounded() {
        let list: Vec<_> = (1..500).map(|n| delivery(n, &n.to_string(), "status", 1, false)).collect();
        let all = ids(&list, &[], &[]);
        assert_eq!((all.len(), all[0]), (AT_ONCE, 499));
    }
}
