//! Effective jobs: of all runs and attempts of a commit, the ones that count.
//!
//! GitHub's own `filter=latest` and the order of its lists are not relied on. Within a group of runs
//! (one workflow, one event, one branch or tag) the newest job of a name counts; one that did not end
//! well is never hidden by a twin that did not run, nor by one that may be of another pull request.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::facts::{Facts, Job, Run};
use super::publish::deployment;
use super::state::State;
use super::text;

/// One job that counts, or a run that stands for itself because its jobs do not tell.
#[derive(Clone, Debug)]
pub(super) struct Effective<'a> {
    pub run: &'a Run,
    pub job: Option<&'a Job>,
    pub name: &'a str,
    pub state: State,
    pub detail: Option<String>,
    pub note: Option<String>,
    /// An older attempt or run of this job failed on this commit, and this one succeeded.
    pub recovered: bool,
    /// Jobs of the same name in older attempts, for comparison.
    pub older: Vec<&'a Job>,
    /// The run disagrees with its jobs.
    pub disagrees: bool,
}

/// What the runs of the commit come to.
#[derive(Default)]
pub(super) struct Effectives<'a> {
    pub jobs: Vec<Effective<'a>>,
    /// Runs that do not count, with the reason.
    pub set_aside: BTreeMap<i64, String>,
    /// Runs of this commit in a stable order, those set aside included.
    pub runs: Vec<&'a Run>,
    pub notes: Vec<String>,
}

/// Selects the effective jobs of all runs that belong to the commit. A run that only waits until these environments
/// are answered for does not go on by itself.
pub(super) fn effective<'a>(facts: &'a Facts, environments: &[String]) -> Effectives<'a> {
    let mut out = Effectives::default();
    let mut foreign = 0;
    let mut seen = BTreeSet::new();
    for run in &facts.runs {
        let ours =
            run.head_sha == facts.source.sha && run.repository.eq_ignore_ascii_case(&facts.source.repository);
        if !ours {
            foreign += 1;
        } else if seen.insert((run.id, run.attempt)) {
            out.runs.push(run);
        }
    }
    if foreign > 0 {
        out.notes.push(format!(
            "{} of another commit or repository left out",
            text::count(foreign, "workflow run")
        ));
    }
    // The same run listed twice while it was re-run: the higher attempt is the newer read.
    out.runs.sort_by_key(|r| (created(r), r.id, r.attempt));
    let newest: BTreeMap<i64, i64> = out.runs.iter().map(|r| (r.id, r.attempt)).collect();
    out.runs.retain(|r| newest.get(&r.id) == Some(&r.attempt));

    let mut groups: BTreeMap<_, Vec<&Run>> = BTreeMap::new();
    for run in &out.runs {
        // A tag, another branch, or a branch of another fork at the same commit runs other things than the branch.
        let tip = (run.head_repository_id, run.head_branch.as_deref());
        let key = (run.workflow_id, run.path.as_str(), run.event.as_str(), tip);
        groups.entry(key).or_default().push(run);
    }
    for runs in groups.values() {
        group(runs, environments, &mut out);
    }
    out.jobs.sort_by(|a, b| {
        let key = |e: &Effective<'_>| (e.job.map(|j| j.attempt), e.job.map(|j| j.id));
        (&a.run.workflow, a.name, &a.run.event, a.run.id)
            .cmp(&(&b.run.workflow, b.name, &b.run.event, b.run.id))
            .then(key(a).cmp(&key(b)))
    });
    out
}

/// Runs of one workflow, event and branch, oldest first.
fn group<'a>(runs: &[&'a Run], environments: &[String], out: &mut Effectives<'a>) {
    let unsure = runs.iter().find_map(|r| r.apart.as_deref());
    let apart = unsure.is_some() || runs.iter().any(|r| !repeats(&r.event));
    // Inputs may have left most of the work out, so that not even a cancelled one is made up for.
    let alone = unsure.is_some() || runs.iter().any(|r| is_dispatched(&r.event));
    let mut superseded: Vec<(&Run, &[&Run])> = Vec::new();
    let mut counting = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        let newer = runs.get(i + 1..).unwrap_or_default();
        if State::of_run(run) == State::Cancelled && !newer.is_empty() && !alone {
            let by = newer.last().map_or(0, |r| r.id);
            out.set_aside.insert(run.id, format!("cancelled and superseded by run {by}"));
            superseded.push((*run, newer));
        } else {
            counting.push(*run);
        }
    }
    let running = counting.iter().any(|r| r.status != "completed" && !deployment::waits(environments, r));
    let mut names: BTreeMap<&'a str, Vec<Candidate<'a>>> = BTreeMap::new();
    for (run, newer) in superseded {
        for candidate in latest(run, &mut out.notes) {
            // Of a superseded run is remembered what failed before the cancellation, and what no newer run has
            // taken up: one that skipped it has not.
            let takes =
                |j: &Job| (apart || !idle(State::of_job(j))) && takes_up(&candidate.job.name, &j.name);
            let taken_up = || newer.iter().flat_map(|r| &r.jobs).any(takes);
            match candidate.state {
                State::Failed => {}
                State::Succeeded => continue,
                _ if taken_up() => continue,
                _ => {}
            }
            names.entry(candidate.job.name.as_str()).or_default().push(candidate);
        }
    }
    for run in &counting {
        for candidate in latest(run, &mut out.notes) {
            names.entry(candidate.job.name.as_str()).or_default().push(candidate);
        }
    }
    if let Some(why) = unsure {
        out.notes.push(format!(
            "runs of {} for one branch all count, and only running one again replaces what it said: {}",
            text::clean(runs.first().map_or("", |r| &r.workflow), 80),
            text::clean(why, 200)
        ));
    }
    let newest_run = counting.last().map(|r| r.id);
    let mut states: BTreeMap<i64, Vec<State>> = BTreeMap::new();
    for (name, candidates) in names {
        let chosen = if apart { worst(candidates) } else { choose(candidates, newest_run, running) };
        for c in chosen {
            states.entry(c.run.id).or_default().push(c.state);
            out.jobs.push(Effective {
                run: c.run,
                job: Some(c.job),
                name,
                state: c.state,
                detail: State::detail(&c.job.status, c.job.conclusion.as_deref()),
                note: c.note,
                recovered: c.recovered,
                older: c.older,
                disagrees: false,
            });
        }
    }
    for run in counting {
        let end = State::of_run(run);
        let explained = states.get(&run.id).is_some_and(|all| all.iter().any(|s| explains(end, *s)));
        // Of one that had nothing to do no job is left where another had.
        let newest = newest_run == Some(run.id);
        let nothing = !newest && idle(end) && run.jobs.iter().all(|j| idle(State::of_job(j)));
        stand_in(run, explained || nothing, newest || apart, out);
    }
}

/// Whether a later run for this event is the same once more. For all others it is about whatever started it: another
/// workflow, a deployment, a comment, or what somebody gave as inputs, which GitHub does not tell.
pub(super) fn repeats(event: &str) -> bool {
    matches!(event, "push" | "pull_request" | "pull_request_target" | "merge_group" | "schedule" | "dynamic")
}

/// Whether runs for this event have inputs.
fn is_dispatched(event: &str) -> bool {
    matches!(event, "workflow_dispatch" | "repository_dispatch")
}

/// Whether a job in this state did not run, and was not meant to.
const fn idle(state: State) -> bool {
    matches!(state, State::Skipped | State::Neutral)
}

/// Whether a job in this state may be why its run ended like that.
const fn explains(run: State, job: State) -> bool {
    match job {
        State::Succeeded => false,
        State::Skipped | State::Neutral => matches!(run, State::Skipped | State::Neutral),
        _ => true,
    }
}

/// Whether the job of a newer run is the one that was cancelled, which may not have had its full name yet: a
/// matrix gives its values to it, and a called workflow the names of its jobs.
fn takes_up(cancelled: &str, newer: &str) -> bool {
    let named = cancelled.split("${{").next().unwrap_or(cancelled);
    match newer.strip_prefix(named) {
        Some("") => true,
        Some(rest) => named != cancelled || rest.starts_with(" (") || rest.starts_with(" / "),
        None => false,
    }
}

/// A job that may count.
#[derive(Clone)]
struct Candidate<'a> {
    run: &'a Run,
    job: &'a Job,
    state: State,
    note: Option<String>,
    recovered: bool,
    older: Vec<&'a Job>,
}

/// Of each job name of a run the highest attempt; all jobs that share a name within it.
fn latest<'a>(run: &'a Run, notes: &mut Vec<String>) -> Vec<Candidate<'a>> {
    let mut by_name: BTreeMap<&str, Vec<&'a Job>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for job in &run.jobs {
        if ids.insert((job.id, job.attempt)) {
            by_name.entry(job.name.as_str()).or_default().push(job);
        }
    }
    let mut out = Vec::with_capacity(by_name.len());
    for (name, mut jobs) in by_name {
        jobs.sort_by_key(|j| (j.attempt, j.id));
        let last = jobs.last().map_or(0, |j| j.attempt);
        let (newest, older): (Vec<&Job>, Vec<&Job>) = jobs.iter().partition(|j| j.attempt == last);
        let failed_before = older.iter().any(|j| State::of_job(j) == State::Failed);
        for job in &newest {
            let state = State::of_job(job);
            // The same twin rule as between runs: what did not run proves nothing about what failed.
            let hidden = matches!(state, State::Skipped | State::Neutral)
                .then(|| undone(older.iter().copied(), State::of_job))
                .flatten();
            let (job, state, note) = match hidden {
                Some((red, state, verb)) => {
                    let note = format!("{verb} in attempt {}; attempt {last} did not run it", red.attempt);
                    (red, state, Some(note))
                }
                None => (*job, state, None),
            };
            out.push(Candidate {
                run,
                job,
                state,
                note,
                recovered: failed_before && state == State::Succeeded,
                older: older.iter().copied().filter(|j| j.id != job.id).collect(),
            });
        }
        // Several jobs of one name, of which a later attempt re-ran fewer: nothing tells which, so
        // the worst of the old ones still count.
        let mut attempts: BTreeMap<i64, Vec<&Job>> = BTreeMap::new();
        for job in &older {
            attempts.entry(job.attempt).or_default().push(job);
        }
        let most = attempts.values().map(Vec::len).max().unwrap_or(0);
        if most > newest.len() {
            let mut rest = older.clone();
            rest.sort_by_key(|j| (State::of_job(j), std::cmp::Reverse(j.attempt), j.id));
            for job in rest.into_iter().take(most - newest.len()) {
                out.push(Candidate {
                    run,
                    job,
                    state: State::of_job(job),
                    note: Some(
                        "several jobs share this name; which of them was re-run cannot be told".to_owned(),
                    ),
                    recovered: false,
                    older: Vec::new(),
                });
            }
            notes.push(format!(
                "{} jobs of run {} share the name {}; give each its own name",
                most,
                run.id,
                text::clean(name, 80)
            ));
        }
    }
    out
}

/// Of the jobs of one name over the runs of a group, those that count.
fn choose<'a>(mut all: Vec<Candidate<'a>>, newest_run: Option<i64>, running: bool) -> Vec<Candidate<'a>> {
    all.sort_by_key(|c| (began(c.job), c.run.id, c.job.attempt, c.job.id));
    let Some(run) = all.last().map(|c| c.run.id) else { return Vec::new() };
    let (mut newest, older): (Vec<_>, Vec<_>) = all.into_iter().partition(|c| c.run.id == run);
    let open =
        |c: &Candidate<'_>| matches!(c.state, State::Succeeded | State::Running | State::ActionRequired);
    if Some(run) != newest_run && running && !newest.iter().any(open) {
        // The newest run has not reached this job yet; what an older one said is not the last word.
        return Vec::new();
    }
    if let Some((red, state, verb)) = undone(older.iter(), |c| c.state) {
        if newest.iter().all(|c| idle(c.state) || c.state == State::Cancelled) {
            let mut red = red.clone();
            let run_of = red.run.id;
            red.note = Some(format!("{verb} in run {run_of}; run {run} of the same workflow did not run it"));
            return vec![red];
        }
        for c in &mut newest {
            c.recovered |= c.state == State::Succeeded && state == State::Failed;
        }
    }
    newest
}

/// The same where no run replaces another: what did not end well in any of them counts.
fn worst(mut all: Vec<Candidate<'_>>) -> Vec<Candidate<'_>> {
    if !all.iter().all(|c| idle(c.state)) {
        all.retain(|c| !idle(c.state));
    }
    all
}

/// Of older jobs, oldest first, the last one that a twin that did not run must not hide: one that failed, or
/// else one that never came to a result.
fn undone<T: Copy>(
    older: impl DoubleEndedIterator<Item = T> + Clone,
    state: impl Fn(T) -> State,
) -> Option<(T, State, &'static str)> {
    let last = |wanted: State| older.clone().rev().find(|j| state(*j) == wanted);
    [
        (State::Failed, "failed"),
        (State::Cancelled, "cancelled"),
        (State::Unknown, "in a state that is not known"),
    ]
    .into_iter()
    .find_map(|(wanted, verb)| Some((last(wanted)?, wanted, verb)))
}

/// A run whose jobs do not account for its result stands for itself, if it is the `last` one that says something of it.
fn stand_in<'a>(run: &'a Run, explained: bool, last: bool, out: &mut Effectives<'a>) {
    let state = State::of_run(run);
    let listed = i64::try_from(run.jobs.len()).unwrap_or(i64::MAX);
    let mut push = |state: State, note: String, disagrees: bool| {
        out.jobs.push(Effective {
            run,
            job: None,
            name: run.workflow.as_str(),
            state,
            detail: State::detail(&run.status, run.conclusion.as_deref()),
            note: Some(note),
            recovered: false,
            older: Vec::new(),
            disagrees,
        });
    };
    if run.jobs_total > listed {
        push(
            State::Unknown,
            format!("GitHub lists {listed} of {} jobs of run {}", run.jobs_total, run.id),
            false,
        );
    } else if run.jobs.is_empty() {
        match state {
            State::Running => push(state, format!("run {} has no jobs yet", run.id), false),
            State::Succeeded => push(State::Missing, format!("run {} ended without any job", run.id), false),
            State::Failed => {
                push(
                    state,
                    format!("run {} ended without any job: the workflow file could not start", run.id),
                    false,
                );
            }
            State::ActionRequired => push(state, format!("run {} waits for approval", run.id), false),
            other => push(other, format!("run {} has no jobs", run.id), false),
        }
    } else if state == State::Unknown {
        push(state, format!("run {} is in a state that is not known", run.id), false);
    } else if state == State::ActionRequired && !explained {
        push(state, format!("run {} waits for approval", run.id), false);
    } else if last && !explained && !matches!(state, State::Succeeded | State::Running) {
        push(State::Failed, format!("run {} is not green, and no job that counts says why", run.id), true);
    } else if run.status == "completed" && run.jobs.iter().all(|j| j.attempt < run.attempt) {
        // The list of jobs lags behind: what an older attempt said is not what this one says.
        let note = format!("GitHub lists no job of attempt {} of run {}", run.attempt, run.id);
        push(State::Unknown, note, false);
    }
}

/// When a run was made; unknown counts as newest, which is the careful side.
fn created(run: &Run) -> Timestamp {
    run.created_at.unwrap_or(Timestamp::MAX)
}

fn began(job: &Job) -> Timestamp {
    job.started_at.unwrap_or(Timestamp::MAX)
}
