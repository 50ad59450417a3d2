//! Failures of one kind over time: since when they are seen, how often a day, and where.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::query::{Unanswered, get, patiently};
use super::store::{Store, StoreError};

/// Most failures that are looked at.
const MOST: i64 = 20_000;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// Of what patterns are asked for.
#[derive(Clone, Debug, Default)]
pub struct Stretch {
    pub namespace: String,
    /// Only of this repository, and of commits of this branch, where they are not empty.
    pub repository: String,
    pub branch: String,
    pub days: i64,
}

/// What failed more than once looks like, and what failed once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patterns {
    /// On the most commits first, then the one that was seen last.
    pub list: Vec<Pattern>,
    /// There are more failures than were looked at; those are the newest.
    pub cut: bool,
}

/// Failures with one fingerprint in a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    pub repository: String,
    pub fingerprint: String,
    /// When the first and the last of them ended, in seconds since 1970.
    pub first: i64,
    pub last: i64,
    pub results: i64,
    pub commits: i64,
    /// Failures on each day, the oldest first; days are those of UTC.
    pub days: Vec<i64>,
    /// Workflow and name of the jobs in which they are.
    pub jobs: BTreeSet<(String, String)>,
    /// Pull requests and branches on which they are.
    pub pulls: BTreeSet<i64>,
    pub branches: BTreeSet<String>,
}

const FAILURES: &str = "
SELECT s.repository, s.workflow, s.job, c.sha, c.branch, c.pull_request, r.fingerprint, r.finished
FROM history_series s JOIN history_results r ON r.series_id = s.id JOIN history_commits c ON c.id = r.commit_id
WHERE s.namespace = $1 AND ($2 = '' OR lower(s.repository) = lower($2)) AND ($3 = '' OR c.branch = $3)
  AND r.finished >= $4 AND r.fingerprint IS NOT NULL
ORDER BY r.finished DESC, r.id DESC LIMIT $5";

impl Store {
    /// What failed in the days up to now, by what it looks like.
    pub async fn patterns(&self, asked: &Stretch, now: i64) -> Result<Patterns, Unanswered> {
        let days = asked.days.clamp(1, 366);
        let today = now.div_euclid(DAY);
        let oldest = today.saturating_sub(days - 1);
        let rows = patiently(async {
            let mut reader = self.reader().await?;
            let reader: &mut AnyConnection = &mut reader;
            sqlx::query(FAILURES)
                .bind(asked.namespace.as_str())
                .bind(asked.repository.as_str())
                .bind(asked.branch.as_str())
                .bind(oldest.saturating_mul(DAY))
                .bind(MOST)
                .fetch_all(reader)
                .await
        })
        .await?;
        let mut all: BTreeMap<(String, String), (Pattern, BTreeSet<String>)> = BTreeMap::new();
        for row in &rows {
            add(&mut all, row, oldest, usize::try_from(days).unwrap_or(1))?;
        }
        let cut = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= MOST;
        let whole = |(mut pattern, commits): (Pattern, BTreeSet<String>)| {
            pattern.commits = i64::try_from(commits.len()).unwrap_or(i64::MAX);
            pattern
        };
        let mut list: Vec<Pattern> = all.into_values().map(whole).collect();
        list.sort_by(|a, b| (b.commits, b.last, &a.fingerprint).cmp(&(a.commits, a.last, &b.fingerprint)));
        Ok(Patterns { list, cut })
    }
}

fn add(
    all: &mut BTreeMap<(String, String), (Pattern, BTreeSet<String>)>,
    row: &AnyRow,
    oldest: i64,
    days: usize,
) -> Result<(), StoreError> {
    let (repository, fingerprint): (String, String) = (get(row, "repository")?, get(row, "fingerprint")?);
    let ended: i64 = get(row, "finished")?;
    let (pattern, commits) = all.entry((repository.clone(), fingerprint.clone())).or_insert_with(|| {
        let days = vec![0; days];
        (
            Pattern { repository, fingerprint, first: ended, last: ended, days, ..Pattern::default() },
            BTreeSet::new(),
        )
    });
    (pattern.first, pattern.last) = (pattern.first.min(ended), pattern.last.max(ended));
    pattern.results += 1;
    // By the clock of GitHub it may be tomorrow already.
    let day = usize::try_from(ended.div_euclid(DAY) - oldest).unwrap_or(0).min(days.saturating_sub(1));
    if let Some(count) = pattern.days.get_mut(day) {
        *count += 1;
    }
    pattern.jobs.insert((get(row, "workflow")?, get(row, "job")?));
    match get::<Option<i64>>(row, "pull_request")? {
        Some(number) => drop(pattern.pulls.insert(number)),
        None => pattern.branches.extend(get::<Option<String>>(row, "branch")?),
    }
    commits.insert(get(row, "sha")?);
    Ok(())
}
