//! What is asked of the history: always of one namespace, always bounded.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::answer::{Answer, Commit, Execution, Said};
use super::stats::{Timed, summary};
use super::store::{Store, StoreError, WITH_DURATIONS, version};

/// Most rows of one page.
pub const MAX_LIMIT: i64 = 500;
/// Newest results that a summary is made of.
const WINDOW: i64 = 1_000;
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
    ($result:literal, $millis:literal, $from:literal) => {
        concat!(
            "SELECT r.id, r.finished, c.repository, c.sha, c.branch, c.pull_request, s.workflow, s.job,
  r.event, r.run_id, r.attempt, r.job_id, ",
            $result,
            " AS result, ",
            $millis,
            " AS millis, r.started, r.tests_total, r.tests_failed, r.fingerprint FROM ",
            $from,
            " JOIN history_results r ON r.series_id = s.id
JOIN history_commits c ON c.id = r.commit_id "
        )
    };
}

const JOB: &str = concat!(
    results!("r.conclusion", "CAST(NULL AS BIGINT)", "history_series s"),
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
        "(SELECT d.millis FROM history_durations d WHERE d.test_id = t.id AND d.result_id = r.id)",
        "history_tests t JOIN history_series s ON s.id = t.series_id"
    ),
    "LEFT JOIN history_failures f ON f.test_id = t.id AND f.result_id = r.id
WHERE s.namespace = $1 AND t.name = $7 AND (f.test_id IS NOT NULL OR r.conclusion = 'success')",
    " AND ($2 = '' OR lower(s.repository) = lower($2)) AND ($3 = '' OR c.branch = $3)
  AND (r.finished < $4 OR (r.finished = $4 AND r.id < $5))
ORDER BY r.finished DESC, r.id DESC LIMIT $6"
);

/// How long a test took, wherever it passed: a job that fails by another test tells of it too.
const TOOK: &str = "
SELECT d.millis, s.repository, c.sha, s.workflow, s.job, r.run_id, r.attempt, r.job_id
FROM history_tests t JOIN history_series s ON s.id = t.series_id JOIN history_durations d ON d.test_id = t.id
JOIN history_results r ON r.id = d.result_id JOIN history_commits c ON c.id = r.commit_id
WHERE s.namespace = $1 AND t.name = $4 AND ($2 = '' OR lower(s.repository) = lower($2)) AND ($3 = '' OR c.branch = $3)
ORDER BY r.finished DESC, r.id DESC LIMIT $5";

/// The same question of a store that knows no durations.
fn without_durations(sql: &str) -> String {
    let (before, after) = (sql.find("(SELECT d.millis"), sql.find(" AS millis"));
    match before.zip(after).and_then(|(at, end)| Some((sql.get(..at)?, sql.get(end..)?))) {
        Some((before, after)) => format!("{before}CAST(NULL AS BIGINT){after}"),
        None => sql.to_owned(),
    }
}

impl Store {
    /// How long a test took, of its newest results.
    async fn took(&self, asked: &Asked, test: &str) -> Result<Option<Timed>, StoreError> {
        let rows = patiently(async {
            let mut reader = self.reader().await?;
            let reader: &mut AnyConnection = &mut reader;
            if version(reader).await? < WITH_DURATIONS {
                return Ok(Vec::new());
            }
            let query = sqlx::query(TOOK)
                .bind(asked.namespace.as_str())
                .bind(asked.repository.as_str())
                .bind(asked.branch.as_str())
                .bind(test)
                .bind(WINDOW);
            query.fetch_all(reader).await
        })
        .await?;
        let mut all = Vec::new();
        for row in &rows {
            all.push(get::<i64>(row, "millis")?);
        }
        // The newest of equals.
        let longest = all.iter().enumerate().rev().max_by_key(|(_, millis)| **millis);
        let Some((row, most)) = longest.and_then(|(at, most)| Some((rows.get(at)?, *most))) else {
            return Ok(None);
        };
        all.sort_unstable();
        Ok(Some(Timed {
            results: i64::try_from(all.len()).unwrap_or(i64::MAX),
            median_millis: all.get(all.len() / 2).copied().unwrap_or(most),
            max_millis: most,
            repository: get(row, "repository")?,
            sha: get(row, "sha")?,
            workflow: get(row, "workflow")?,
            job: get(row, "job")?,
            run_id: get(row, "run_id")?,
            attempt: get(row, "attempt")?,
            job_id: get(row, "job_id")?,
        }))
    }

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
            let sql = match matches!(asked.of, Of::Test(_)) && version(reader).await? < WITH_DURATIONS {
                true => without_durations(sql),
                false => sql.to_owned(),
            };
            let query = sqlx::query(AssertSqlSafe(sql))
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
        if let (Some(summary), Of::Test(test)) = (&mut answer.summary, &asked.of) {
            summary.test = self.took(asked, test).await?;
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
        millis: get(row, "millis")?,
        fingerprint: get(row, "fingerprint")?,
    })
}
