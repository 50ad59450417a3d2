//! Rankings by the sums of days are what rankings by rows are, whatever is recorded, recorded again and deleted, by one
//! writer or two. Of a branch they are made of rows, so a store whose commits are all of one branch has both to compare.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sqlx::{AnyConnection, Connection, Row};
use testrun_operator::history::{Bounds, By, History, JobResult, Place, Ranking, Record, Store, Top};
use testrun_operator::runtime::metrics::Metrics;
use tokio_util::sync::CancellationToken;

use super::server::Server;
use super::{REPO, record};
use crate::cluster::eventually;

const DAY: i64 = 86_400;
/// A midnight.
const BASE: i64 = 20_000 * DAY;
const BYTES: u64 = 256 << 20;

/// What makes a store without durations of one that is empty or not, and then one without sums.
pub const WITHOUT_DURATIONS: [&str; 4] = [
    "DROP TABLE history_durations", "DROP TABLE history_slow_days", "DROP TABLE history_held",
    "DELETE FROM history_schema WHERE version > 3",
];
pub const WITHOUT_SUMS: [&str; 6] = [
    "DROP TABLE history_days",
    "DROP TABLE history_test_days",
    "DROP INDEX history_commits_to_sum",
    "ALTER TABLE history_commits DROP COLUMN summed",
    "ALTER TABLE history_verdicts RENAME COLUMN looked TO observed",
    "DELETE FROM history_schema WHERE version > 2",
];

#[derive(Clone, Debug)]
enum Step {
    Look(Box<Record>),
    /// What began before some time goes.
    Delete(i64),
}

fn result() -> impl Strategy<Value = JobResult> {
    let conclusion = prop::sample::select(vec!["success", "success", "failure", "timed_out", "cancelled"]);
    let times = (0..4i64, prop::sample::select(vec![0, 1, 43_200, 86_399]), prop::option::of(-20..500i64));
    let failing = prop::collection::btree_set(prop::sample::select(vec!["adds", "divides"]), 0..=2);
    let tests = prop::sample::select(vec!["adds", "divides", "rounds"]);
    let slowest = prop::collection::btree_map(tests, 100..9_000i64, 0..=3);
    (0..3i64, 0..2i64, 1..3i64, conclusion, prop::bool::ANY, times, (failing, slowest)).prop_map(
        |(job, run_id, attempt, conclusion, push, (day, second, took), (failing, slowest))| {
            let finished = BASE + day * DAY + second;
            JobResult {
                workflow: "CI".into(),
                job: format!("job {job}"),
                run_id,
                attempt,
                job_id: attempt,
                event: if push { "push" } else { "pull_request" }.into(),
                conclusion: conclusion.into(),
                started: took.map(|took| finished - took),
                finished,
                failing: failing.into_iter().map(str::to_owned).collect(),
                slowest: slowest.into_iter().map(|(test, millis)| (test.to_owned(), millis)).collect(),
                ..JobResult::default()
            }
        },
    )
}

fn look() -> impl Strategy<Value = Step> {
    let results = prop::collection::vec((result(), prop::bool::weighted(0.1)), 1..8);
    (0..4u32, prop::bool::ANY, results).prop_map(|(commit, other, results)| {
        let own = |(mut result, stray): (JobResult, bool)| {
            // A stray one may say that it is of a run of another commit.
            result.run_id += if stray { 0 } else { 10 * i64::from(commit) };
            result
        };
        let mut results: Vec<JobResult> = results.into_iter().map(own).collect();
        results.sort_by(|a, b| (&a.job, a.run_id, a.attempt).cmp(&(&b.job, b.run_id, b.attempt)));
        let began = BASE + i64::from(commit) * DAY;
        Step::Look(Box::new(Record {
            repository: if other { "acme/other" } else { REPO }.into(),
            started: began,
            results,
            ..record("", commit, "", &[])
        }))
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let delete = (0..4i64).prop_map(|day| Step::Delete(BASE + day * DAY + 1));
    prop::collection::vec(prop_oneof![8 => look(), 1 => delete], 1..20)
}

async fn take(store: &Store, namespace: &str, step: &Step) {
    // Of two that wait for each other a server sends one away, and the writer tries again.
    for left in (0..20).rev() {
        let done = match step {
            Step::Look(record) => {
                store.record(&Record { namespace: namespace.into(), ..(**record).clone() }).await
            }
            Step::Delete(before) => store.tend(*before, BYTES).await.map(drop),
        };
        match done {
            Ok(()) => return,
            Err(error) => assert!(left > 0, "{error}"),
        }
    }
}

pub async fn top(
    store: &Store,
    namespace: &str,
    tests: bool,
    by: By,
    branch: &str,
    days: i64,
    now: i64,
) -> Top {
    let (repository, branch) = (String::new(), branch.to_owned());
    let asked = Ranking { namespace: namespace.into(), tests, by, repository, branch, days, limit: 500 };
    store.top(&asked, now).await.unwrap()
}

/// Where rankings differ, of whole days and parts of them.
pub async fn difference(store: &Store, namespace: &str) -> Option<String> {
    for end in [0, 1, 43_200, 50_000] {
        for days in 0..6 {
            for (tests, by) in
                [(false, By::Flakes), (false, By::Seconds), (true, By::Failures), (true, By::Seconds)]
            {
                let now = BASE + 4 * DAY + end;
                let sums = top(store, namespace, tests, by, "", days, now).await;
                let rows = top(store, namespace, tests, by, "main", days, now).await;
                if sums != rows {
                    return Some(format!(
                        "{by:?} tests: {tests} {days} days to {now}:\n{sums:#?}\n{rows:#?}"
                    ));
                }
            }
        }
    }
    None
}

pub async fn count(db: &mut AnyConnection, sql: &'static str) -> i64 {
    sqlx::query(sql).fetch_one(db).await.unwrap().try_get(0).unwrap()
}

pub async fn connect(place: &Place) -> AnyConnection {
    let url = match place {
        Place::File(path) => format!("sqlite://{}", path.display()),
        Place::Postgres(file) => std::fs::read_to_string(file).unwrap().trim().to_owned(),
        _ => panic!("{place:?}"),
    };
    AnyConnection::connect(&url).await.unwrap()
}

/// Takes steps, each by the next of the writers, all of them at a time.
async fn case(writers: &[Store], db: &mut AnyConnection, namespace: &str, steps: &[Step]) -> Option<String> {
    let work = writers.iter().enumerate().map(|(n, store)| async move {
        for step in steps.iter().skip(n).step_by(writers.len()) {
            take(store, namespace, step).await;
        }
    });
    futures::future::join_all(work).await;
    let found = difference(&writers[0], namespace).await;
    let empty = "SELECT (SELECT count(*) FROM history_days WHERE results <= 0)
       + (SELECT count(*) FROM history_test_days WHERE failed + flaky <= 0)
       + (SELECT count(*) FROM history_slow_days WHERE timed <= 0)";
    let empty = count(db, empty).await;
    take(&writers[0], namespace, &Step::Delete(BASE + 10 * DAY)).await;
    let left = "SELECT (SELECT count(*) FROM history_days) + (SELECT count(*) FROM history_test_days)
       + (SELECT count(*) FROM history_slow_days) + (SELECT count(*) FROM history_held)
       + (SELECT count(*) FROM history_durations)";
    let left = count(db, left).await;
    found
        .or((empty + left > 0).then(|| format!("{empty} sums of nothing, {left} left when all else is gone")))
}

async fn hold(place: &Place, writers: usize, cases: u32) {
    let mut all = Vec::new();
    for _ in 0..writers {
        all.push(Store::open(place, BYTES).await.unwrap());
    }
    let mut db = connect(place).await;
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let number = std::cell::Cell::new(0);
    let db = std::cell::RefCell::new(&mut db);
    let tried = tokio::task::block_in_place(|| {
        TestRunner::new(config).run(&steps(), |steps| {
            number.set(number.get() + 1);
            let namespace = format!("case {}", number.get());
            let mut db = db.borrow_mut();
            let found = tokio::runtime::Handle::current().block_on(case(&all, &mut db, &namespace, &steps));
            found.map_or(Ok(()), |found| Err(TestCaseError::fail(found)))
        })
    });
    tried.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_those_of_rows_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    hold(&Place::File(folder.path().join("h.db")), 1, 150).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_those_of_rows_on_a_server_with_two_who_write() {
    let Some(server) = Server::start().await else { return };
    hold(&server.place(), 1, 15).await;
    hold(&server.place(), 2, 60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_version_before_is_summed_up_beside_the_work() {
    let folder = tempfile::tempdir().unwrap();
    before(&Place::File(folder.path().join("h.db"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_the_version_before_is_summed_up_beside_the_work() {
    let Some(server) = Server::start().await else { return };
    before(&server.place()).await;
}

async fn before(place: &Place) {
    let look = |commit: u32, attempts: &[&str]| {
        let mut look = record("n", commit, "unit", attempts);
        look.started = BASE + i64::from(commit) * 600;
        for (result, n) in look.results.iter_mut().zip(1..) {
            (result.started, result.finished) = (Some(look.started), look.started + n * 500);
        }
        Step::Look(Box::new(look))
    };
    let store = Store::open(place, BYTES).await.unwrap();
    for commit in 0..450 {
        let attempts = if commit % 7 == 0 { &["failure", "success"][..] } else { &["success"] };
        take(&store, "n", &look(commit, attempts)).await;
    }
    drop(store);
    let mut db = connect(place).await;
    for sql in WITHOUT_DURATIONS.into_iter().chain(WITHOUT_SUMS) {
        sqlx::query(sql).execute(&mut db).await.unwrap();
    }
    // Some at a time; meanwhile the ranking is one of rows, and what is recorded or deleted is in no sum twice.
    let store = Store::open(place, BYTES).await.unwrap();
    let unsummed = "SELECT count(*) FROM history_commits WHERE summed = 0";
    assert_eq!((count(&mut db, unsummed).await, difference(&store, "n").await), (450, None));
    assert!(store.fill().await.unwrap());
    take(&store, "n", &look(3, &["failure"])).await;
    take(&store, "n", &look(300, &["failure", "failure", "success"])).await;
    take(&store, "n", &look(500, &["success"])).await;
    take(&store, "n", &Step::Delete(BASE + 5 * 600)).await;
    take(&store, "n", &look(0, &["failure"])).await;
    assert_eq!((count(&mut db, unsummed).await, difference(&store, "n").await), (249, None));
    drop(store);
    // The operator does the rest by itself.
    let (stop, bounds) =
        (CancellationToken::new(), Bounds { age: Duration::from_secs(9_999 * 86_400), bytes: BYTES });
    let (history, task) = History::start(place.clone(), bounds, Metrics::new(), stop.clone());
    eventually(|| "the store", async || history.store()).await;
    let all = async |db: &mut AnyConnection| (count(db, unsummed).await == 0).then_some(());
    let db = tokio::sync::Mutex::new(db);
    eventually(|| "all sums", async || all(&mut *db.lock().await).await).await;
    stop.cancel();
    task.unwrap().await.unwrap();
    let mut db = db.into_inner();
    let store = Store::open(place, BYTES).await.unwrap();
    assert!(!store.fill().await.unwrap(), "nothing is left to be done");
    assert_eq!(difference(&store, "n").await, None);
    let jobs = top(&store, "n", false, By::Flakes, "", 90, BASE + 4 * DAY).await;
    assert_eq!(jobs.ranked.iter().map(|r| r.flakes.count).collect::<Vec<_>>(), [65]);
    // Who knows nothing of sums writes nothing that they would miss.
    let old = sqlx::query("UPDATE history_verdicts SET observed = 1").execute(&mut db).await;
    assert!(old.is_err(), "{old:?}");
    // And it is the sums that are told.
    sqlx::query("UPDATE history_days SET failed = failed + 1").execute(&mut db).await.unwrap();
    assert!(difference(&store, "n").await.is_some());
}
