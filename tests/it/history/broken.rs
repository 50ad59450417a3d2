//! A store that is full, locked, corrupt, of a newer version or gone: no verdict waits for it or knows of it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use testrun_operator::history::{Bounds, History, Of, Place, Store};
use testrun_operator::runtime::metrics::Metrics;
use tokio_util::sync::CancellationToken;

use super::BOUNDS;
use super::laws::{asked, job};
use crate::cluster::eventually;
use crate::controller::bench::{Bench, QUICK};
use crate::controller::{SHA, green, red};

pub fn value(metrics: &Metrics, name: &str) -> f64 {
    let text = metrics.text().unwrap();
    let line = text.lines().find(|l| l.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

pub fn records(metrics: &Metrics, outcome: &str) -> f64 {
    value(metrics, &format!("testrun_history_records_total{{outcome=\"{outcome}\"}}"))
}

/// Waits until a store that is in trouble says so.
pub async fn troubled(metrics: &Metrics) {
    let told = async || {
        let failed = records(metrics, "failed") > 0.0;
        (failed && value(metrics, "testrun_history_usable") == 0.0).then_some(())
    };
    eventually(|| "the trouble to be told", told).await;
}

/// A store in trouble, a report that is decided all the same, and what is recorded once the trouble is over.
async fn trouble(name: &str, file: &Path, end: impl AsyncFnOnce()) {
    let (metrics, stop) = (Metrics::new(), CancellationToken::new());
    let (history, task) = History::start(Place::File(file.into()), long(), metrics.clone(), stop.clone());
    let bench = Bench::start_recording(name, QUICK, red(), history.clone()).await;
    let begin = Instant::now();
    bench.create("a", json!({})).await;
    bench.reason("a", "RequiredFailed").await;
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(10), "{name}: the verdict took {took:?}");
    troubled(&metrics).await;
    assert_eq!(records(&metrics, "stored"), 0.0, "{name}");
    // The verdict goes on changing.
    bench.script.say(green());
    bench.reason("a", "AllRequiredSucceeded").await;
    end().await;
    let namespace = bench.namespace.clone();
    let found = async || {
        let store = history.store()?;
        let commits = store.page(&asked(&namespace, Of::Commits, 10, None)).await.ok()?.commits;
        commits.first().filter(|c| c.verdicts.iter().any(|v| v.verdict == "passed")).cloned()
    };
    let commit = eventually(|| format!("{name}: the results after the trouble"), found).await;
    assert_eq!((commit.sha.as_str(), commit.results), (SHA, 1), "{name}");
    // What it has is there before it is counted.
    let usable = async || {
        let bytes = value(&metrics, "testrun_history_bytes");
        (value(&metrics, "testrun_history_usable") == 1.0 && bytes > 0.0).then_some(())
    };
    eventually(|| format!("{name}: the store to be usable"), usable).await;
    bench.stop().await;
    stop.cancel();
    task.unwrap().await.unwrap();
}

/// The runs of these tests are of January 2026.
pub fn long() -> Bounds {
    Bounds { age: Duration::from_secs(3650 * 86_400), ..BOUNDS }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_or_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("later");
    trouble("nofolder", &folder.join("h.db"), async || std::fs::create_dir(&folder).unwrap()).await;
    // Nobody makes files there, whoever they are; it stays so, and so does the trouble.
    let (metrics, stop) = (Metrics::new(), CancellationToken::new());
    let place = Place::File("/proc/self/h.db".into());
    let (history, task) = History::start(place, long(), metrics.clone(), stop.clone());
    let bench = Bench::start_recording("readonly", QUICK, green(), history.clone()).await;
    bench.create("a", json!({})).await;
    bench.reason("a", "AllRequiredSucceeded").await;
    troubled(&metrics).await;
    assert!(history.is_kept() && history.store().is_none());
    bench.stop().await;
    // The end does not wait for a store that will never be.
    let begin = Instant::now();
    stop.cancel();
    task.unwrap().await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_file_is_left_as_it_is_until_somebody_takes_it_away() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("h.db");
    let garbage = "no database ".repeat(4096);
    std::fs::write(&file, &garbage).unwrap();
    trouble("corrupt", &file, async || {
        assert_eq!(std::fs::read_to_string(&file).unwrap(), garbage, "it may be of use to somebody");
        std::fs::remove_file(&file).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_somebody_else_has_locked() {
    use sqlx::Connection;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("h.db");
    drop(Store::open(&Place::File(file.clone()), BOUNDS.bytes).await.unwrap());
    sqlx::any::install_default_drivers();
    let mut other = sqlx::AnyConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    trouble("locked", &file, async || {
        sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_a_newer_version_is_not_written_to() {
    use sqlx::Connection;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("h.db");
    drop(Store::open(&Place::File(file.clone()), BOUNDS.bytes).await.unwrap());
    sqlx::any::install_default_drivers();
    let mut other = sqlx::AnyConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    sqlx::query("INSERT INTO history_schema (version) VALUES (99)").execute(&mut other).await.unwrap();
    let error = Store::open(&Place::File(file.clone()), BOUNDS.bytes).await.unwrap_err().to_string();
    assert!(error.contains("newer version (schema 99"), "{error}");
    trouble("newer", &file, async || {
        sqlx::query("DELETE FROM history_schema WHERE version = 99").execute(&mut other).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_taken_away_is_begun_anew_with_what_is_seen_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("h.db");
    let (metrics, stop) = (Metrics::new(), CancellationToken::new());
    let (history, _task) = History::start(Place::File(file.clone()), long(), metrics.clone(), stop.clone());
    let bench = Bench::start_recording("gone", QUICK, red(), history.clone()).await;
    bench.create("a", json!({})).await;
    bench.reason("a", "RequiredFailed").await;
    let stored = async |count: f64| {
        let enough = async || (records(&metrics, "stored") >= count).then_some(());
        eventually(|| format!("{count} records"), enough).await;
    };
    stored(1.0).await;
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
    let before = records(&metrics, "stored");
    bench.script.say(green());
    bench.reason("a", "AllRequiredSucceeded").await;
    stored(before + 1.0).await;
    let namespace = bench.namespace.clone();
    let read = Store::read(&file).await.unwrap();
    let found = read.page(&asked(&namespace, job("unit"), 10, None)).await.unwrap();
    assert_eq!(found.results.len(), 1, "in the new file, not in the one without a name");
    bench.stop().await;
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_store_nothing_is_kept_and_nothing_is_counted() {
    let metrics = Metrics::new();
    let (history, task) = History::start(Place::None, BOUNDS, metrics.clone(), CancellationToken::new());
    assert!(task.is_none() && !history.is_kept() && history.store().is_none());
    for outcome in ["stored", "failed", "refused", "dropped"] {
        assert_eq!(records(&metrics, outcome), 0.0);
    }
}
