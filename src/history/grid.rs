//! What each job came to on the newest commits of a repository.

use std::collections::{BTreeMap, HashMap};

use sqlx::AnyConnection;

use super::answer::Commit;
use super::query::{Asked, Of, Unanswered, cursor, get, patiently};
use super::store::{Store, StoreError};

/// Most results that a grid is made of.
const MOST: i64 = 20_000;

/// Jobs by commits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid {
    /// The newest first.
    pub commits: Vec<Commit>,
    /// The worst first.
    pub rows: Vec<Row>,
    /// What to ask `before` for older commits.
    pub next: Option<String>,
    /// There are more results than were looked at.
    pub cut: bool,
}

/// A job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub workflow: String,
    pub job: String,
    /// For each commit what it came to there; none where it did not run.
    pub cells: Vec<Option<Cell>>,
}

/// What a job came to on a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    pub ended: Ended,
    pub run_id: i64,
    pub job_id: i64,
}

/// How a job ended on a commit, all attempts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ended {
    /// Neither a pass nor a failure, or not yet.
    Other,
    Passed,
    /// Both, for one event.
    Flaky,
    Failed,
}

impl Row {
    /// How many commits it failed on, and how many it is flaky on.
    fn bad(&self) -> (usize, usize) {
        let count = |of: Ended| self.cells.iter().flatten().filter(|cell| cell.ended == of).count();
        (count(Ended::Failed), count(Ended::Flaky))
    }
}

const RESULTS: &str = "
SELECT c.sha, c.repository, s.workflow, s.job, r.event, r.conclusion, r.run_id, r.job_id
FROM (SELECT id, sha, repository FROM history_commits
  WHERE namespace = $1 AND ($2 = '' OR lower(repository) = lower($2)) AND ($3 = '' OR branch = $3)
    AND (started < $4 OR (started = $4 AND id < $5))
  ORDER BY started DESC, id DESC LIMIT $6) c
JOIN history_results r ON r.commit_id = c.id JOIN history_series s ON s.id = r.series_id
ORDER BY r.finished DESC, r.id DESC LIMIT $7";

/// What is known of a job on a commit for one event, the newest result first.
#[derive(Default)]
struct Seen {
    newest: Option<(i64, i64)>,
    passed: Option<(i64, i64)>,
    failed: Option<(i64, i64)>,
}

impl Seen {
    fn add(&mut self, passed: Option<bool>, at: (i64, i64)) {
        self.newest.get_or_insert(at);
        let slot = match passed {
            Some(true) => &mut self.passed,
            Some(false) => &mut self.failed,
            None => return,
        };
        slot.get_or_insert(at);
    }

    fn cell(&self) -> Option<Cell> {
        let (ended, at) = match (self.passed, self.failed) {
            (Some(_), Some(at)) => (Ended::Flaky, at),
            (None, Some(at)) => (Ended::Failed, at),
            (Some(at), None) => (Ended::Passed, at),
            (None, None) => (Ended::Other, self.newest?),
        };
        Some(Cell { ended, run_id: at.0, job_id: at.1 })
    }
}

/// Of several events the worst: a pull request is tested together with its base branch, a push without it.
fn worst(events: &BTreeMap<String, Seen>) -> Option<Cell> {
    events.values().filter_map(Seen::cell).max_by_key(|cell| cell.ended)
}

impl Store {
    /// Jobs by the commits that were asked for.
    pub async fn grid(&self, asked: &Asked) -> Result<Grid, Unanswered> {
        let page = self.page(&Asked { of: Of::Commits, ..asked.clone() }).await?;
        let (at, id) = asked.before.as_deref().and_then(cursor).unwrap_or((i64::MAX, i64::MAX));
        let rows = patiently(async {
            let mut reader = self.reader().await?;
            let reader: &mut AnyConnection = &mut reader;
            sqlx::query(RESULTS)
                .bind(asked.namespace.as_str())
                .bind(asked.repository.as_str())
                .bind(asked.branch.as_str())
                .bind(at)
                .bind(id)
                .bind(asked.limit.clamp(1, super::MAX_LIMIT))
                .bind(MOST)
                .fetch_all(reader)
                .await
        })
        .await?;
        let columns: HashMap<(&str, &str), usize> = page
            .commits
            .iter()
            .enumerate()
            .map(|(n, c)| ((c.repository.as_str(), c.sha.as_str()), n))
            .collect();
        let mut jobs: BTreeMap<(String, String), Vec<BTreeMap<String, Seen>>> = BTreeMap::new();
        for row in &rows {
            let text = |name: &str| -> Result<String, StoreError> { get(row, name) };
            let (sha, repository): (String, String) = (text("sha")?, text("repository")?);
            // A commit that came in between the two questions.
            let Some(column) = columns.get(&(repository.as_str(), sha.as_str())) else { continue };
            let cells = jobs.entry((text("workflow")?, text("job")?)).or_default();
            cells.resize_with(page.commits.len(), BTreeMap::new);
            let Some(events) = cells.get_mut(*column) else { continue };
            let at: (i64, i64) = (get(row, "run_id")?, get(row, "job_id")?);
            events.entry(text("event")?).or_default().add(super::answer::passed(&text("conclusion")?), at);
        }
        let mut all: Vec<Row> = jobs
            .into_iter()
            .map(|((workflow, job), cells)| Row { workflow, job, cells: cells.iter().map(worst).collect() })
            .collect();
        worst_first(&mut all);
        let cut = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= MOST;
        Ok(Grid { commits: page.commits, rows: all, next: page.next, cut })
    }
}

/// Jobs that failed on the most commits first, then those that are flaky, then by name.
pub fn worst_first(rows: &mut [Row]) {
    rows.sort_by(|a, b| {
        b.bad().cmp(&a.bad()).then_with(|| (&a.job, &a.workflow).cmp(&(&b.job, &b.workflow)))
    });
}
