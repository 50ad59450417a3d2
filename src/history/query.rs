//! What is asked of the history: always of one namespace, always bounded.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::answer::{Answer, Commit, Execution, Ranked, Said, Top};
use super::stats::{summary, wilson};
use super::store::{Store, StoreError};

/// Most rows of one page.
pub const MAX_LIMIT: i64 = 500;
/// Newest results that a summary is made of.
const WINDOW: i64 = 1_000;
/// Jobs or tests that are ranked at most.
const MAX_RANKED: i64 = 5_000;
/// Longest time that a question may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// What it is the history of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    Commits,
    Job(String),
    Test(String),
}

/// A question for a page.
#[derive(Clone, Debug)]
pub struct Asked {
    pub namespace: String,
    pub of: Of,
    /// Only of this repository, where it is not empty.
    pub repository: String,
    /// Only of commits of this branch, where it is not empty.
    pub branch: String,
    /// Rows, 1 to [`MAX_LIMIT`].
    pub limit: i64,
    /// `next` of the page before.
    pub before: Option<String>,
}

/// By what jobs or tests are ranked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
pub enum By {
    /// By how often they fail and pass on the same commit
    #[default]
    Flakes,
    /// By how often they fail
    Failures,
    /// By how long passing runs take
    Seconds,
}

/// A question for a ranking.
#[derive(Clone, Debug)]
pub struct Ranking {
    pub namespace: String,
    /// Tests, else jobs.
    pub tests: bool,
    pub by: By,
    pub repository: String,
    pub branch: String,
    /// Results of so many days.
    pub days: i64,
    pub limit: i64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    #[error("{0}")]
    Wrong(&'static str),
    #[error("the history cannot be read now: {0}")]
    Store(#[from] StoreError),
}

const COMMITS: &str = "
SELECT c.id, c.started, c.repository, c.sha, c.branch, c.pull_request,
  (SELECT count(*) FROM history_results r WHERE r.commit_id = c.id) AS results,
  (SELECT count(*) FROM history_results r WHERE r.commit_id = c.id
     AND r.conclusion IN ('failure', 'timed_out', 'startup_failure')) AS failed,
  v.report, v.verdict, v.reason, v.final, v.decided, v.waived
FROM (SELECT * FROM history_commits
  WHERE namespace = $1 AND ($2 = '' OR lower(repository) = lower($2)) AND ($3 = '' OR branch = $3)
    AND (started < $4 OR (started = $4 AND id < $5))
  ORDER BY started DESC, id DESC LIMIT $6) c
LEFT JOIN history_verdicts v ON v.commit_id = c.id
ORDER BY c.started DESC, c.id DESC, v.report";

/// The columns of one result; a test has one of its own for how it ended.
macro_rules! results {
    ($result:literal, $from:literal) => {
        concat!(
            "SELECT r.id, r.finished, c.repository, c.sha, c.branch, c.pull_request, s.workflow, s.job,
  r.event, r.run_id, r.attempt, r.job_id, ",
            $result,
            " AS result, r.started, r.tests_total, r.tests_failed, r.fingerprint FROM ",
            $from,
            " JOIN history_results r ON r.series_id = s.id
JOIN history_commits c ON c.id = r.commit_id "
        )
    };
}

const JOB: &str = concat!(
    results!("r.conclusion", "history_series s"),
    "WHERE s.namespace = $1 AND s.job = $7",
    " AND ($2 = '' OR lower(s.repository) = lower($2)) AND ($3 = '' OR c.branch = $3)
  AND (r.finished < $4 OR (r.finished = $4 AND r.id < $5))
ORDER BY r.finished DESC, r.id DESC LIMIT $6"
);

/// Tests that pass are in no log: of a job that succeeded each test of it passed, and of one that failed without
/// naming the test nothing is known.
const TEST: &str = concat!(
    results!(
        "CASE WHEN f.test_id IS NULL THEN 'success' ELSE 'failure' END",
        "history_tests t JOIN history_series s ON s.id = t.series_id"
    ),
    "LEFT JOIN history_failures f ON f.test_id = t.id AND f.result_id = r.id
WHERE s.namespace = $1 AND t.name = $7 AND (f.test_id IS NOT NULL OR r.conclusion = 'success')",
    " AND ($2 = '' OR lower(s.repository) = lower($2)) AND ($3 = '' OR c.branch = $3)
  AND (r.finished < $4 OR (r.finished = $4 AND r.id < $5))
ORDER BY r.finished DESC, r.id DESC LIMIT $6"
);

/// Results of each series on each commit and for each event since some time; `passed` and `failed` are what a flake is
/// made of.
macro_rules! on_commits {
    () => {
        "SELECT r.series_id, r.commit_id, r.event,
    sum(CASE WHEN r.conclusion = 'success' THEN 1 ELSE 0 END) AS passed,
    sum(CASE WHEN r.conclusion IN ('failure', 'timed_out', 'startup_failure') THEN 1 ELSE 0 END) AS failed,
    sum(CASE WHEN r.conclusion = 'success' THEN coalesce(r.finished - r.started, 0) ELSE 0 END) AS seconds,
    max(CASE WHEN r.conclusion = 'success' THEN coalesce(r.finished - r.started, 0) ELSE 0 END) AS longest
  FROM history_series s JOIN history_results r ON r.series_id = s.id JOIN history_commits c ON c.id = r.commit_id
  WHERE s.namespace = $1 AND ($2 = '' OR lower(s.repository) = lower($2)) AND ($3 = '' OR c.branch = $3)
    AND r.finished >= $4
  GROUP BY r.series_id, r.commit_id, r.event"
    };
}

const JOBS: &str = concat!(
    "SELECT s.repository, s.workflow, s.job, '' AS test,
  count(DISTINCT CASE WHEN g.passed > 0 AND g.failed > 0 THEN g.commit_id END) AS flaky,
  count(DISTINCT CASE WHEN g.passed > 0 OR g.failed > 0 THEN g.commit_id END) AS commits,
  CAST(sum(g.failed) AS BIGINT) AS failed, CAST(sum(g.passed) AS BIGINT) AS passed,
  CAST(sum(g.seconds) AS BIGINT) AS seconds, CAST(max(g.longest) AS BIGINT) AS longest
FROM (",
    on_commits!(),
    ") g JOIN history_series s ON s.id = g.series_id
GROUP BY s.id, s.repository, s.workflow, s.job
ORDER BY 7 DESC, s.id LIMIT $5"
);

/// A test is known where it failed once; it passed where its job did. Failures are found by their tests, because few
/// results have any: a CROSS JOIN is what keeps SQLite to that order.
const TESTS: &str = concat!(
    "SELECT s.repository, s.workflow, s.job, t.name AS test,
  count(DISTINCT CASE WHEN EXISTS (SELECT 1 FROM history_results p
      WHERE p.commit_id = x.commit_id AND p.series_id = x.series_id AND p.event = x.event
        AND p.conclusion = 'success' AND p.finished + 0 >= $4) THEN x.commit_id END) AS flaky,
  CAST(max(k.commits) AS BIGINT) AS commits,
  CAST(sum(x.failed) AS BIGINT) AS failed, CAST(max(k.passed) AS BIGINT) AS passed,
  CAST(0 AS BIGINT) AS seconds, CAST(0 AS BIGINT) AS longest
FROM (SELECT f.test_id, r.series_id, r.commit_id, r.event, count(*) AS failed
    FROM history_series s CROSS JOIN history_tests n CROSS JOIN history_failures f CROSS JOIN history_results r
    JOIN history_commits c ON c.id = r.commit_id
    WHERE s.namespace = $1 AND ($2 = '' OR lower(s.repository) = lower($2)) AND ($3 = '' OR c.branch = $3)
      AND n.series_id = s.id AND f.test_id = n.id AND r.id = f.result_id AND r.finished >= $4
    GROUP BY f.test_id, r.series_id, r.commit_id, r.event) x
JOIN (SELECT h.series_id, sum(h.passed) AS passed,
    count(DISTINCT CASE WHEN h.passed > 0 OR h.failed > 0 THEN h.commit_id END) AS commits FROM (",
    on_commits!(),
    ") h GROUP BY h.series_id) k ON k.series_id = x.series_id
JOIN history_tests t ON t.id = x.test_id JOIN history_series s ON s.id = x.series_id
GROUP BY t.id, t.name, s.repository, s.workflow, s.job
ORDER BY 7 DESC, t.id LIMIT $5"
);

impl Store {
    /// A page of what was asked.
    pub async fn page(&self, asked: &Asked) -> Result<Answer, Unanswered> {
        let limit = asked.limit.clamp(1, MAX_LIMIT);
        let (at, id) = match &asked.before {
            None => (i64::MAX, i64::MAX),
            Some(text) => cursor(text)
                .ok_or(Unanswered::Wrong("before must be next of the page before, as it was given"))?,
        };
        let mut answer = Answer { namespace: asked.namespace.clone(), ..Answer::default() };
        let (sql, name) = match &asked.of {
            Of::Commits => (COMMITS, None),
            Of::Job(name) => (JOB, Some(name.as_str())),
            Of::Test(name) => (TEST, Some(name.as_str())),
        };
        // A summary is of more than what is shown, and made with the first page only.
        let whole = name.is_some() && asked.before.is_none();
        let rows = if whole { limit.max(WINDOW) } else { limit.saturating_add(1) };
        let rows = patiently(async {
            let mut reader = self.reader().await?;
            let reader: &mut AnyConnection = &mut reader;
            let query = sqlx::query(sql)
                .bind(asked.namespace.as_str())
                .bind(asked.repository.as_str())
                .bind(asked.branch.as_str())
                .bind(at)
                .bind(id)
                .bind(rows);
            let query = match name {
                Some(name) => query.bind(name),
                None => query,
            };
            query.fetch_all(reader).await
        })
        .await?;
        let mut marks = Vec::new();
        match asked.of {
            Of::Commits => {
                for row in &rows {
                    let mark: (i64, i64) = (get(row, "started")?, get(row, "id")?);
                    if marks.last() != Some(&mark) {
                        marks.push(mark);
                        answer.commits.push(commit(row)?);
                    }
                    if let (Some(commit), Some(said)) = (answer.commits.last_mut(), said(row)?) {
                        commit.verdicts.push(said);
                    }
                }
            }
            _ => {
                for row in &rows {
                    marks.push((get(row, "finished")?, get(row, "id")?));
                    answer.results.push(execution(row)?);
                }
                if whole {
                    answer.summary =
                        Some(summary(&answer.results, rows.len() >= usize::try_from(WINDOW).unwrap_or(0)));
                }
            }
        }
        let limit = usize::try_from(limit).unwrap_or(1);
        if marks.len() > limit
            && let Some((at, id)) = marks.get(limit - 1)
        {
            answer.next = Some(format!("{at}.{id}"));
        }
        answer.commits.truncate(limit);
        answer.results.truncate(limit);
        Ok(answer)
    }

    /// Jobs or tests, the worst first.
    pub async fn top(&self, asked: &Ranking, now: i64) -> Result<Top, Unanswered> {
        if asked.tests && asked.by == By::Seconds {
            return Err(Unanswered::Wrong(
                "how long tests take is in no log that is read; seconds ranks jobs only",
            ));
        }
        let since = now.saturating_sub(asked.days.saturating_mul(86_400));
        let rows = patiently(async {
            let mut reader = self.reader().await?;
            let reader: &mut AnyConnection = &mut reader;
            sqlx::query(if asked.tests { TESTS } else { JOBS })
                .bind(asked.namespace.as_str())
                .bind(asked.repository.as_str())
                .bind(asked.branch.as_str())
                .bind(since)
                .bind(MAX_RANKED)
                .fetch_all(reader)
                .await
        })
        .await?;
        let mut ranked = rows.iter().map(|row| ranked(row, asked.tests)).collect::<Result<Vec<_>, _>>()?;
        // By the lower end of the interval: one failure of one run is not worse than ninety of a hundred.
        let worst = |r: &Ranked| match asked.by {
            By::Flakes => (r.flakes.low, r.failures.low),
            By::Failures => (r.failures.low, r.flakes.low),
            By::Seconds => (r.mean_seconds.unwrap_or(0) as f64, r.max_seconds.unwrap_or(0) as f64),
        };
        let shown = |r: &Ranked| match asked.by {
            By::Flakes => r.flakes.count > 0,
            By::Failures => r.failures.count > 0,
            By::Seconds => r.mean_seconds.is_some(),
        };
        ranked.retain(shown);
        ranked.sort_by(|a, b| {
            let (x, y) = (worst(a), worst(b));
            y.0.total_cmp(&x.0)
                .then(y.1.total_cmp(&x.1))
                .then_with(|| (&a.repository, &a.job, &a.test).cmp(&(&b.repository, &b.job, &b.test)))
        });
        ranked.truncate(usize::try_from(asked.limit.clamp(1, MAX_LIMIT)).unwrap_or(1));
        let cut = rows.len() >= usize::try_from(MAX_RANKED).unwrap_or(0);
        Ok(Top { namespace: asked.namespace.clone(), days: asked.days, ranked, cut })
    }
}

/// Gives up in time. What the database still does of it ends with its connection's turn.
pub(super) async fn patiently(
    work: impl Future<Output = Result<Vec<AnyRow>, sqlx::Error>>,
) -> Result<Vec<AnyRow>, StoreError> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(rows) => Ok(rows?),
        Err(_) => Err(StoreError::Trouble(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

pub(super) fn cursor(text: &str) -> Option<(i64, i64)> {
    let (at, id) = text.split_once('.')?;
    Some((at.parse().ok()?, id.parse().ok()?))
}

pub(super) fn get<'r, T>(row: &'r AnyRow, name: &str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Any> + sqlx::Type<sqlx::Any>,
{
    Ok(row.try_get(name)?)
}

fn commit(row: &AnyRow) -> Result<Commit, StoreError> {
    Ok(Commit {
        repository: get(row, "repository")?,
        sha: get(row, "sha")?,
        branch: get(row, "branch")?,
        pull_request: get(row, "pull_request")?,
        at: get(row, "started")?,
        results: get(row, "results")?,
        failed: get(row, "failed")?,
        verdicts: Vec::new(),
    })
}

fn said(row: &AnyRow) -> Result<Option<Said>, StoreError> {
    let Some(report) = get::<Option<String>>(row, "report")? else { return Ok(None) };
    let waived: Option<String> = get(row, "waived")?;
    Ok(Some(Said {
        report,
        verdict: get(row, "verdict")?,
        reason: get(row, "reason")?,
        r#final: get::<i64>(row, "final")? != 0,
        decided_at: get(row, "decided")?,
        waived: waived.and_then(|w| serde_json::from_str(&w).ok()).unwrap_or_default(),
    }))
}

fn execution(row: &AnyRow) -> Result<Execution, StoreError> {
    let (at, started): (i64, Option<i64>) = (get(row, "finished")?, get(row, "started")?);
    Ok(Execution {
        repository: get(row, "repository")?,
        sha: get(row, "sha")?,
        branch: get(row, "branch")?,
        pull_request: get(row, "pull_request")?,
        workflow: get(row, "workflow")?,
        job: get(row, "job")?,
        event: get(row, "event")?,
        run_id: get(row, "run_id")?,
        attempt: get(row, "attempt")?,
        job_id: get(row, "job_id")?,
        result: get(row, "result")?,
        seconds: started.map(|s| at.saturating_sub(s).max(0)),
        at,
        tests: get(row, "tests_total")?,
        tests_failed: get(row, "tests_failed")?,
        fingerprint: get(row, "fingerprint")?,
    })
}

fn ranked(row: &AnyRow, test: bool) -> Result<Ranked, StoreError> {
    let (failed, passed): (i64, i64) = (get(row, "failed")?, get(row, "passed")?);
    let timed = !test && passed > 0;
    let mean = get::<i64>(row, "seconds")?.checked_div(passed);
    Ok(Ranked {
        repository: get(row, "repository")?,
        workflow: get(row, "workflow")?,
        job: get(row, "job")?,
        test: Some(get::<String>(row, "test")?).filter(|_| test),
        flakes: wilson(get(row, "flaky")?, get(row, "commits")?),
        failures: wilson(failed, failed.saturating_add(passed)),
        mean_seconds: mean.filter(|_| timed),
        max_seconds: Some(get(row, "longest")?).filter(|_| timed),
    })
}
