//! How a record goes into the database: all of it or nothing, and the same again changes nothing.

use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};

use super::record::{Record, Result as JobResult};
use super::store::{Store, StoreError};
use super::sums::Sums;

impl Store {
    /// Records what a look saw, all of it or nothing. The same again changes nothing.
    pub async fn record(&self, record: &Record) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await?;
        let mut work = connection.begin_with(self.begin()).await?;
        let row = sqlx::query(
            "INSERT INTO history_commits
               (namespace, connection, repository, sha, branch, base_branch, pull_request, started, summed)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)
             ON CONFLICT (namespace, connection, repository, sha) DO UPDATE SET
               branch = coalesce(excluded.branch, history_commits.branch),
               base_branch = coalesce(excluded.base_branch, history_commits.base_branch),
               pull_request = coalesce(excluded.pull_request, history_commits.pull_request)
             RETURNING id, summed",
        )
        .bind(record.namespace.as_str())
        .bind(record.connection.as_str())
        .bind(record.repository.as_str())
        .bind(record.sha.as_str())
        .bind(record.branch.as_deref())
        .bind(record.base_branch.as_deref())
        .bind(record.pull_request)
        .bind(record.started)
        .fetch_one(&mut *work)
        .await?;
        let (commit, summed): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let before = match summed {
            0 => Sums::default(),
            _ => Sums::of(&mut work, &[commit]).await?,
        };
        // An older look that comes late says nothing new.
        sqlx::query(
            "INSERT INTO history_verdicts (commit_id, report, verdict, reason, final, decided, waived, looked)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (commit_id, report) DO UPDATE SET verdict = excluded.verdict,
               reason = excluded.reason, final = excluded.final, decided = excluded.decided,
               waived = excluded.waived, looked = excluded.looked
             WHERE excluded.looked >= history_verdicts.looked",
        )
        .bind(commit)
        .bind(record.report.as_str())
        .bind(record.verdict)
        .bind(record.reason.as_str())
        .bind(i64::from(record.is_final))
        .bind(record.decided)
        .bind(record.waived.as_deref())
        .bind(record.observed)
        .execute(&mut *work)
        .await?;
        sqlx::query("INSERT INTO history_held (commit_id) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(commit)
            .execute(&mut *work)
            .await?;
        facts_of(&mut work, commit, record).await?;
        let mut series: Option<(&str, &str, i64)> = None;
        for result in &record.results {
            let id = match series {
                Some((workflow, job, id)) if workflow == result.workflow && job == result.job => id,
                _ => series_of(&mut work, record, result).await?,
            };
            series = Some((&result.workflow, &result.job, id));
            put(&mut work, commit, id, result).await?;
        }
        let after = Sums::of(&mut work, &[commit]).await?;
        before.turn_into(&mut work, &after).await?;
        if summed == 0 {
            let mark = sqlx::query("UPDATE history_commits SET summed = 1 WHERE id = $1").bind(commit);
            mark.execute(&mut *work).await?;
        }
        work.commit().await?;
        let used = match self.bound {
            Some(_) => self.used(&mut connection).await?,
            None => 0,
        };
        // There may be one connection only.
        drop(connection);
        if let Some(bound) = self.bound.filter(|bound| used > *bound) {
            self.tend(i64::MIN, bound).await?;
        }
        Ok(())
    }
}

/// What decided about the commit by the newest look; what an older one saw is no more.
async fn facts_of(work: &mut AnyConnection, commit: i64, record: &Record) -> Result<(), sqlx::Error> {
    let query = match &record.facts {
        Some(facts) => sqlx::query(
            "INSERT INTO history_facts (commit_id, observed, facts) VALUES ($1, $2, $3)
             ON CONFLICT (commit_id) DO UPDATE SET observed = excluded.observed, facts = excluded.facts
             WHERE excluded.observed >= history_facts.observed",
        )
        .bind(commit)
        .bind(record.observed)
        .bind(facts.as_slice()),
        None => sqlx::query("DELETE FROM history_facts WHERE commit_id = $1 AND observed <= $2")
            .bind(commit)
            .bind(record.observed),
    };
    query.execute(work).await.map(drop)
}

async fn series_of(
    work: &mut AnyConnection,
    record: &Record,
    result: &JobResult,
) -> Result<i64, sqlx::Error> {
    // An update of nothing, because only a row that was written is returned.
    sqlx::query(
        "INSERT INTO history_series (namespace, connection, repository, workflow, job) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (namespace, connection, repository, workflow, job) DO UPDATE SET job = excluded.job
         RETURNING id",
    )
    .bind(record.namespace.as_str())
    .bind(record.connection.as_str())
    .bind(record.repository.as_str())
    .bind(result.workflow.as_str())
    .bind(result.job.as_str())
    .fetch_one(work)
    .await?
    .try_get(0)
}

async fn put(
    work: &mut AnyConnection,
    commit: i64,
    series: i64,
    result: &JobResult,
) -> Result<(), sqlx::Error> {
    // A log that can be read no more does not take away what it said. A run is of one commit for ever.
    let row = sqlx::query(
        "INSERT INTO history_results (series_id, commit_id, run_id, attempt, job_id, event, conclusion, started,
           finished, tests_total, tests_failed, fingerprint)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (series_id, run_id, attempt, job_id) DO UPDATE SET
           conclusion = excluded.conclusion, started = excluded.started, finished = excluded.finished,
           tests_total = coalesce(excluded.tests_total, history_results.tests_total),
           tests_failed = coalesce(excluded.tests_failed, history_results.tests_failed),
           fingerprint = coalesce(excluded.fingerprint, history_results.fingerprint)
         WHERE history_results.commit_id = excluded.commit_id
         RETURNING id",
    )
    .bind(series)
    .bind(commit)
    .bind(result.run_id)
    .bind(result.attempt)
    .bind(result.job_id)
    .bind(result.event.as_str())
    .bind(result.conclusion.as_str())
    .bind(result.started)
    .bind(result.finished)
    .bind(result.tests_total)
    .bind(result.tests_failed)
    .bind(result.fingerprint.as_deref())
    .fetch_optional(&mut *work)
    .await?;
    let Some(row) = row else { return Ok(()) };
    let id: i64 = row.try_get(0)?;
    for name in &result.failing {
        let test: i64 = sqlx::query(
            "INSERT INTO history_tests (series_id, name) VALUES ($1, $2)
             ON CONFLICT (series_id, name) DO UPDATE SET name = excluded.name RETURNING id",
        )
        .bind(series)
        .bind(name.as_str())
        .fetch_one(&mut *work)
        .await?
        .try_get(0)?;
        sqlx::query(
            "INSERT INTO history_failures (test_id, result_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(test)
        .bind(id)
        .execute(&mut *work)
        .await?;
    }
    durations(work, series, id, &result.slowest).await
}

/// How long tests took, in two statements for all of them: there may be many.
async fn durations(
    work: &mut AnyConnection,
    series: i64,
    result: i64,
    slowest: &[(String, i64)],
) -> Result<(), sqlx::Error> {
    if slowest.is_empty() {
        return Ok(());
    }
    let values: Vec<String> = (2..).take(slowest.len()).map(|n| format!("($1, ${n})")).collect();
    let sql = format!(
        "INSERT INTO history_tests (series_id, name) VALUES {}
         ON CONFLICT (series_id, name) DO UPDATE SET name = excluded.name RETURNING id, name",
        values.join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(series);
    for (name, _) in slowest {
        query = query.bind(name.as_str());
    }
    let mut values = Vec::new();
    for row in query.fetch_all(&mut *work).await? {
        let (test, name): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        if let Some((_, millis)) = slowest.iter().find(|(known, _)| *known == name) {
            values.push(format!("({test}, {result}, {millis})"));
        }
    }
    let sql = format!(
        "INSERT INTO history_durations (test_id, result_id, millis) VALUES {}
         ON CONFLICT (test_id, result_id) DO UPDATE SET millis = excluded.millis",
        values.join(", ")
    );
    sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(work).await.map(drop)
}
