//! What is recorded and asked, on one store.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use sqlx::Executor;
use testrun_operator::history::{Asked, By, JobResult, Of, Place, Record, Store, Stretch, Unanswered};

use crate::data::{self, JOBS, NAMESPACE};
use crate::rows;

/// Times that each question is asked.
const TIMES: usize = 7;
/// Commits that are recorded on the full store.
const RECORDED: i64 = 400;
/// More than any store here takes.
const BYTES: u64 = 64 << 30;

/// Names and values of one column of the table.
pub type Column = Vec<(&'static str, String)>;

fn commit(number: i64) -> Record {
    let began = Timestamp::now().as_second() - 300;
    let id = 10_000_000_000 + number * 1_000;
    let results = (0..JOBS).map(|job| {
        let failed = (number * 31 + job * 17) % 25 == 0;
        JobResult {
            workflow: "CI".into(),
            job: format!("job {job}"),
            run_id: id,
            attempt: 1,
            job_id: id + job,
            event: "pull_request".into(),
            conclusion: if failed { "failure" } else { "success" }.into(),
            started: Some(began),
            finished: began + 60,
            tests_total: Some(120),
            tests_failed: Some(i64::from(failed)),
            fingerprint: failed.then(|| format!("f00df00d{}", 10_000_000 + job)),
            failing: if failed { vec![format!("job {job}: adds up 7")] } else { Vec::new() },
            slowest: (0..if failed { 20 } else { 0 })
                .map(|n| (format!("job {job}: adds up {n}"), 500))
                .collect(),
        }
    });
    Record {
        namespace: NAMESPACE.into(),
        connection: "github.com".into(),
        repository: data::repository(number % data::REPOSITORIES),
        sha: format!("{id:040x}"),
        branch: Some(format!("feature/{id}")),
        base_branch: Some("main".into()),
        pull_request: Some(id),
        started: began,
        observed: began + 100,
        report: format!("pr-{id}"),
        verdict: "failed",
        reason: "RequiredFailed".into(),
        is_final: true,
        decided: Some(began + 90),
        results: results.collect(),
        facts: Some(vec![7; 1_000]),
        ..Record::default()
    }
}

fn shown(time: Duration) -> String {
    match time.as_secs_f64() {
        s if s >= 1.0 => format!("{s:.1} s"),
        s => format!("{:.0} ms", (s * 1e3).max(1.0)),
    }
}

/// Median and slowest of several times, after one that counts for nothing.
async fn ask<T>(
    what: &str,
    mut question: impl AsyncFnMut() -> Result<T, Unanswered>,
    some: impl Fn(&T) -> bool,
) -> String {
    let mut times = Vec::new();
    for _ in 0..=TIMES {
        let begin = Instant::now();
        match question().await {
            Ok(answer) => assert!(some(&answer), "{what}: there is something to find"),
            Err(error) => return format!("{error}"),
        }
        times.push(begin.elapsed());
        if begin.elapsed() > Duration::from_secs(3) && times.len() > 2 {
            break;
        }
    }
    times.remove(0);
    times.sort();
    format!("{} ({})", shown(times[times.len() / 2]), shown(times[times.len() - 1]))
}

/// What a server does by itself a minute after rows came; SQLite does nothing of the kind.
async fn settle(place: &Place) {
    if matches!(place, Place::Postgres(_)) {
        data::connect(place).await.execute("VACUUM ANALYZE").await.unwrap();
    }
}

/// Fills a store and asks it everything.
pub async fn of(place: &Place, results: i64) -> Column {
    let mut column = Column::new();
    let store = Store::open(place, BYTES).await.unwrap();
    let begin = Instant::now();
    let rows = data::fill(place, results).await;
    eprintln!("{rows} results in {:.0?}", begin.elapsed());
    settle(place).await;
    let begin = Instant::now();
    while store.fill().await.unwrap() {}
    let summed = begin.elapsed();
    settle(place).await;
    rows::are_recorded_ones(place, &store).await;
    let bytes = store.tend(0, BYTES).await.unwrap();
    column.push(("results", rows.to_string()));
    column.push(("a result takes", format!("{:.0} bytes", bytes as f64 / rows as f64)));
    let all: Vec<Record> = (0..RECORDED).map(commit).collect();
    column.push(("a version before is summed up in", shown(summed)));
    for what in ["a commit of 50 results is recorded in", "the same commit is recorded again in"] {
        let mut times = Vec::new();
        for record in &all {
            let begin = Instant::now();
            store.record(record).await.unwrap();
            times.push(begin.elapsed());
        }
        times.sort();
        let at = |share: usize| shown(times[times.len() * share / 100]);
        column.push((what, format!("{}, p95 {}", at(50), at(95))));
    }
    let one = data::repository(7);
    let (test, job) = data::worst(&store, &one).await;
    let (test, job) = (Of::Test(test), Of::Job(job));
    for (what, of, repository, branch) in [
        ("`history`: commits", Of::Commits, "", ""),
        ("`history --repo R --branch main`: commits", Of::Commits, one.as_str(), "main"),
        ("`history --repo R --job J`, page of a job", job.clone(), &one, ""),
        ("`history --job J`, in every repository", job, "", ""),
        ("`history --repo R --test T`, page of a test", test.clone(), &one, ""),
        ("`history --test T`, in every repository", test, "", ""),
    ] {
        let asked = asked(of, repository, branch, 50);
        let some = |a: &testrun_operator::history::Answer| !a.commits.is_empty() || !a.results.is_empty();
        column.push((what, ask(what, async || store.page(&asked).await, some).await));
    }
    let grid = asked(Of::Commits, &one, "", 20);
    let what = "page of jobs by commits";
    column.push((what, ask(what, async || store.grid(&grid).await, |g| g.rows.len() == JOBS as usize).await));
    let past = asked(Of::Commits, &one, "", 50);
    let what = "`history --would-pass`: 50 commits";
    column.push((what, ask(what, async || store.past(&past).await, |p| !p.commits.is_empty()).await));
    let now = Timestamp::now().as_second();
    for (what, repository) in
        [("page of patterns, one repository", one.as_str()), ("page of patterns, every repository", "")]
    {
        let stretch = Stretch {
            namespace: NAMESPACE.into(),
            repository: repository.into(),
            branch: String::new(),
            days: 30,
        };
        let found = ask(what, async || store.patterns(&stretch, now).await, |p| !p.list.is_empty()).await;
        column.push((what, found));
    }
    use By::{Flakes, Seconds};
    for (what, tests, by, repository, branch, days) in [
        ("`top jobs --repo R`, 30 days", false, Flakes, one.as_str(), "", 30),
        ("`top tests --repo R`, 30 days", true, Flakes, &one, "", 30),
        ("`top tests --by seconds --repo R`, 30 days", true, Seconds, &one, "", 30),
        ("`top jobs --repo R --branch main`, 30 days", false, Flakes, &one, "main", 30),
        ("`top tests --repo R --branch main`, 30 days", true, Flakes, &one, "main", 30),
        ("`top jobs --branch main`, 30 days", false, Flakes, "", "main", 30),
        ("`top tests --branch main`, 30 days", true, Flakes, "", "main", 30),
        ("`top jobs`, 7 days", false, Flakes, "", "", 7),
        ("`top tests`, 7 days", true, Flakes, "", "", 7),
        ("`top jobs`, 30 days", false, Flakes, "", "", 30),
        ("`top tests`, 30 days", true, Flakes, "", "", 30),
        ("`top tests --by seconds`, 30 days", true, Seconds, "", "", 30),
        ("`top jobs`, 90 days", false, Flakes, "", "", 91),
        ("`top tests`, 90 days", true, Flakes, "", "", 91),
        ("`top tests --by seconds`, 90 days", true, Seconds, "", "", 91),
    ] {
        let ranking = data::ranking(tests, by, repository, branch, days);
        let found = ask(what, async || store.top(&ranking, now).await, |t| !t.ranked.is_empty()).await;
        column.push((what, found));
    }
    for (what, value) in &column {
        eprintln!("{what}: {value}");
    }
    column
}

fn asked(of: Of, repository: &str, branch: &str, limit: i64) -> Asked {
    Asked {
        namespace: NAMESPACE.into(),
        of,
        repository: repository.into(),
        branch: branch.into(),
        limit,
        before: None,
    }
}
