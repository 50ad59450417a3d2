//! From GitHub to facts: one look at one commit.
//!
//! What decides is read whole, or the look ends in `Trouble`; what only explains may leave a `Gap`.
//! The list of runs is read again at the end: if it moved, the facts say that they are not confirmed.
//! A look that reads less than everything says so, and no verdict is final by it.

mod archives;
mod candidates;
mod checks;
mod evidence;
mod expectations;
mod history;
mod memory;
mod past;
mod progress;
mod runs;
mod source;
mod survey;
mod touched;
mod triggers;
mod twins;
mod workflow;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use tokio::join;

pub use candidates::{Candidate, Candidates, SetSurvey, candidates, closed, pulls};
pub use memory::Memory;
pub use survey::{SightedRun, Sightings, Survey, Swept, survey};

use crate::api::{Reason, TestRunReportSpec};
use crate::github::api::Repo;
use crate::github::{Ask, GitHub, Priority, Result, wire};
use crate::verdict::facts::{ArtifactFact, Facts, Gap, GapKind, Observations, Run, Trouble};
use crate::verdict::publish::deployment;
use crate::verdict::{names_workflow, statuses_asked, statuses_read};

/// How old what all reports of a repository share may be, as long as nothing is decided by it.
const SHARED_AGE: Duration = Duration::from_secs(600);

/// How a look is taken.
#[derive(Clone, Debug)]
pub struct Look {
    /// How new the answers must be, and how urgent they are.
    pub ask: Ask,
    pub depth: Depth,
    /// Others look at the same repository, so what they all need is read instead of what only this look does.
    pub shares: bool,
    /// Unfinished runs that events told of.
    pub told: Vec<Arc<wire::Run>>,
}

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Which runs have begun, by what events said: it is shown, and decides nothing.
    Told,
    /// Whether anything of the commit has begun, by lists that all reports of a repository share.
    Glance,
    /// How far the unfinished runs are; the rest is what the last look saw.
    Progress,
    /// Everything.
    Whole,
}

impl Look {
    /// A look at everything as it is now.
    pub fn whole() -> Self {
        Self { ask: Ask::now(Priority::Gating), depth: Depth::Whole, shares: false, told: Vec::new() }
    }
}

/// Looks at the commit that the spec names. A look of less depth goes on to everything where what it
/// sees may decide, or tells too little.
pub async fn collect(github: &GitHub, spec: &TestRunReportSpec, memory: &Memory, look: Look) -> Observations {
    let seen = async {
        let less = match look.depth {
            // A glance tells less than what is known of a commit that was looked at before.
            Depth::Glance if memory.look(&spec.source.github).is_some() => None,
            Depth::Told if memory.look(&spec.source.github).is_some() => {
                progress::told(spec, memory, &look.told)
            }
            Depth::Told | Depth::Glance => progress::glance(github, spec, memory, look.ask).await?,
            Depth::Progress => progress::progress(github, spec, memory, look.ask).await?,
            Depth::Whole => None,
        };
        match less {
            Some(facts) => Ok(facts),
            None => whole(github, spec, memory, &look).await,
        }
    };
    match seen.await {
        Ok(facts) => Observations::Facts(Box::new(facts)),
        Err(trouble) => Observations::Trouble(trouble),
    }
}

async fn whole(github: &GitHub, spec: &TestRunReportSpec, memory: &Memory, look: &Look) -> Result<Facts> {
    let (ask, shares) = (look.ask, look.shares);
    let wanted = &spec.source.github;
    let named = Repo::new(github, &wanted.repository, ask);
    let resolved = source::resolve(&named, wanted, shares).await?;
    // A renamed repository answers under its old name; from here on its own name counts.
    let repo = Repo::new(github, &resolved.source.repository, ask);
    let sha = resolved.source.sha.clone();

    let listed = repo.runs_of(&sha).await?;
    runs::are_all(&listed, &resolved.source)?;
    let answered = deployment::environments(spec);
    let with_jobs = async {
        let mut runs = runs::read(&repo, &resolved.source.repository, &listed, memory).await?;
        if !answered.is_empty() {
            runs::pending(&repo, &mut runs).await?;
        }
        twins::mark(&repo, &listed, &mut runs).await?;
        Ok(runs)
    };
    let (runs, check_runs): (Result<Vec<Run>>, _) = join!(with_jobs, repo.check_runs(&sha));
    let (mut runs, check_runs) = (runs?, check_runs?);
    let wanted_run = |r: &&Run| {
        spec.workflows.is_empty() || spec.workflows.iter().any(|w| names_workflow(w, &r.workflow, &r.path))
    };
    let at_rest = |r: &Run| r.status == "completed" || deployment::waits(answered, r);
    let deciding = runs.iter().filter(wanted_run).all(at_rest);
    let jobs = runs.iter().flat_map(|r| &r.jobs).map(|j| j.id).collect();
    let read = checks::read(check_runs, &sha, &jobs, repo.date());
    let checks::Read { mut checks, annotated, actions_app, lagging } = read;
    let mut gaps = Vec::new();
    let shared = repo.asking(if deciding { ask } else { ask.within(SHARED_AGE) });
    let statuses = async {
        let asked = statuses_asked(spec);
        if asked { checks::statuses(&repo, &sha).await.map(Some) } else { Ok(None) }
    };
    let (expected, statuses, found) = join!(
        expectations::read(&shared, &resolved, actions_app, &mut gaps, memory),
        statuses,
        artifacts(&repo, spec, &runs),
    );
    let (mut expectations, baseline_jobs) = expected?;
    match statuses? {
        Some(statuses) => checks.extend(statuses),
        None if statuses_read(spec, &expectations) => {
            checks.extend(checks::statuses(&repo, &sha).await?);
        }
        None => {}
    }
    // Where there is nothing at all it is awaited anyway.
    let some = !checks.is_empty() || !runs.is_empty();
    if some && !listed.iter().any(|r| r.head_sha == sha && triggers::of_content(&r.event)) {
        let others = triggers::others_ran(&shared, &resolved).await;
        expectations.some_run = or_gap(others, GapKind::Baseline, &mut gaps)?;
    }
    let (mut artifacts, unlisted) = found?;
    gaps.extend(unlisted);
    runs::annotate(&repo, &mut runs, &annotated, &mut gaps, memory).await?;
    evidence::read(&repo, spec, &mut runs, &mut artifacts, &baseline_jobs, &mut gaps, memory).await;

    or_gap(past::read(&shared, &resolved, &mut runs, memory).await, GapKind::Past, &mut gaps)?;

    let sightings = history::exchange(memory, &resolved.source, &runs);

    let confirmed = deciding && {
        let now = repo.asking(Ask::now(ask.priority));
        let (again, still) = join!(now.runs_of(&sha), source::still(&now, wanted, &resolved.source, shares));
        let behind = look.told.iter().any(|told| runs::is_behind(&listed, told, &sha));
        !lagging && !behind && runs::same(&listed, &again?) && still?
    };
    let read_at = repo.date().or(named.date()).unwrap_or_else(Timestamp::now);
    let facts = Facts {
        confirmed,
        partial: false,
        source: resolved.source,
        runs,
        checks,
        expectations,
        artifacts,
        sightings,
        gaps,
        read_at,
    };
    memory.keep_look(wanted, (!deciding).then(|| Arc::new(facts.clone())));
    Ok(facts)
}

/// What only explains: a missing permission or a vanished thing is a gap, everything else is trouble.
fn or_gap<T: Default>(result: Result<T>, kind: GapKind, gaps: &mut Vec<Gap>) -> Result<T> {
    match result {
        Ok(value) => Ok(value),
        Err(trouble) if lasting(&trouble) => {
            gaps.push(Gap { kind, message: trouble.message });
            Ok(T::default())
        }
        Err(trouble) => Err(trouble),
    }
}

/// Trouble that trying again does not end.
fn lasting(trouble: &Trouble) -> bool {
    matches!(trouble.reason, Reason::Forbidden | Reason::NotFound)
}

/// The artifacts of runs in which something did not succeed, or of all runs where the spec asks for them; and
/// those of which runs cannot be listed.
async fn artifacts(
    repo: &Repo<'_>,
    spec: &TestRunReportSpec,
    runs: &[Run],
) -> Result<(Vec<ArtifactFact>, Vec<Gap>)> {
    let (mut out, mut gaps) = (Vec::new(), Vec::new());
    let red = |run: &Run| {
        run.conclusion.as_deref().is_some_and(|c| c != "success")
            || run.jobs.iter().any(|j| !matches!(j.conclusion.as_deref(), None | Some("success" | "skipped")))
    };
    let wanted = runs.iter().filter(|r| spec.artifacts.is_some() || red(r));
    let lists = join_all(wanted.map(async |run| (run, repo.artifacts(run.id).await)));
    for (run, list) in lists.await {
        let list = or_gap(list, GapKind::Artifacts, &mut gaps)?;
        out.extend(list.into_iter().map(|a| ArtifactFact {
            id: a.id,
            name: a.name,
            run_id: run.id,
            size_bytes: a.size_in_bytes,
            digest: a.digest,
            created_at: a.created_at,
            expires_at: a.expires_at,
            expired: a.expired,
            url: format!("{}/artifacts/{}", run.url, a.id),
            api_url: a.archive_download_url,
            analysis: None,
        }));
    }
    Ok((out, gaps))
}
