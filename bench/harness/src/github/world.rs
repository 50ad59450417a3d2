//! What there is on the scripted GitHub: commits without end, each known by its number.
//!
//! Everything follows from the number of a commit and its state, so nothing has to be stored but
//! what was moved to another state.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Commits from here on are those of base branches: one green commit for each repository.
const BASE: u32 = 3_000_000_000;
/// Commits from here on are those of other pull requests.
const OTHERS: u32 = 3_500_000_000;
/// Commits that were moved, as far as the lists of a repository show them.
const LISTED: usize = 20;
/// Runs of a commit, one for each workflow.
pub(super) const WORKFLOWS: usize = 2;

/// How many of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Jobs of a commit, over its two workflows.
    pub jobs: usize,
    /// Repositories that the commits are spread over.
    pub repositories: u32,
}

/// How CI stands for a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum State {
    /// Every job is green.
    Passed,
    /// One job failed.
    Failed,
    /// Half of the jobs run.
    Running,
    /// One job failed while others run.
    Failing,
    /// One job was skipped.
    Skipped,
    /// One job that the base branch has is not there.
    Missing,
    /// One run was cancelled half-way.
    Cancelled,
    /// One job failed, and passed when it was run again.
    Rerun,
}

impl State {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Passed,
        Self::Failed,
        Self::Running,
        Self::Failing,
        Self::Skipped,
        Self::Missing,
        Self::Cancelled,
        Self::Rerun,
    ];

    /// Name in the addresses of the script.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Failing => "failing",
            Self::Skipped => "skipped",
            Self::Missing => "missing",
            Self::Cancelled => "cancelled",
            Self::Rerun => "rerun",
        }
    }

    /// The state of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    Failure,
    Running,
    Queued,
    Skipped,
    Cancelled,
}

impl Outcome {
    /// GitHub's status.
    pub const fn status(self) -> &'static str {
        match self {
            Self::Running => "in_progress",
            Self::Queued => "queued",
            _ => "completed",
        }
    }

    /// GitHub's conclusion, as JSON.
    pub const fn conclusion(self) -> &'static str {
        match self {
            Self::Success => "\"success\"",
            Self::Failure => "\"failure\"",
            Self::Skipped => "\"skipped\"",
            Self::Cancelled => "\"cancelled\"",
            Self::Running | Self::Queued => "null",
        }
    }
}

/// A job of one attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    /// Place in its run, and the attempt: with the run's id they make its id.
    pub index: usize,
    pub attempt: u32,
    pub outcome: Outcome,
}

/// A commit as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    pub number: u32,
    pub state: State,
    /// When it was moved to this state, in seconds since 1970; 0 if it never was.
    pub moved: i64,
}

impl Commit {
    /// Full commit id: reads like a hash, and ends with the number.
    pub fn sha(&self) -> String {
        sha_of(self.number)
    }

    /// Id of the run of a workflow.
    pub fn run(&self, workflow: usize) -> u64 {
        10_000_000_000 + u64::from(self.number) * 10 + workflow as u64
    }

    /// The attempt that the run of a workflow is at.
    pub fn attempt(&self, workflow: usize) -> u32 {
        if workflow == 0 && self.state == State::Rerun { 2 } else { 1 }
    }

    /// The run as a whole.
    pub fn outcome(&self, workflow: usize) -> Outcome {
        match (self.state, workflow) {
            (State::Failed, 0) => Outcome::Failure,
            (State::Running | State::Failing, 0) => Outcome::Running,
            (State::Cancelled, 0) => Outcome::Cancelled,
            _ => Outcome::Success,
        }
    }

    /// Jobs of all attempts of a run.
    pub fn jobs(&self, workflow: usize, size: Size) -> Vec<Job> {
        let count = size.of(workflow);
        let special = count / 2;
        let outcome = |index: usize| match (self.state, workflow) {
            (State::Failed, 0) if index == special => Outcome::Failure,
            (State::Failing, 0) if index == special => Outcome::Failure,
            (State::Running | State::Failing, 0) if index > special + 2 => Outcome::Queued,
            (State::Running | State::Failing, 0) if index > special => Outcome::Running,
            (State::Skipped, 0) if index == special => Outcome::Skipped,
            (State::Cancelled, 0) if index >= special => Outcome::Cancelled,
            _ => Outcome::Success,
        };
        let mut jobs: Vec<Job> = (0..count)
            .filter(|index| !(self.state == State::Missing && workflow == 0 && *index == special))
            .map(|index| Job { index, attempt: 1, outcome: outcome(index) })
            .collect();
        if self.state == State::Rerun && workflow == 0 {
            for job in jobs.iter_mut().filter(|j| j.index == special) {
                job.outcome = Outcome::Failure;
            }
            jobs.push(Job { index: special, attempt: 2, outcome: Outcome::Success });
        }
        jobs
    }
}

impl Size {
    /// Jobs of a workflow.
    pub fn of(self, workflow: usize) -> usize {
        let second = self.jobs / 4;
        if workflow == 0 { self.jobs - second } else { second }
    }

    /// Name of a job.
    pub fn job_name(self, workflow: usize, index: usize) -> String {
        match (workflow, index) {
            (0, 0) => "lint".to_owned(),
            (0, 1) => "build (linux)".to_owned(),
            (0, 2) => "build (darwin)".to_owned(),
            (0, _) => format!("unit ({})", index - 2),
            _ => format!("e2e ({})", index + 1),
        }
    }
}

/// Full commit id of a number.
pub fn sha_of(number: u32) -> String {
    let mixed = u64::from(number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{mixed:016x}{:016x}{number:08x}", mixed.rotate_left(29) ^ 0xa5a5_5a5a_1234_5678)
}

/// Number of a full commit id.
pub(super) fn number_of(sha: &str) -> Option<u32> {
    let number = u32::from_str_radix(sha.get(32..40)?, 16).ok()?;
    (sha.len() == 40 && sha_of(number) == sha).then_some(number)
}

/// All commits.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub size: Size,
    initial: State,
    moved: Arc<Mutex<Moved>>,
}

/// What was moved to another state.
#[derive(Debug, Default)]
struct Moved {
    states: HashMap<u32, (State, i64)>,
    /// By repository, the last one at the end.
    order: HashMap<u32, Vec<u32>>,
}

impl World {
    /// A world in which every commit is in one state.
    pub fn new(size: Size, initial: State) -> Self {
        Self { size, initial, moved: Arc::default() }
    }

    /// A commit.
    pub fn commit(&self, number: u32) -> Commit {
        if number >= BASE {
            return Commit { number, state: State::Passed, moved: 0 };
        }
        let moved = self.moved().states.get(&number).copied();
        let (state, moved) = moved.unwrap_or((self.initial, 0));
        Commit { number, state, moved }
    }

    /// Moves commits to another state at a time.
    pub fn move_to(&self, numbers: std::ops::Range<u32>, state: State, at: i64) {
        let mut moved = self.moved();
        for number in numbers {
            moved.states.insert(number, (state, at));
            let order = moved.order.entry(self.repository(number)).or_default();
            order.retain(|n| *n != number);
            order.push(number);
        }
    }

    /// Commits of a repository on which something happened last: what its lists show first.
    pub fn newest(&self, repository: u32) -> Vec<Commit> {
        let moved = self.moved().order.get(&repository).cloned().unwrap_or_default();
        let moved = moved.into_iter().rev().take(LISTED).map(|n| self.commit(n));
        moved.chain(self.others(repository)).chain([self.base(repository)]).collect()
    }

    fn moved(&self) -> MutexGuard<'_, Moved> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The green commit of a repository's base branch.
    pub fn base(&self, repository: u32) -> Commit {
        self.commit(BASE + repository)
    }

    /// Commits of other pull requests of a repository: enough to tell what runs for them.
    pub fn others(&self, repository: u32) -> Vec<Commit> {
        (0..3).map(|n| self.commit(OTHERS + n * self.size.repositories + repository)).collect()
    }

    /// The repository of a commit.
    pub fn repository(&self, number: u32) -> u32 {
        let number = number.checked_sub(OTHERS).or(number.checked_sub(BASE)).unwrap_or(number);
        number % self.size.repositories.max(1)
    }

    /// The commit of a run, and the workflow.
    pub fn of_run(&self, run: u64) -> Option<(Commit, usize)> {
        let rest = run.checked_sub(10_000_000_000)?;
        let workflow = usize::try_from(rest % 10).ok().filter(|w| *w < WORKFLOWS)?;
        Some((self.commit(u32::try_from(rest / 10).ok()?), workflow))
    }

    /// Whether a commit belongs to a base branch.
    pub fn is_base(number: u32) -> bool {
        (BASE..OTHERS).contains(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_found_by_its_id_and_by_its_runs() {
        let world = World::new(Size { jobs: 20, repositories: 7 }, State::Passed);
        for number in [0, 1, 12_345, BASE, OTHERS + 2] {
            let commit = world.commit(number);
            assert_eq!(number_of(&commit.sha()), Some(number));
            assert_eq!(world.of_run(commit.run(1)), Some((commit, 1)));
        }
        assert_eq!(number_of(&"a".repeat(40)), None);
        assert_eq!((world.repository(15), world.repository(BASE + 3)), (1, 3));
    }

    #[test]
    fn a_commit_stands_as_it_was_moved() {
        let world = World::new(Size { jobs: 20, repositories: 7 }, State::Running);
        world.move_to(3..5, State::Failed, 9);
        assert_eq!(world.commit(2).state, State::Running);
        assert_eq!(world.commit(4), Commit { number: 4, state: State::Failed, moved: 9 });
        let failed =
            |w| world.commit(3).jobs(w, world.size).iter().filter(|j| j.outcome == Outcome::Failure).count();
        assert_eq!((failed(0), failed(1)), (1, 0));
        assert_eq!(world.commit(0).jobs(0, world.size).len() + world.commit(0).jobs(1, world.size).len(), 20);
    }
}
