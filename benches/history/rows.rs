//! That the statements which fill a store make the rows that recording makes: commits of it are recorded once more, as
//! their rows tell, and nothing changes, in no row and in no sum.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use testrun_operator::history::{JobResult, Place, Record, Store};

use crate::data::{NAMESPACE, connect};

/// Everything that may change, as text.
const ALL: [&str; 10] = [
    "SELECT c.id || ' ' || c.sha || ' ' || coalesce(c.branch, '-') || ' ' || coalesce(c.pull_request, 0) || ' '
       || coalesce(c.base_branch, '-') || ' ' || c.started || ' ' || c.summed FROM history_commits c WHERE c.id IN THESE",
    "SELECT v.report || ' ' || v.verdict || ' ' || v.reason || ' ' || v.final || ' ' || v.decided || ' ' || v.looked
     FROM history_verdicts v WHERE v.commit_id IN THESE ORDER BY v.commit_id",
    "SELECT r.id || ' ' || r.series_id || ' ' || r.run_id || ' ' || r.attempt || ' ' || r.job_id || ' ' || r.event || ' '
       || r.conclusion || ' ' || r.started || ' ' || r.finished || ' ' || r.tests_total || ' ' || r.tests_failed || ' '
       || coalesce(r.fingerprint, '-') FROM history_results r WHERE r.commit_id IN THESE ORDER BY r.id",
    "SELECT f.test_id || ' ' || f.result_id FROM history_results r JOIN history_failures f ON f.result_id = r.id
     WHERE r.commit_id IN THESE ORDER BY f.result_id, f.test_id",
    "SELECT d.series_id || ' ' || d.day || ' ' || d.results || ' ' || d.passed || ' ' || d.failed || ' ' || d.seconds || ' '
       || d.commits || ' ' || d.flaky || ' ' || d.longest FROM history_days d WHERE d.series_id IN
       (SELECT r.series_id FROM history_results r WHERE r.commit_id IN THESE) ORDER BY d.series_id, d.day",
    "SELECT d.test_id || ' ' || d.day || ' ' || d.failed || ' ' || d.flaky FROM history_test_days d WHERE d.test_id IN
       (SELECT f.test_id FROM history_results r JOIN history_failures f ON f.result_id = r.id
        WHERE r.commit_id IN THESE) ORDER BY d.test_id, d.day",
    "SELECT d.test_id || ' ' || d.result_id || ' ' || d.millis FROM history_results r
     JOIN history_durations d ON d.result_id = r.id WHERE r.commit_id IN THESE ORDER BY d.result_id, d.test_id",
    "SELECT d.test_id || ' ' || d.day || ' ' || d.timed || ' ' || d.millis || ' ' || d.longest FROM history_slow_days d
     WHERE d.test_id IN (SELECT f.test_id FROM history_results r JOIN history_durations f ON f.result_id = r.id
        WHERE r.commit_id IN THESE) ORDER BY d.test_id, d.day",
    "SELECT f.commit_id || ' ' || f.observed || ' ' || length(f.facts) FROM history_facts f WHERE f.commit_id IN THESE
     ORDER BY f.commit_id",
    "SELECT (SELECT count(*) FROM history_series) || ' ' || (SELECT count(*) FROM history_tests) || ' '
       || (SELECT count(*) FROM history_held) || ' ' || (SELECT count(*) FROM history_commits) || ' ' || (SELECT count(*) FROM history_days)",
];

async fn all(db: &mut AnyConnection, commits: &[i64]) -> Vec<String> {
    let these = commits.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
    let mut told = Vec::new();
    for sql in ALL {
        let sql = sqlx::AssertSqlSafe(sql.replace("THESE", &format!("({these})")));
        let rows = sqlx::query(sql).fetch_all(&mut *db).await.unwrap();
        told.extend(rows.iter().map(|row| row.get::<String, _>(0)));
    }
    told
}

fn result(row: &AnyRow, failing: Vec<String>, slowest: Vec<(String, i64)>) -> JobResult {
    JobResult {
        workflow: row.get("workflow"),
        job: row.get("job"),
        run_id: row.get("run_id"),
        attempt: row.get("attempt"),
        job_id: row.get("job_id"),
        event: row.get("event"),
        conclusion: row.get("conclusion"),
        started: row.get("started"),
        finished: row.get("finished"),
        tests_total: row.get("tests_total"),
        tests_failed: row.get("tests_failed"),
        fingerprint: row.get("fingerprint"),
        failing,
        slowest,
    }
}

/// A commit as it would be recorded, by its rows.
async fn recorded(db: &mut AnyConnection, id: i64) -> Record {
    let sql = "SELECT c.*, f.facts FROM history_commits c JOIN history_facts f ON f.commit_id = c.id WHERE c.id = $1";
    let row = sqlx::query(sql).bind(id).fetch_one(&mut *db).await.unwrap();
    let sql =
        "SELECT r.*, s.workflow, s.job FROM history_results r JOIN history_series s ON s.id = r.series_id
       WHERE r.commit_id = $1 ORDER BY r.id";
    let mut results = Vec::new();
    for row in sqlx::query(sql).bind(id).fetch_all(&mut *db).await.unwrap() {
        let sql = "SELECT t.name FROM history_failures f JOIN history_tests t ON t.id = f.test_id WHERE f.result_id = $1";
        let id: i64 = row.get("id");
        let names = sqlx::query(sql).bind(id).fetch_all(&mut *db).await.unwrap();
        let sql = "SELECT t.name, d.millis FROM history_durations d JOIN history_tests t ON t.id = d.test_id
           WHERE d.result_id = $1 ORDER BY t.name";
        let times = sqlx::query(sql).bind(id).fetch_all(&mut *db).await.unwrap();
        let slowest = times.iter().map(|row| (row.get(0), row.get(1))).collect();
        results.push(result(&row, names.iter().map(|row| row.get(0)).collect(), slowest));
    }
    let started: i64 = row.get("started");
    Record {
        namespace: NAMESPACE.into(),
        connection: "github.com".into(),
        repository: row.get("repository"),
        sha: row.get("sha"),
        branch: row.get("branch"),
        base_branch: row.get("base_branch"),
        pull_request: row.get("pull_request"),
        started,
        observed: started + 900,
        report: format!("pr-{id}"),
        verdict: "failed",
        reason: "RequiredFailed".into(),
        is_final: true,
        decided: Some(started + 900),
        results,
        facts: Some(row.get("facts")),
        ..Record::default()
    }
}

/// Panics where recording would have made other rows.
pub async fn are_recorded_ones(place: &Place, store: &Store) {
    let mut db = connect(place).await;
    let last: i64 =
        sqlx::query("SELECT max(id) FROM history_commits").fetch_one(&mut db).await.unwrap().get(0);
    let commits = [1, 4, 161, last / 2, last / 2 + 1, last];
    let mut before = all(&mut db, &commits).await;
    assert!(before.len() > commits.len() * 50);
    for id in commits {
        let record = recorded(&mut db, id).await;
        store.record(&record).await.unwrap();
    }
    let mut after = all(&mut db, &commits).await;
    // A server gives rows in whatever order they are stored.
    before.sort();
    after.sort();
    let other = before.iter().zip(&after).find(|(before, after)| before != after);
    assert!(before.len() == after.len() && other.is_none(), "{} {} {other:?}", before.len(), after.len());
}
