//! Jobs and tests by how reliable they are: made of the sums of whole days, and of rows where there are no sums.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::answer::{Ranked, Top};
use super::query::{MAX_LIMIT, Unanswered, get, patiently};
use super::stats::wilson;
use super::store::{Store, StoreError, WITH_DURATIONS, WITH_SUMS, version};
use super::sums::DAY;

/// Jobs or tests that are ranked at most.
const MAX_RANKED: i64 = 5_000;

/// By what jobs or tests are ranked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
pub enum By {
    /// By how often they fail and pass on the same commit
    #[default]
    Flakes,
    /// By how often they fail
    Failures,
    /// By how long they take where they pass
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
    /// Results of so many whole days, those of UTC, and of the day that it is.
    pub days: i64,
    pub limit: i64,
}

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

const JOBS_OF_ROWS: &str = concat!(
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

/// What failures of tests come to. They are found by their tests, because few results have any: a CROSS JOIN is what
/// keeps SQLite to that order.
macro_rules! failures {
    () => {
        "SELECT x.test_id,
  count(DISTINCT CASE WHEN EXISTS (SELECT 1 FROM history_results p
      WHERE p.commit_id = x.commit_id AND p.series_id = x.series_id AND p.event = x.event
        AND p.conclusion = 'success' AND p.finished + 0 >= $4) THEN x.commit_id END) AS flaky,
  CAST(sum(x.failed) AS BIGINT) AS failed
FROM (SELECT f.test_id, r.series_id, r.commit_id, r.event, count(*) AS failed
    FROM history_series s CROSS JOIN history_tests n CROSS JOIN history_failures f CROSS JOIN history_results r
    JOIN history_commits c ON c.id = r.commit_id
    WHERE s.namespace = $1 AND ($2 = '' OR lower(s.repository) = lower($2)) AND ($3 = '' OR c.branch = $3)
      AND n.series_id = s.id AND f.test_id = n.id AND r.id = f.result_id AND r.finished >= $4
    GROUP BY f.test_id, r.series_id, r.commit_id, r.event) x
GROUP BY x.test_id"
    };
}

/// Passes and commits of each job.
macro_rules! of_series {
    () => {
        concat!(
            "SELECT h.series_id, CAST(sum(h.passed) AS BIGINT) AS passed,
    count(DISTINCT CASE WHEN h.passed > 0 OR h.failed > 0 THEN h.commit_id END) AS commits FROM (",
            on_commits!(),
            ") h GROUP BY h.series_id"
        )
    };
}

/// A test is known where it failed once; it passed where its job did.
const TESTS_OF_ROWS: &str = concat!(
    "SELECT s.repository, s.workflow, s.job, t.name AS test, x.flaky, k.commits, x.failed, k.passed,
  CAST(0 AS BIGINT) AS seconds, CAST(0 AS BIGINT) AS longest
FROM (",
    failures!(),
    ") x JOIN history_tests t ON t.id = x.test_id JOIN (",
    of_series!(),
    ") k ON k.series_id = t.series_id JOIN history_series s ON s.id = t.series_id
ORDER BY x.failed DESC, t.id LIMIT $5"
);

/// Tests by how long they take, and what else is known of them.
fn slow(durations: &str, failures: &str, series: &str, limit: &str) -> String {
    format!(
        "SELECT s.repository, s.workflow, s.job, t.name AS test, coalesce(y.flaky, 0) AS flaky, k.commits,
  coalesce(y.failed, 0) AS failed, k.passed, CAST(0 AS BIGINT) AS seconds, x.longest, x.timed, x.millis
FROM (SELECT test_id, CAST(sum(timed) AS BIGINT) AS timed, CAST(sum(millis) AS BIGINT) AS millis,
      CAST(max(longest) AS BIGINT) AS longest
    FROM ({durations}) g GROUP BY test_id ORDER BY sum(millis) / sum(timed) DESC, test_id LIMIT {limit}) x
JOIN history_tests t ON t.id = x.test_id JOIN ({series}) k ON k.series_id = t.series_id
JOIN history_series s ON s.id = t.series_id LEFT JOIN ({failures}) y ON y.test_id = x.test_id
ORDER BY x.millis / x.timed DESC, t.id"
    )
}

fn slow_of_rows() -> String {
    let durations = "SELECT f.test_id, 1 AS timed, f.millis, f.millis AS longest
      FROM history_series s CROSS JOIN history_results r CROSS JOIN history_durations f
      JOIN history_commits c ON c.id = r.commit_id
      WHERE s.namespace = $1 AND ($2 = '' OR lower(s.repository) = lower($2)) AND ($3 = '' OR c.branch = $3)
        AND r.series_id = s.id AND r.finished >= $4 AND f.result_id = r.id";
    slow(durations, failures!(), of_series!(), "$5")
}

fn slow_of_sums() -> String {
    let durations = "SELECT d.test_id, d.timed, d.millis, d.longest
        FROM history_series s CROSS JOIN history_tests n CROSS JOIN history_slow_days d
        WHERE s.namespace = $1 AND ($2 = '' OR lower(s.repository) = lower($2))
          AND n.series_id = s.id AND d.test_id = n.id AND d.day >= $3";
    slow(durations, &test_sums(""), JOB_SUMS, "$4")
}

/// What the jobs of a namespace come to by the sums of the days from $3 on.
const JOB_SUMS: &str = "SELECT d.series_id, CAST(sum(d.passed) AS BIGINT) AS passed,
  CAST(sum(d.failed) AS BIGINT) AS failed, CAST(sum(d.seconds) AS BIGINT) AS seconds,
  CAST(sum(d.commits) AS BIGINT) AS commits, CAST(sum(d.flaky) AS BIGINT) AS flaky,
  CAST(max(d.longest) AS BIGINT) AS longest
FROM history_series s CROSS JOIN history_days d
WHERE s.namespace = $1 AND ($2 = '' OR lower(s.repository) = lower($2)) AND d.series_id = s.id AND d.day >= $3
GROUP BY d.series_id HAVING sum(d.results) > 0";

fn jobs_of_sums() -> String {
    format!(
        "SELECT s.repository, s.workflow, s.job, '' AS test, g.flaky, g.commits, g.failed, g.passed, g.seconds, g.longest
FROM ({JOB_SUMS}) g JOIN history_series s ON s.id = g.series_id
ORDER BY g.failed DESC, s.id LIMIT $4"
    )
}

/// What failures of tests come to by sums, as those of jobs.
fn test_sums(order: &str) -> String {
    format!(
        "SELECT d.test_id, CAST(sum(d.failed) AS BIGINT) AS failed, CAST(sum(d.flaky) AS BIGINT) AS flaky
    FROM history_series s CROSS JOIN history_tests n CROSS JOIN history_test_days d
    WHERE s.namespace = $1 AND ($2 = '' OR lower(s.repository) = lower($2))
      AND n.series_id = s.id AND d.test_id = n.id AND d.day >= $3
    GROUP BY d.test_id HAVING sum(d.failed) > 0{order}"
    )
}

fn tests_of_sums() -> String {
    format!(
        "SELECT s.repository, s.workflow, s.job, t.name AS test, x.flaky, k.commits, x.failed, k.passed,
  CAST(0 AS BIGINT) AS seconds, CAST(0 AS BIGINT) AS longest
FROM ({}) x
JOIN history_tests t ON t.id = x.test_id JOIN ({}) k ON k.series_id = t.series_id
JOIN history_series s ON s.id = t.series_id
ORDER BY x.failed DESC, t.id",
        test_sums(" ORDER BY 2 DESC, d.test_id LIMIT $4"),
        JOB_SUMS
    )
}

/// Whether there are sums of all that is recorded.
async fn summed(reader: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    if version(reader).await? < WITH_SUMS {
        return Ok(false);
    }
    let some = "SELECT 1 FROM history_commits WHERE summed = 0 LIMIT 1";
    Ok(sqlx::query(some).fetch_optional(reader).await?.is_none())
}

impl Store {
    /// Jobs or tests, the worst first.
    pub async fn top(&self, asked: &Ranking, now: i64) -> Result<Top, Unanswered> {
        // Whole days only: what is left of one would have to be counted from rows, which takes ten times as long as all
        // sums of a year.
        let first = now.div_euclid(DAY).saturating_sub(asked.days);
        let since = first.saturating_mul(DAY);
        let rows = patiently(async {
            let mut reader = self.reader().await?;
            let reader: &mut AnyConnection = &mut reader;
            let slow = asked.tests && asked.by == By::Seconds;
            if slow && version(reader).await? < WITH_DURATIONS {
                return Ok(Vec::new());
            }
            // Sums know no branches, of which there may be one for each commit.
            let by_sums = asked.branch.is_empty() && summed(reader).await?;
            let sql = match (by_sums, asked.tests) {
                (true, true) if slow => slow_of_sums(),
                (false, true) if slow => slow_of_rows(),
                (true, true) => tests_of_sums(),
                (true, false) => jobs_of_sums(),
                (false, true) => TESTS_OF_ROWS.to_owned(),
                (false, false) => JOBS_OF_ROWS.to_owned(),
            };
            let query = sqlx::query(AssertSqlSafe(sql))
                .bind(asked.namespace.as_str())
                .bind(asked.repository.as_str());
            let query = match by_sums {
                true => query.bind(first).bind(MAX_RANKED),
                false => query.bind(asked.branch.as_str()).bind(since).bind(MAX_RANKED),
            };
            query.fetch_all(reader).await
        })
        .await?;
        let mut ranked = rows.iter().map(|row| ranked(row, asked)).collect::<Result<Vec<_>, _>>()?;
        // By the lower end of the interval: one failure of one run is not worse than ninety of a hundred.
        let worst = |r: &Ranked| match asked.by {
            By::Flakes => (r.flakes.low, r.failures.low),
            By::Failures => (r.failures.low, r.flakes.low),
            By::Seconds if asked.tests => {
                (r.mean_millis.unwrap_or(0) as f64, r.max_millis.unwrap_or(0) as f64)
            }
            By::Seconds => (r.mean_seconds.unwrap_or(0) as f64, r.max_seconds.unwrap_or(0) as f64),
        };
        let shown = |r: &Ranked| match asked.by {
            By::Flakes => r.flakes.count > 0,
            By::Failures => r.failures.count > 0,
            By::Seconds => r.mean_seconds.is_some() || r.mean_millis.is_some(),
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

fn ranked(row: &AnyRow, asked: &Ranking) -> Result<Ranked, StoreError> {
    let (failed, passed): (i64, i64) = (get(row, "failed")?, get(row, "passed")?);
    let (test, longest): (bool, i64) = (asked.tests, get(row, "longest")?);
    let took = !test && passed > 0;
    let mean = get::<i64>(row, "seconds")?.checked_div(passed);
    let (timed, millis): (i64, i64) = match test && asked.by == By::Seconds {
        true => (get(row, "timed")?, get(row, "millis")?),
        false => (0, 0),
    };
    Ok(Ranked {
        repository: get(row, "repository")?,
        workflow: get(row, "workflow")?,
        job: get(row, "job")?,
        test: Some(get::<String>(row, "test")?).filter(|_| test),
        flakes: wilson(get(row, "flaky")?, get(row, "commits")?),
        failures: wilson(failed, failed.saturating_add(passed)),
        mean_seconds: mean.filter(|_| took),
        max_seconds: Some(longest).filter(|_| took),
        timed: Some(timed).filter(|timed| *timed > 0),
        mean_millis: millis.checked_div(timed),
        max_millis: Some(longest).filter(|_| timed > 0),
    })
}
