//! What holds of every store, whatever it is made of.

use testrun_operator::api::TestRunReportStatus;
use testrun_operator::api::status::SourceStatus;
use testrun_operator::history::{
    Asked, By, Ended, Of, Place, Ranking, Row, Store, Stretch, Unanswered, pack,
};
use testrun_operator::verdict::facts::{Facts, Observations};

use super::{BOUNDS, REPO, ago, record, sha};

pub fn asked(namespace: &str, of: Of, limit: i64, before: Option<String>) -> Asked {
    let (repository, branch) = (String::new(), String::new());
    Asked { namespace: namespace.into(), of, repository, branch, limit, before }
}

pub fn job(name: &str) -> Of {
    Of::Job(name.into())
}

fn ranking(namespace: &str, tests: bool, by: By) -> Ranking {
    let (repository, branch) = (String::new(), String::new());
    Ranking { namespace: namespace.into(), tests, by, repository, branch, days: 60, limit: 10 }
}

/// All laws, on a store that is empty.
pub async fn hold(place: &Place) {
    // Two that make the tables at the same time, and one that finds them.
    let (a, b) = tokio::join!(Store::open(place, BOUNDS.bytes), Store::open(place, BOUNDS.bytes));
    let store = a.unwrap();
    if *place != Place::Memory {
        once_and_for_all(&b.unwrap(), &store).await;
    }
    flakes_and_first_bad_commits(&store).await;
    grids_say_how_each_job_ended_on_each_commit(&store).await;
    namespaces_are_apart(&store).await;
    pages_follow_each_other(&store).await;
    rankings(&store).await;
    what_decided_is_kept_once(&store).await;
    failures_that_look_alike_are_one_pattern(&store).await;
    what_is_too_old_goes(&store).await;
}

/// The same record, by two processes and again and again: one row.
async fn once_and_for_all(one: &Store, other: &Store) {
    let first = record("once", 1, "unit", &["failure"]);
    let (a, b) = tokio::join!(one.record(&first), other.record(&first));
    a.unwrap();
    b.unwrap();
    // A re-run adds an attempt; what was known of the first stays though its log is gone by now.
    let mut second = record("once", 1, "unit", &["failure", "success"]);
    second.results[0].fingerprint = None;
    second.results[0].failing = Vec::new();
    second.observed += 10;
    for _ in 0..3 {
        one.record(&second).await.unwrap();
    }
    let found = other.page(&asked("once", job("unit"), 10, None)).await.unwrap();
    let told: Vec<(i64, &str, bool)> =
        found.results.iter().map(|r| (r.attempt, r.result.as_str(), r.fingerprint.is_some())).collect();
    assert_eq!(told, [(2, "success", false), (1, "failure", true)]);
    let failed = other.page(&asked("once", Of::Test("adds up".into()), 10, None)).await.unwrap();
    assert_eq!(failed.results.len(), 2, "a failure, and the pass of its job");
    // A look that was overtaken says nothing new.
    one.record(&first).await.unwrap();
    let commits = other.page(&asked("once", Of::Commits, 10, None)).await.unwrap().commits;
    assert_eq!((commits.len(), commits[0].results, commits[0].failed), (1, 2, 1));
    assert_eq!(commits[0].verdicts[0].verdict, "passed");
}

async fn flakes_and_first_bad_commits(store: &Store) {
    for (commit, attempts) in [
        (1, &["success"][..]),
        (2, &["failure", "success"]),
        (3, &["cancelled"]),
        (4, &["failure"]),
        (5, &["timed_out"]),
    ] {
        store.record(&record("rates", commit, "e2e", attempts)).await.unwrap();
    }
    let answer = store.page(&asked("rates", job("e2e"), 3, None)).await.unwrap();
    let sum = answer.summary.unwrap();
    assert_eq!((sum.results, sum.failures.count), (5, 3), "what was cancelled is no result");
    assert_eq!((sum.flakes.count, sum.flakes.total), (1, 4));
    assert!(sum.flakes.low > 0.04 && sum.flakes.high < 0.71, "{:?}", sum.flakes);
    let bad = sum.bad.unwrap();
    assert_eq!((bad.first_bad, bad.last_good, bad.commits), (sha(4), Some(sha(2)), 2));
    assert_eq!(answer.results.len(), 3, "the summary is of more than what is shown");
    // What a push and a pull request say of one commit are two things.
    for event in ["push", "pull_request"] {
        let mut one = record("events", 1, "e2e", &[if event == "push" { "success" } else { "failure" }]);
        one.results[0].event = event.into();
        one.results[0].run_id = event.len() as i64;
        store.record(&one).await.unwrap();
    }
    let told = store.page(&asked("events", job("e2e"), 3, None)).await.unwrap().summary.unwrap();
    assert_eq!((told.flakes.count, told.flakes.total, told.results), (0, 1, 2));
    for tests in [false, true] {
        let ranked = store.top(&ranking("events", tests, By::Failures), ago(0)).await.unwrap().ranked;
        let told: Vec<_> =
            ranked.iter().map(|r| (r.flakes.count, r.flakes.total, r.failures.count)).collect();
        assert_eq!(told, [(0, 1, 1)], "tests: {tests}");
    }
    // A test passed where its job did, and nothing is known of it where the job failed without naming it.
    let answer = store.page(&asked("rates", Of::Test("adds up".into()), 10, None)).await.unwrap();
    let told: Vec<&str> = answer.results.iter().map(|r| r.result.as_str()).collect();
    assert_eq!(told, ["failure", "success", "failure", "success"]);
    assert_eq!(answer.summary.unwrap().flakes.count, 1);
}

/// After the flakes, whose commits they are.
async fn grids_say_how_each_job_ended_on_each_commit(store: &Store) {
    store.record(&record("rates", 4, "lint", &["success"])).await.unwrap();
    let told = async |asked: &Asked| {
        let grid = store.grid(asked).await.unwrap();
        let row = |row: &Row| {
            let cells: Vec<_> = row.cells.iter().map(|c| c.as_ref().map(|c| (c.ended, c.job_id))).collect();
            (row.job.clone(), cells)
        };
        (grid.commits.len(), grid.rows.iter().map(row).collect::<Vec<_>>(), grid.next)
    };
    let (commits, rows, next) = told(&asked("rates", Of::Commits, 10, None)).await;
    let e2e = [
        Some((Ended::Failed, 501)),
        Some((Ended::Failed, 401)),
        Some((Ended::Other, 301)),
        Some((Ended::Flaky, 201)),
        Some((Ended::Passed, 101)),
    ];
    let lint = [None, Some((Ended::Passed, 401)), None, None, None];
    assert_eq!((commits, next), (5, None));
    assert_eq!(rows, [("e2e".to_owned(), e2e.to_vec()), ("lint".to_owned(), lint.to_vec())]);
    // Older commits, with the jobs that they have.
    let (_, _, next) = told(&asked("rates", Of::Commits, 3, None)).await;
    let (commits, rows, _) = told(&asked("rates", Of::Commits, 3, next)).await;
    assert_eq!((commits, rows), (2, vec![("e2e".to_owned(), e2e[3..].to_vec())]));
    // For a push it passed, for a pull request it did not: no flake, and not green.
    let (_, rows, _) = told(&asked("events", Of::Commits, 3, None)).await;
    assert_eq!(rows[0].1[0].map(|(ended, _)| ended), Some(Ended::Failed));
    assert_eq!(told(&asked("' OR '1'='1", Of::Commits, 3, None)).await, (0, vec![], None));
}

async fn namespaces_are_apart(store: &Store) {
    store.record(&record("ours", 1, "secret job", &["success"])).await.unwrap();
    let theirs = record("theirs", 1, "secret job", &["failure"]);
    store.record(&theirs).await.unwrap();
    let ours = store.page(&asked("ours", job("secret job"), 10, None)).await.unwrap();
    assert_eq!(ours.results.len(), 1);
    assert_eq!(ours.results[0].result, "success", "the same commit and run, seen for somebody else");
    assert!(
        store.page(&asked("ours", Of::Test("adds up".into()), 9, None)).await.unwrap().results.is_empty()
    );
    for nobody in ["", "our", "ours%", "' OR '1'='1"] {
        let found = store.page(&asked(nobody, job("secret job"), 10, None)).await.unwrap();
        assert!(found.results.is_empty(), "{nobody}");
        assert!(store.page(&asked(nobody, Of::Commits, 10, None)).await.unwrap().commits.is_empty());
        let top = store.top(&ranking(nobody, false, By::Failures), ago(0)).await.unwrap();
        assert!(top.ranked.is_empty(), "{nobody}");
    }
    let mut other = asked("ours", job("secret job"), 10, None);
    other.repository = "ACME/Shop".into();
    assert_eq!(store.page(&other).await.unwrap().results.len(), 1, "GitHub's names are one in any case");
    other.branch = "other".into();
    assert!(store.page(&other).await.unwrap().results.is_empty());
}

async fn pages_follow_each_other(store: &Store) {
    for commit in 1..=7 {
        store.record(&record("pages", commit, "unit", &["success"])).await.unwrap();
    }
    for of in [job("unit"), Of::Commits] {
        let (mut before, mut seen) = (None, Vec::new());
        loop {
            let answer = store.page(&asked("pages", of.clone(), 3, before)).await.unwrap();
            seen.extend(answer.results.iter().map(|r| r.sha.clone()));
            seen.extend(answer.commits.iter().map(|c| c.sha.clone()));
            before = answer.next;
            if before.is_none() {
                break;
            }
        }
        let all: Vec<String> = (1..=7).rev().map(sha).collect();
        assert_eq!(seen, all, "{of:?}");
    }
    let wrong =
        store.page(&asked("pages", Of::Commits, 3, Some("1; DROP TABLE history_commits".into()))).await;
    assert!(matches!(wrong, Err(Unanswered::Wrong(_))), "{wrong:?}");
}

async fn rankings(store: &Store) {
    for commit in 1..=10 {
        let flaky = if commit % 2 == 0 { &["failure", "success"][..] } else { &["success"] };
        store.record(&record("top", commit, "flaky", flaky)).await.unwrap();
        store.record(&record("top", commit, "steady", &["success"])).await.unwrap();
    }
    for commit in 1..=10 {
        let red = if commit == 1 { &["success"][..] } else { &["failure"] };
        store.record(&record("top", commit, "red", red)).await.unwrap();
    }
    // One failure of one run is not worse than nine of ten.
    store.record(&record("top", 11, "new", &["failure"])).await.unwrap();
    let top = async |tests, by| {
        let top = store.top(&ranking("top", tests, by), ago(0)).await.unwrap();
        top.ranked.into_iter().map(|r| (r.job, r.test, r.flakes, r.failures)).collect::<Vec<_>>()
    };
    let flakes = top(false, By::Flakes).await;
    assert_eq!(flakes.len(), 1, "{flakes:?}");
    assert_eq!((flakes[0].0.as_str(), flakes[0].2.count, flakes[0].2.total), ("flaky", 5, 10));
    assert_eq!((flakes[0].3.count, flakes[0].3.total), (5, 15));
    let jobs: Vec<String> = top(false, By::Failures).await.into_iter().map(|r| r.0).collect();
    assert_eq!(jobs, ["red", "new", "flaky"]);
    let tests = top(true, By::Flakes).await;
    assert_eq!((tests.len(), tests[0].1.as_deref()), (1, Some("adds up")));
    assert_eq!((tests[0].2.count, tests[0].2.total, tests[0].3.count), (5, 10, 5));
    assert_eq!(top(false, By::Seconds).await.len(), 3, "what never passed took no time that says anything");
    assert_eq!(top(true, By::Seconds).await.len(), 0, "nothing told how long tests took");
}

async fn failures_that_look_alike_are_one_pattern(store: &Store) {
    let of = |commit: u32, job: &str, print: &str, pull: Option<i64>| {
        let mut record = record("alike", commit, job, &["failure"]);
        record.results[0].fingerprint = Some(print.into());
        record.pull_request = pull;
        record
    };
    for record in [
        of(1, "unit", "aa", None),
        of(2, "e2e", "aa", Some(7)),
        of(500, "unit", "aa", Some(9)),
        of(3, "unit", "bb", None),
        record("alike", 4, "unit", &["success"]),
    ] {
        store.record(&record).await.unwrap();
    }
    let asked = Stretch { namespace: "alike".into(), days: 30, ..Stretch::default() };
    let found = store.patterns(&asked, ago(0)).await.unwrap();
    let [first, second] = found.list.as_slice() else { panic!("{found:?}") };
    assert_eq!((first.fingerprint.as_str(), first.commits, first.results), ("aa", 3, 3));
    assert_eq!(first.jobs.iter().map(|(_, job)| job.as_str()).collect::<Vec<_>>(), ["e2e", "unit"]);
    assert_eq!(
        (first.pulls.len(), first.branches.len()),
        (2, 1),
        "what is of a pull request is of no branch"
    );
    assert_eq!((first.days.len(), first.days.iter().sum::<i64>()), (30, 3));
    assert!(first.last - first.first > 400_000, "{first:?}");
    assert_eq!((second.fingerprint.as_str(), second.commits, found.cut), ("bb", 1, false));
    // A shorter time has less in it, and another branch nothing.
    let day = store.patterns(&Stretch { days: 1, ..asked.clone() }, ago(0)).await.unwrap();
    assert!(day.list.iter().all(|p| p.results < 3), "{day:?}");
    let other = store.patterns(&Stretch { branch: "other".into(), ..asked }, ago(0)).await.unwrap();
    assert!(other.list.is_empty());
}

/// Of a commit the newest look's; none where there is none.
async fn what_decided_is_kept_once(store: &Store) {
    let with = |commit: u32, observed: i64, facts: Option<Facts>| {
        let mut record = record("facts", commit, "unit", &["success"]);
        record.observed += observed;
        record.facts = facts.map(|facts| {
            let sha = facts.source.sha.clone();
            let source = Some(SourceStatus { sha, ..Default::default() });
            pack(&Default::default(), &facts, &TestRunReportStatus { source, ..Default::default() }).unwrap()
        });
        record
    };
    let facts = |branch: &str| {
        let Observations::Facts(mut facts) = crate::controller::green() else { return None };
        facts.source.branch = Some(branch.into());
        Some(*facts)
    };
    for record in [
        with(1, 5, facts("newest")),
        with(1, 4, facts("overtaken")),
        with(1, 3, None),
        with(2, 1, facts("gone")),
        with(2, 2, None),
        with(3, 1, facts("older")),
        with(3, 2, facts("other")),
    ] {
        store.record(&record).await.unwrap();
    }
    let first = store.past(&asked("facts", Of::Commits, 2, None)).await.unwrap();
    let second = store.past(&asked("facts", Of::Commits, 2, first.next.clone())).await.unwrap();
    assert!(first.next.is_some() && second.next.is_none());
    let told: Vec<(String, Option<String>)> = [first.commits, second.commits]
        .concat()
        .into_iter()
        .map(|c| (c.commit.sha, c.facts["facts"]["source"]["branch"].as_str().map(str::to_owned)))
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(told, [(sha(3), some("other")), (sha(2), None), (sha(1), some("newest"))]);
    let others = store.past(&asked("elsewhere", Of::Commits, 2, None)).await.unwrap();
    assert!(others.commits.is_empty());
}

async fn what_is_too_old_goes(store: &Store) {
    let mut old = record("age", 1, "unit", &["failure"]);
    old.started = ago(100 * 86_400);
    store.record(&old).await.unwrap();
    store.record(&record("age", 2, "other", &["success"])).await.unwrap();
    store.tend(ago(90 * 86_400), BOUNDS.bytes).await.unwrap();
    let left = store.page(&asked("age", Of::Commits, 10, None)).await.unwrap().commits;
    assert_eq!((left.len(), left[0].sha.clone()), (1, sha(2)));
    assert!(store.page(&asked("age", job("unit"), 10, None)).await.unwrap().results.is_empty());
    let others = store.page(&asked("rates", job("e2e"), 10, None)).await.unwrap();
    assert_eq!(others.results.len(), 6, "nothing else went with it");
    assert!(left.iter().all(|c| c.repository == REPO));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_laws_hold_in_memory() {
    hold(&Place::Memory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_laws_hold_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    hold(&Place::File(folder.path().join("a history of #1?.db"))).await;
    // One that is read by somebody who may not write it.
    let read = Store::read(&folder.path().join("a history of #1?.db")).await.unwrap();
    assert_eq!(read.page(&asked("rates", job("e2e"), 10, None)).await.unwrap().results.len(), 6);
    assert!(read.record(&record("rates", 9, "e2e", &["success"])).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded_too() {
    let bytes = 1 << 20;
    let store = Store::open(&Place::Memory, bytes).await.unwrap();
    let many: Vec<&str> = std::iter::repeat_n("failure", 40).collect();
    for commit in 1..=300 {
        store.record(&record("n", commit, "unit", &many)).await.unwrap();
    }
    let commits = store.page(&asked("n", Of::Commits, 500, None)).await.unwrap().commits;
    assert_eq!(commits[0].sha, sha(300));
    assert!(commits.len() > 10 && commits.len() < 250, "{}", commits.len());
    assert!(store.tend(0, bytes).await.unwrap() <= bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_stays_within_its_bytes_and_the_oldest_goes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("h.db");
    let bytes = 1 << 20;
    let mut store = Store::open(&Place::File(file.clone()), bytes).await.unwrap();
    let many: Vec<&str> = std::iter::repeat_n("failure", 40).collect();
    let mut refused = 0;
    for commit in 1..=600 {
        if store.record(&record("n", commit, "unit", &many)).await.is_err() {
            refused += 1;
            // As the writer does.
            store = Store::open(&Place::File(file.clone()), bytes).await.unwrap();
            store.tend(0, bytes).await.unwrap();
            store.record(&record("n", commit, "unit", &many)).await.unwrap();
        }
    }
    assert!(refused > 0, "it was never full");
    assert!(std::fs::metadata(&file).unwrap().len() <= bytes, "larger than it may be");
    let commits = store.page(&asked("n", Of::Commits, 500, None)).await.unwrap().commits;
    assert_eq!(commits[0].sha, sha(600));
    assert!(commits.len() > 10 && commits.len() < 500, "{}", commits.len());
}
