//! Sums of days, which rankings are made of. They are changed in the transaction that changes the rows they sum, by what
//! the rows of its commits came to before and come to after it; so the same again changes nothing.
//!
//! On a server additions to one row follow each other, and the row of the commit is held from before its results are
//! read: no other writer of that commit comes in between.

use std::collections::BTreeMap;
use std::fmt::Write;

use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};

use super::store::{Store, StoreError};

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;
/// Commits that are summed up or deleted in one transaction, so that nobody waits long for it.
pub(super) const SLICE: i64 = 200;
/// Rows of one statement.
const ROWS: usize = 400;
/// Less than a run takes, whatever clocks say.
const NONE: i64 = i64::MIN / 4;

/// How long a pass took; 0 of everything else.
macro_rules! took {
    () => {
        "CASE WHEN r.conclusion = 'success' THEN coalesce(r.finished - r.started, 0) ELSE 0 END"
    };
}

/// What the results `r` of some tables count for, each at its time: themselves, the commit of each series, and the flake
/// that it is. Seen from any time on, a commit counts if the last of its results came after that, and is flaky if for one
/// event both the last pass and the last failure did.
pub(super) fn of_jobs(tables: &str, those: &str) -> String {
    format!(
        "WITH seen AS (SELECT r.series_id, r.commit_id, r.event, r.finished, {took} AS took,
    CASE WHEN r.conclusion = 'success' THEN 1 ELSE 0 END AS passed,
    CASE WHEN r.conclusion IN ('failure', 'timed_out', 'startup_failure') THEN 1 ELSE 0 END AS failed
  FROM {tables} WHERE {those}),
sides AS (SELECT series_id, commit_id, max(CASE WHEN passed = 1 THEN finished END) AS passed,
    max(CASE WHEN failed = 1 THEN finished END) AS failed
  FROM seen WHERE passed + failed > 0 GROUP BY series_id, commit_id, event)
SELECT series_id, finished AS at, 1 AS results, passed, failed, took AS seconds, 0 AS commits, 0 AS flaky,
  took AS longest FROM seen
UNION ALL SELECT series_id, max(CASE WHEN passed > failed OR failed IS NULL THEN passed ELSE failed END),
  0, 0, 0, 0, 1, 0, NULL FROM sides GROUP BY series_id, commit_id
UNION ALL SELECT series_id, max(CASE WHEN passed < failed THEN passed ELSE failed END),
  0, 0, 0, 0, 0, 1, NULL FROM sides WHERE passed IS NOT NULL AND failed IS NOT NULL GROUP BY series_id, commit_id",
        took = took!(),
    )
}

/// The same of the tests that results name: a test is flaky where its job passed too. Without the addition SQLite would
/// look for the last pass among all results of the job, and not among those of the commit.
pub(super) fn of_tests(tables: &str, those: &str) -> String {
    format!(
        "WITH named AS (SELECT f.test_id, r.series_id, r.commit_id, r.event, r.finished
  FROM {tables} CROSS JOIN history_failures f WHERE {those} AND f.result_id = r.id),
sides AS (SELECT n.test_id, n.commit_id, max(n.finished) AS failed,
    (SELECT max(p.finished + 0) FROM history_results p WHERE p.commit_id = n.commit_id AND p.series_id = n.series_id
      AND p.event = n.event AND p.conclusion = 'success') AS passed
  FROM named n GROUP BY n.test_id, n.series_id, n.commit_id, n.event)
SELECT test_id, finished AS at, 1 AS failed, 0 AS flaky FROM named
UNION ALL SELECT test_id, max(CASE WHEN passed < failed THEN passed ELSE failed END), 0, 1
  FROM sides WHERE passed IS NOT NULL GROUP BY test_id, commit_id"
    )
}

/// How long tests took, each at the time of its result.
pub(super) fn of_durations(tables: &str, those: &str) -> String {
    format!(
        "SELECT f.test_id, r.finished AS at, 1 AS timed, f.millis, f.millis AS longest
FROM {tables} CROSS JOIN history_durations f WHERE {those} AND f.result_id = r.id"
    )
}

/// One of the tables of sums.
struct Table {
    name: &'static str,
    key: &'static str,
    /// What is added up.
    columns: &'static [&'static str],
    /// What finds the longest pass of a day anew where it has one, because that does not add up.
    longest: Option<&'static str>,
    /// What is true of a row of which nothing is left. A test may be flaky since a day on which only its job passed.
    empty: &'static str,
}

const JOBS: Table = Table {
    name: "history_days",
    key: "series_id",
    columns: &["results", "passed", "failed", "seconds", "commits", "flaky"],
    longest: Some(concat!(
        "SELECT coalesce(max(",
        took!(),
        "), 0) FROM history_results r WHERE r.series_id = history_days.series_id
           AND r.finished >= history_days.day * 86400 AND r.finished < (history_days.day + 1) * 86400"
    )),
    empty: "results <= 0",
};
const TESTS: Table = Table {
    name: "history_test_days",
    key: "test_id",
    columns: &["failed", "flaky"],
    longest: None,
    empty: "failed <= 0 AND flaky <= 0",
};
const SLOW: Table = Table {
    name: "history_slow_days",
    key: "test_id",
    columns: &["timed", "millis"],
    longest: Some(
        "SELECT coalesce(max(f.millis), 0) FROM history_durations f JOIN history_results r ON r.id = f.result_id
         WHERE f.test_id = history_slow_days.test_id AND r.finished >= history_slow_days.day * 86400
           AND r.finished < (history_slow_days.day + 1) * 86400",
    ),
    empty: "timed <= 0",
};

/// Job or test and day, in the order in which every writer takes them.
type Key = (i64, i64);

/// What adds up, and the longest pass.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sum(Vec<i64>, i64);

/// What some commits come to.
#[derive(Debug, Default)]
pub(super) struct Sums {
    jobs: BTreeMap<Key, Sum>,
    tests: BTreeMap<Key, Sum>,
    slow: BTreeMap<Key, Sum>,
}

impl Sums {
    /// What the results of these commits come to now.
    pub(super) async fn of(work: &mut AnyConnection, commits: &[i64]) -> Result<Self, sqlx::Error> {
        // One is asked for by a statement that is prepared once.
        let (those, one) = match commits {
            [] => return Ok(Self::default()),
            [one] => ("r.commit_id = $1".to_owned(), Some(*one)),
            _ => (format!("r.commit_id IN ({})", list(commits)), None),
        };
        let tables = "history_results r";
        Ok(Self {
            jobs: JOBS.read(work, &of_jobs(tables, &those), one).await?,
            tests: TESTS.read(work, &of_tests(tables, &those), one).await?,
            slow: SLOW.read(work, &of_durations(tables, &those), one).await?,
        })
    }

    /// Changes what is stored from this to that. Rows are changed already.
    pub(super) async fn turn_into(&self, work: &mut AnyConnection, after: &Self) -> Result<(), sqlx::Error> {
        JOBS.change(work, &self.jobs, &after.jobs).await?;
        TESTS.change(work, &self.tests, &after.tests).await?;
        SLOW.change(work, &self.slow, &after.slow).await
    }
}

impl Table {
    async fn read(
        &self,
        work: &mut AnyConnection,
        marks: &str,
        commit: Option<i64>,
    ) -> Result<BTreeMap<Key, Sum>, sqlx::Error> {
        let Self { key, columns, longest, .. } = self;
        let sums: String = columns.iter().map(|c| format!(", CAST(sum({c}) AS BIGINT)")).collect();
        let longest = if longest.is_some() { "CAST(coalesce(max(longest), 0) AS BIGINT)" } else { "0" };
        let sql = format!(
            "SELECT {key}, at / {DAY}, CAST({longest} AS BIGINT){sums} FROM ({marks}) m GROUP BY {key}, at / {DAY}"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).persistent(commit.is_some());
        let query = match commit {
            Some(commit) => query.bind(commit),
            None => query,
        };
        let mut found = BTreeMap::new();
        for row in query.fetch_all(work).await? {
            let counts = (3..3 + columns.len()).map(|n| row.try_get(n)).collect::<Result<_, _>>()?;
            found.insert((row.try_get(0)?, row.try_get(1)?), Sum(counts, row.try_get(2)?));
        }
        Ok(found)
    }

    async fn change(
        &self,
        work: &mut AnyConnection,
        before: &BTreeMap<Key, Sum>,
        after: &BTreeMap<Key, Sum>,
    ) -> Result<(), sqlx::Error> {
        let nothing = Sum(vec![0; self.columns.len()], NONE);
        let mut more: BTreeMap<Key, Sum> = BTreeMap::new();
        let mut less: Vec<Key> = Vec::new();
        for key in before.keys().chain(after.keys()) {
            let (old, new) = (before.get(key).unwrap_or(&nothing), after.get(key).unwrap_or(&nothing));
            if old == new {
                continue;
            }
            let change = new.0.iter().zip(&old.0).map(|(new, old)| new.saturating_sub(*old)).collect();
            if more.insert(*key, Sum(change, new.1)).is_none() && new.1 < old.1 {
                less.push(*key);
            }
        }
        for rows in more.into_iter().collect::<Vec<_>>().chunks(ROWS) {
            self.add(work, rows).await?;
        }
        // After that: whoever else changes these rows is done, or waits.
        for keys in less.chunks(ROWS) {
            self.settle(work, keys).await?;
        }
        Ok(())
    }

    async fn add(&self, work: &mut AnyConnection, rows: &[(Key, Sum)]) -> Result<(), sqlx::Error> {
        let Self { name, key, columns, longest, .. } = self;
        let mut values = String::new();
        for ((key, day), Sum(counts, took)) in rows {
            let comma = if values.is_empty() { "" } else { ", " };
            let _ = write!(values, "{comma}({key}, {day}");
            for count in counts {
                let _ = write!(values, ", {count}");
            }
            let _ = if longest.is_some() { write!(values, ", {took})") } else { write!(values, ")") };
        }
        let mut sets: Vec<String> =
            columns.iter().map(|c| format!("{c} = {name}.{c} + excluded.{c}")).collect();
        let mut names = columns.to_vec();
        if longest.is_some() {
            names.push("longest");
            sets.push(format!(
                "longest = CASE WHEN excluded.longest > {name}.longest THEN excluded.longest ELSE {name}.longest END"
            ));
        }
        run(
            work,
            format!(
                "INSERT INTO {name} ({key}, day, {}) VALUES {values} ON CONFLICT ({key}, day) DO UPDATE SET {}",
                names.join(", "),
                sets.join(", ")
            ),
        )
        .await
    }

    /// Where something went: rows of which nothing is left go, and the longest pass is found anew.
    async fn settle(&self, work: &mut AnyConnection, keys: &[Key]) -> Result<(), sqlx::Error> {
        let Self { name, key, longest, empty, .. } = self;
        let those: Vec<i64> = keys.iter().map(|(key, _)| *key).collect();
        let days = keys.iter().map(|(_, day)| *day);
        let (from, to) = (days.clone().min().unwrap_or(0), days.max().unwrap_or(0));
        // Whatever has nothing left may go, and these are found by their index.
        run(
            work,
            format!(
                "DELETE FROM {name} WHERE {key} IN ({}) AND day >= {from} AND day <= {to} AND {empty}",
                list(&those)
            ),
        )
        .await?;
        let Some(longest) = longest else { return Ok(()) };
        let those: Vec<String> = keys.iter().map(|(key, day)| format!("({key}, {day})")).collect();
        run(
            work,
            format!(
                "UPDATE {name} SET longest = ({longest})
                 FROM (VALUES {}) v WHERE {name}.{key} = v.column1 AND {name}.day = v.column2",
                those.join(", ")
            ),
        )
        .await
    }
}

impl Store {
    /// Sums up some of the commits that are in no sum yet, as those of a version before; false when there are none.
    pub async fn fill(&self) -> Result<bool, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let mut work = connection.begin_with(self.begin()).await?;
        let sql = format!(
            "SELECT id FROM history_commits WHERE summed = 0 ORDER BY id LIMIT {SLICE}{}",
            self.for_update()
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *work).await?;
        let commits = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        if commits.is_empty() {
            return Ok(false);
        }
        let sums = Sums::of(&mut work, &commits).await?;
        Sums::default().turn_into(&mut work, &sums).await?;
        run(&mut work, format!("UPDATE history_commits SET summed = 1 WHERE id IN ({})", list(&commits)))
            .await?;
        work.commit().await?;
        Ok(true)
    }

    /// Deletes the oldest commits that began before some time, so many at most, and what the sums have of them. Gives how
    /// many these were.
    pub(super) async fn remove(
        &self,
        connection: &mut AnyConnection,
        before: i64,
        most: i64,
    ) -> Result<i64, sqlx::Error> {
        let mut work = connection.begin_with(self.begin()).await?;
        // In one order with whoever fills, so that of two one waits.
        let sql = format!(
            "SELECT id, summed FROM history_commits WHERE id IN
               (SELECT id FROM history_commits WHERE started < $1 ORDER BY started, id LIMIT $2) ORDER BY id{}",
            self.for_update()
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(before).bind(most.min(SLICE));
        let (mut all, mut summed) = (Vec::new(), Vec::new());
        for row in query.fetch_all(&mut *work).await? {
            let id: i64 = row.try_get(0)?;
            all.push(id);
            if row.try_get::<i64, _>(1)? != 0 {
                summed.push(id);
            }
        }
        if all.is_empty() {
            return Ok(0);
        }
        let sums = Sums::of(&mut work, &summed).await?;
        run(&mut work, format!("DELETE FROM history_held WHERE commit_id IN ({})", list(&all))).await?;
        run(&mut work, format!("DELETE FROM history_commits WHERE id IN ({})", list(&all))).await?;
        sums.turn_into(&mut work, &Sums::default()).await?;
        work.commit().await?;
        Ok(i64::try_from(all.len()).unwrap_or(i64::MAX))
    }

    /// How a transaction begins that writes.
    pub(super) fn begin(&self) -> &'static str {
        if self.sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" }
    }

    fn for_update(&self) -> &'static str {
        if self.sqlite { "" } else { " FOR UPDATE" }
    }
}

/// Numbers of rows, for a statement.
fn list(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

/// A statement that has nothing but numbers in it that differs, and is not worth keeping.
async fn run(work: &mut AnyConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(work).await.map(drop)
}
