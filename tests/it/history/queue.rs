//! A store that is gone for longer than the queue has room: what found none is counted, and told by the next look at its
//! report, so that in the end nothing is missing and nothing is there twice.

use serde_json::json;
use testrun_operator::api::TestRunReport;
use testrun_operator::history::{History, Of, Place, Store};
use testrun_operator::runtime::metrics::Metrics;
use testrun_operator::verdict::facts::Observations;
use tokio_util::sync::CancellationToken;

use super::broken::{long, records, troubled};
use super::laws::asked;
use super::server::Server;
use super::{REPO, sha};
use crate::cluster::eventually;
use crate::controller::green;

/// Records that may wait, as docs/history.md has it.
const QUEUE: u32 = 512;
/// Reports that are looked at meanwhile.
const REPORTS: u32 = 700;

/// A report of a commit of its own, and what a look at it saw.
fn look(number: u32) -> (TestRunReport, Observations) {
    let Observations::Facts(mut facts) = green() else { panic!("facts") };
    facts.source.sha = sha(number);
    facts.source.repository = REPO.into();
    for run in &mut facts.runs {
        run.id = i64::from(number);
        run.head_sha = sha(number);
        run.repository = REPO.into();
        for job in &mut run.jobs {
            job.id = i64::from(number);
        }
    }
    let report = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": format!("r-{number}"), "namespace": "n", "uid": format!("uid-{number}")},
        "spec": {"source": {"github": {"repository": REPO, "sha": sha(number)}}},
        "status": {"source": {"repository": REPO, "sha": sha(number), "shortSha": &sha(number)[..8]},
            "conditions": [{"type": "Passed", "status": "True", "reason": "AllRequiredSucceeded", "message": "",
                "lastTransitionTime": "2026-01-23T16:30:00Z"}]}});
    (serde_json::from_value(report).unwrap(), Observations::Facts(facts))
}

fn look_at(history: &History, reports: std::ops::RangeInclusive<u32>) {
    for number in reports {
        let (report, seen) = look(number);
        history.note(&report, &seen);
    }
}

/// What the store has, which is each commit with one result or not at all.
async fn commits(store: &Store) -> usize {
    let (mut count, mut before) = (0, None);
    loop {
        let mut question = asked("n", Of::Commits, 500, None);
        question.before = before;
        let page = store.page(&question).await.unwrap();
        assert!(page.commits.iter().all(|c| c.results == 1 && c.verdicts.len() == 1));
        count += page.commits.len();
        match page.next {
            Some(next) => before = Some(next),
            None => return count,
        }
    }
}

/// Looks at all reports while the store is away, lets it come back, and looks again as the operator does.
async fn overflow(place: Place, back: impl AsyncFnOnce()) {
    let (metrics, stop) = (Metrics::new(), CancellationToken::new());
    let (history, task) = History::start(place, long(), metrics.clone(), stop.clone());
    let (first, seen) = look(1);
    history.note(&first, &seen);
    // The writer has taken it and tries: from here on the queue is all there is.
    troubled(&metrics).await;
    look_at(&history, 2..=REPORTS);
    let dropped = f64::from(REPORTS - 1 - QUEUE);
    assert_eq!((records(&metrics, "dropped"), records(&metrics, "stored")), (dropped, 0.0));
    back().await;
    let stored = async |count: u32| {
        let enough = async || (records(&metrics, "stored") >= f64::from(count)).then_some(());
        eventually(|| format!("{count} records"), enough).await;
    };
    stored(1 + QUEUE).await;
    let store = history.store().unwrap();
    assert_eq!(commits(&store).await, 1 + QUEUE as usize, "what waited, and no more");
    // The next looks tell what found no room. That another one is told again changes nothing.
    let whole = async || {
        look_at(&history, 1..=REPORTS);
        (commits(&store).await == REPORTS as usize).then_some(())
    };
    eventually(|| "all commits", whole).await;
    stop.cancel();
    task.unwrap().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_that_is_away_has_no_room_for_is_recorded_with_the_next_look() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("later");
    overflow(Place::File(folder.join("h.db")), async || std::fs::create_dir(&folder).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_that_is_away_has_no_room_for_is_recorded_with_the_next_look() {
    let Some(mut server) = Server::start().await else { return };
    server.kill().await;
    overflow(server.place(), async || server.run().await).await;
}
