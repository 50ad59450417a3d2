//! A store with as many results as are asked for: what it would have after ninety days of forty repositories.
//!
//! Statements fill it, because recording each commit as the operator does would take hours; `results` measures that too,
//! on the store that is full.

use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, Row};
use testrun_operator::history::{By, Place, Ranking, Store};

pub const NAMESPACE: &str = "figures";
pub const REPOSITORIES: i64 = 40;
/// Jobs of each repository, and tests of each job that have failed at least once.
pub const JOBS: i64 = 50;
pub const TESTS: i64 = 20;
const DAYS: i64 = 90;
/// Commits of one statement.
const SLICE: i64 = 5_000;

pub fn repository(n: i64) -> String {
    format!("octo-org/repository-{n:02}")
}

/// What decided about a commit, packed as the operator does: about 1 KB.
fn facts() -> Vec<u8> {
    use std::io::Write;
    let job =
        |n: i64| serde_json::json!({"id": n * 7_919, "name": format!("job {n}"), "conclusion": "success"});
    let jobs: Vec<_> = (0..JOBS).map(job).collect();
    let text = serde_json::json!({"runs": [{"jobs": jobs}]}).to_string();
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

/// Numbers from a first one up to before an end, as a table `n (i)`.
fn numbers(from: i64, end: i64) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (SELECT CAST({from} AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {end})"
    )
}

pub async fn connect(place: &Place) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let url = match place {
        Place::File(path) => format!("sqlite://{}", path.display()),
        Place::Postgres(file) => std::fs::read_to_string(file).unwrap().trim().to_owned(),
        _ => panic!("only what lasts is filled"),
    };
    AnyConnection::connect(&url).await.unwrap()
}

/// Fills the tables that a store has made; gives how many results there are.
pub async fn fill(place: &Place, results: i64) -> i64 {
    let mut db = connect(place).await;
    let sqlite = matches!(place, Place::File(_));
    let settings = if sqlite {
        "PRAGMA synchronous = OFF; PRAGMA cache_size = -200000"
    } else {
        "SET synchronous_commit = off"
    };
    db.execute(settings).await.unwrap();
    let mut run = async |sql: String| {
        db.execute(AssertSqlSafe(sql.clone())).await.unwrap_or_else(|e| panic!("{e}: {sql}"));
    };
    for n in 0..REPOSITORIES * JOBS {
        let (repository, job) = (repository(n / JOBS), n % JOBS);
        run(format!(
            "INSERT INTO history_series (namespace, connection, repository, workflow, job)
             VALUES ('{NAMESPACE}', 'github.com', '{repository}', 'CI', 'job {job}')"
        ))
        .await;
    }
    run(format!(
        "{} INSERT INTO history_tests (series_id, name)
         SELECT s.id, s.job || ': adds up ' || n.i FROM history_series s CROSS JOIN n ORDER BY s.id, n.i",
        numbers(0, TESTS)
    ))
    .await;
    // One in fifty fails and passes then, one in fifty fails.
    let commits = results * 50 / (JOBS * 51);
    let (now, step) = (Timestamp::now().as_second() - 60, DAYS * 86_400 * 1000 / commits.max(1));
    let ended = "(c.id / 160 * 13 + c.id % 160 + s.id * 17) % 50";
    let hex = if sqlite { "printf('%040x', i)" } else { "lpad(to_hex(i), 40, '0')" };
    let bytes = facts().iter().map(|b| format!("{b:02x}")).collect::<String>();
    let bytes = if sqlite { format!("x'{bytes}'") } else { format!("decode('{bytes}', 'hex')") };
    for from in (1..=commits).step_by(usize::try_from(SLICE).unwrap()) {
        let end = (from + SLICE).min(commits + 1);
        run("BEGIN".to_owned()).await;
        run(format!(
            "{} INSERT INTO history_commits (namespace, connection, repository, sha, branch, base_branch,
               pull_request, started)
             SELECT '{NAMESPACE}', 'github.com', s.repository, {hex},
               CASE WHEN i % 4 = 0 THEN 'main' ELSE 'feature/' || i END, CASE WHEN i % 4 = 0 THEN NULL ELSE 'main' END,
               CASE WHEN i % 4 = 0 THEN NULL ELSE i END, {now} - ({commits} - i) * {step} / 1000
             FROM n JOIN history_series s ON s.id = 1 + (i / 4 % {REPOSITORIES}) * {JOBS} ORDER BY i",
            numbers(from, end)
        )).await;
        let these = format!("c.id >= {from} AND c.id < {end}");
        run(format!(
            "INSERT INTO history_verdicts (commit_id, report, verdict, reason, final, decided, waived, looked)
             SELECT c.id, 'pr-' || c.id, 'failed', 'RequiredFailed', 1, c.started + 900, NULL, c.started + 900
             FROM history_commits c WHERE {these}"
        ))
        .await;
        run(format!(
            "INSERT INTO history_facts (commit_id, observed, facts)
             SELECT c.id, c.started + 900, {bytes} FROM history_commits c WHERE {these}"
        ))
        .await;
        run(format!(
            "INSERT INTO history_results (series_id, commit_id, run_id, attempt, job_id, event, conclusion, started,
               finished, tests_total, tests_failed, fingerprint)
             SELECT s.id, c.id, c.id * 10, a.n, c.id * 1000 + s.id * 10 + a.n,
               CASE WHEN c.pull_request IS NULL THEN 'push' ELSE 'pull_request' END,
               CASE WHEN a.n = 1 AND {ended} < 2 THEN 'failure' ELSE 'success' END,
               c.started, c.started + 60 * a.n + (c.id * 7 + s.id) % 300, 120, 0,
               CASE WHEN a.n = 1 AND {ended} < 2
                 THEN 'f00df00d' || (10000000 + (c.id * 3 + s.id) % 300) END
             FROM history_commits c JOIN history_series s
               ON s.namespace = c.namespace AND s.connection = c.connection AND s.repository = c.repository
             JOIN (SELECT 1 AS n UNION ALL SELECT 2) a ON a.n = 1 OR {ended} = 0
             WHERE {these} ORDER BY c.id"
        )).await;
        run(format!(
            "INSERT INTO history_failures (test_id, result_id)
             SELECT t.id, r.id FROM history_commits c JOIN history_results r ON r.commit_id = c.id
             JOIN history_tests t ON t.id = (r.series_id - 1) * {TESTS} + 1 + (r.commit_id / 160 + r.commit_id) % {TESTS}
             WHERE {these} AND r.conclusion = 'failure'"
        )).await;
        // A report of a job that failed tells of each of its other tests how long it took.
        run(format!(
            "INSERT INTO history_durations (test_id, result_id, millis)
             SELECT t.id, r.id, 100 + (t.id * 37 + r.id) % 5000
             FROM history_commits c JOIN history_results r ON r.commit_id = c.id
             JOIN history_tests t ON t.series_id = r.series_id
             WHERE {these} AND r.conclusion = 'failure' AND NOT EXISTS
               (SELECT 1 FROM history_failures f WHERE f.test_id = t.id AND f.result_id = r.id)"
        ))
        .await;
        run(format!("INSERT INTO history_held (commit_id) SELECT c.id FROM history_commits c WHERE {these}"))
            .await;
        run("COMMIT".to_owned()).await;
    }
    let count = "SELECT CAST(count(*) AS BIGINT) AS n FROM history_results";
    sqlx::query(count).fetch_one(&mut db).await.unwrap().try_get(0).unwrap()
}

/// A ranking of jobs or tests.
pub fn ranking(tests: bool, by: By, repository: &str, branch: &str, days: i64) -> Ranking {
    Ranking {
        namespace: NAMESPACE.into(),
        tests,
        by,
        repository: repository.into(),
        branch: branch.into(),
        days,
        limit: 20,
    }
}

/// The least reliable test of a repository, and its job.
pub async fn worst(store: &Store, repository: &str) -> (String, String) {
    let top = store
        .top(&ranking(true, By::Flakes, repository, "", 91), Timestamp::now().as_second())
        .await
        .unwrap();
    (top.ranked[0].test.clone().unwrap(), top.ranked[0].job.clone())
}
