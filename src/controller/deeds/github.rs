//! What is published on GitHub: a commit status, a check run, a comment.
//!
//! Status and check run are written when GitHub shows something else than what should be there; a comment when it
//! differs from the one that was written last, or was never looked for by this process. Before anything is made,
//! GitHub is asked whether it is there already: whoever crashed between a write and its record wrote it once.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use super::outcome::refused;
use super::{Deed, Done, came_to, passes};
use crate::api::conditions::{ConditionStatus, ConditionType};
use crate::api::{TestRunReport, TestRunReportStatus};
use crate::cli::render;
use crate::connections::Held;
use crate::controller::Access;
use crate::controller::reconcile::Shared;
use crate::github::api::Repo;
use crate::leader::Work;
use crate::verdict::facts::{Observations, Trouble};
use crate::verdict::publish::check_run::{self, Annotation, CheckRun, OURS};
use crate::verdict::publish::comment::{self, Comment};
use crate::verdict::publish::{self, Target, status};

/// GitHub's lists may lag behind by this much; nothing is written twice within it.
const LAG: Duration = Duration::from_secs(60);
/// A comment that is not allowed, as in a locked conversation, is tried again after this time or when it would say
/// something else.
const DENIED: Duration = Duration::from_secs(3600);
/// Annotations that GitHub takes in one request.
const AT_ONCE: usize = 50;

/// Publishes what the spec asks for and GitHub does not show.
pub(super) async fn publish(
    report: &TestRunReport,
    observations: &Observations,
    status: &TestRunReportStatus,
    access: &Access,
    shared: &Shared,
    work: &Work,
) {
    // Without facts nothing is known of what GitHub shows.
    let Observations::Facts(facts) = observations else { return };
    if facts.partial {
        return;
    }
    let asked = publish::asked(&report.spec);
    let app = match &access.held {
        Held::App(key) => Some(key.app_id),
        _ => None,
    };
    if asked.contains(&Target::Status) {
        let state = verdict(report, status, shared, |s| publish::names(&s.spec).first().map(|n| n.1));
        match status::due(&report.spec, observations, status, state) {
            None => came_to(report, Target::Status, Ok(()), shared).await,
            Some(due) => {
                // A list that lags behind shows what it showed then; what is newer is somebody else's.
                let shown = status::newest(facts, &due.context).map(|c| c.id);
                let fresh = |d: &Done| {
                    let known =
                        |(s, id, at): &(_, _, Instant)| *s == due && *id == shown && at.elapsed() < LAG;
                    d.published.as_ref().is_some_and(known)
                };
                let keep = |d: &mut Done| d.published = Some((due.clone(), shown, Instant::now()));
                act(report, Target::Status, Deed::Status(due.clone()), access, shared, fresh, keep).await;
            }
        }
    }
    let text = || render::markdown(&with(report, status));
    // Each of them may take GitHub long, and GitHub has no condition on it: who has lost its share meanwhile would put an
    // old verdict over that of its successor.
    if asked.contains(&Target::CheckRun) && work.may_write() {
        let state = verdict(report, status, shared, |s| {
            Some(s.spec.publish.as_ref()?.check_run.as_ref()?.name.as_str())
        });
        match check_run::due(report, observations, status, state, text) {
            None => came_to(report, Target::CheckRun, Ok(()), shared).await,
            Some(due) => {
                let id = due.external_id.clone();
                let fresh = |d: &Done| d.shown.as_ref().is_some_and(|(s, at)| *s == id && at.elapsed() < LAG);
                let keep = |d: &mut Done| d.shown = Some((id.clone(), Instant::now()));
                let deed = Deed::CheckRun { run: Box::new(due), app };
                act(report, Target::CheckRun, deed, access, shared, fresh, keep).await;
            }
        }
    }
    if asked.contains(&Target::Comment)
        && work.may_write()
        && let Some(wish) = comment::wish(report, status, text)
    {
        let fresh = |d: &Done| d.commented.as_ref() == Some(&wish);
        let keep = |d: &mut Done| d.commented = Some(wish.clone());
        let deed = Deed::Comment { comment: Box::new(wish.clone()), app };
        let denied =
            |d: &Done| d.denied.as_ref().is_some_and(|(known, at)| *known == wish && at.elapsed() < DENIED);
        if !shared.memory.deeds(report, |d| denied(d))
            && act(report, Target::Comment, deed, access, shared, fresh, keep).await
        {
            shared.memory.deeds(report, |d| d.denied = Some((wish.clone(), Instant::now())));
        }
    }
}

/// Does it, unless it was just done, and remembers what came of it. True where GitHub does not allow it.
async fn act(
    report: &TestRunReport,
    target: Target,
    deed: Deed,
    access: &Access,
    shared: &Shared,
    fresh: impl FnOnce(&Done) -> bool,
    keep: impl FnOnce(&mut Done),
) -> bool {
    if shared.memory.deeds(report, |d| fresh(d)) {
        came_to(report, target, Ok(()), shared).await;
        return false;
    }
    match shared.observer.act(report, access.clone(), &deed).await {
        Ok(()) => {
            tracing::info!("published the verdict as a {}", target.as_str());
            shared.memory.deeds(report, |d| keep(d));
            came_to(report, target, Ok(()), shared).await;
            false
        }
        Err(trouble) => {
            let denied = !passes(trouble.reason);
            refused(report, target, trouble, shared).await;
            denied
        }
    }
}

/// The verdict under a name: of all reports about this commit that publish under it the worst. Whoever writes a
/// second report cannot talk over the first, and two that differ do not take turns.
pub(super) fn verdict<'r>(
    report: &'r TestRunReport,
    status: &TestRunReportStatus,
    shared: &Shared,
    name: impl for<'a> Fn(&'a TestRunReport) -> Option<&'a str>,
) -> ConditionStatus {
    let own = passed(status);
    if own != ConditionStatus::True {
        return own;
    }
    let words = rivals(report, status, shared, name).into_iter().map(|rival| match rival {
        Some(TestRunReport { status: Some(s), metadata, .. })
            if Some(s.observed_generation) == metadata.generation =>
        {
            passed(&s)
        }
        _ => ConditionStatus::Unknown,
    });
    words.fold(own, |worst, word| match (worst, word) {
        (ConditionStatus::False, _) | (_, ConditionStatus::False) => ConditionStatus::False,
        (ConditionStatus::True, ConditionStatus::True) => ConditionStatus::True,
        _ => ConditionStatus::Unknown,
    })
}

/// The other reports about this commit that publish under the same name; none for one that cannot be read.
pub(super) fn rivals<'r>(
    report: &'r TestRunReport,
    status: &TestRunReportStatus,
    shared: &Shared,
    name: impl for<'a> Fn(&'a TestRunReport) -> Option<&'a str>,
) -> Vec<Option<TestRunReport>> {
    let (Some(source), Some(ours)) = (&status.source, name(report)) else { return Vec::new() };
    let base = |r: &TestRunReport| {
        let github = &r.spec.source.github;
        let namespace = r.metadata.namespace.as_deref().unwrap_or_default();
        shared.config.connections.now().allowed(&github.connection, namespace, &github.repository)
    };
    let here = base(report);
    let is_rival = |r: &TestRunReport| {
        let found = r.status.as_ref().and_then(|s| s.source.as_ref());
        let about = match found.filter(|s| !s.sha.is_empty()) {
            Some(s) => s.sha == source.sha && s.repository.eq_ignore_ascii_case(&source.repository),
            None => r.spec.source.github.sha.as_ref() == Some(&source.sha),
        };
        about
            && r.metadata.uid != report.metadata.uid
            && r.metadata.deletion_timestamp.is_none()
            && name(r).is_some_and(|n| n.eq_ignore_ascii_case(ours))
            && base(r).zip(here.as_ref()).is_some_and(|(a, b)| a.base == b.base)
    };
    let all = shared.config.reports.publishing(&source.sha).into_iter();
    all.map(Result::ok).filter(|r| r.as_ref().is_none_or(is_rival)).collect()
}

fn passed(status: &TestRunReportStatus) -> ConditionStatus {
    let found = status.conditions.iter().find(|c| c.type_ == ConditionType::Passed.as_str());
    match found.map(|c| c.status.as_str()) {
        Some("True") => ConditionStatus::True,
        Some("False") => ConditionStatus::False,
        _ => ConditionStatus::Unknown,
    }
}

fn with(report: &TestRunReport, status: &TestRunReportStatus) -> TestRunReport {
    TestRunReport { status: Some(status.clone()), ..report.clone() }
}

/// Makes our check run on a commit what it should be.
///
/// Annotations cannot be taken back, so that one that has some is followed by a new one, which counts instead.
/// What is shown is complete with the last request only: after a crash in between, a look finds no digest of it.
pub(super) async fn show(repo: &Repo<'_>, run: &CheckRun, app: Option<u64>) -> Result<(), Trouble> {
    let all = repo.check_runs_named(&run.sha, &run.name).await?;
    let of_app = |c: &crate::github::wire::CheckRun| {
        let id = c.app.as_ref().and_then(|a| a.id).and_then(|id| u64::try_from(id).ok());
        app.is_none_or(|app| id == Some(app))
    };
    let ours = all
        .iter()
        .filter(|c| {
            c.name == run.name && c.external_id.as_ref().is_some_and(|id| id.starts_with(OURS)) && of_app(c)
        })
        .max_by_key(|c| c.id);
    let is_there = |c: &crate::github::wire::CheckRun| {
        c.external_id.as_ref() == Some(&run.external_id) && c.conclusion.as_deref() == run.conclusion
    };
    if ours.is_some_and(is_there) {
        return Ok(());
    }
    let mut parts = run.annotations.chunks(AT_ONCE);
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&[Annotation]> = parts.collect();
    let body = body(run, first, rest.is_empty());
    let id = match ours.filter(|c| c.output.annotations_count == 0) {
        Some(ours) => {
            repo.update_check_run(ours.id, &json!(body)).await?;
            ours.id
        }
        None => {
            let body = Request { head_sha: Some(&run.sha), ..body };
            repo.create_check_run(&json!(body)).await?
        }
    };
    for (n, part) in rest.iter().enumerate() {
        repo.update_check_run(id, &json!(self::body(run, part, n + 1 == rest.len()))).await?;
    }
    Ok(())
}

/// A request about a check run.
#[derive(Serialize)]
struct Request<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_sha: Option<&'a str>,
    details_url: &'a str,
    external_id: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    conclusion: Option<&'static str>,
    output: Value,
}

/// A request with some of the annotations; only the last one has the id of the whole.
fn body<'a>(run: &'a CheckRun, annotations: &[Annotation], last: bool) -> Request<'a> {
    let annotations: Vec<Value> = annotations
        .iter()
        .map(|a| {
            json!({"path": a.path, "start_line": a.line, "end_line": a.line, "annotation_level": "failure",
                "title": a.title, "message": a.message})
        })
        .collect();
    Request {
        name: &run.name,
        head_sha: None,
        details_url: &run.details_url,
        external_id: if last { run.external_id.clone() } else { format!("{OURS}unfinished") },
        status: if run.conclusion.is_some() { "completed" } else { "in_progress" },
        conclusion: run.conclusion,
        output: json!({"title": run.title, "summary": run.summary, "annotations": annotations}),
    }
}

/// Makes our comment on a pull request what it should be: the oldest of our own that begins with the mark.
pub(super) async fn comment(repo: &Repo<'_>, wish: &Comment, app: Option<u64>) -> Result<(), Trouble> {
    let user = match app {
        Some(_) => None,
        None => Some(repo.user().await?.id),
    };
    let all = repo.comments(wish.pull_request).await?;
    let is_ours = |c: &&crate::github::wire::Comment| match (app, user) {
        (Some(app), _) => {
            let by = c.performed_via_github_app.as_ref().and_then(|a| a.id);
            by.and_then(|id| u64::try_from(id).ok()) == Some(app)
        }
        (None, user) => c.user.as_ref().map(|u| u.id) == user && user.is_some_and(|id| id > 0),
    };
    let marked = |c: &&crate::github::wire::Comment| {
        c.body
            .as_ref()
            .is_some_and(|body| body.lines().next().map(str::trim_end) == Some(wish.marker.as_str()))
    };
    match all.iter().filter(is_ours).find(marked) {
        Some(found) if same(found.body.as_deref().unwrap_or_default(), &wish.body) => Ok(()),
        Some(found) => repo.update_comment(found.id, &wish.body).await,
        None if wish.create => repo.create_comment(wish.pull_request, &wish.body).await,
        None => Ok(()),
    }
}

/// GitHub may end lines in its own way.
fn same(a: &str, b: &str) -> bool {
    let lines = |text: &str| text.trim_end().lines().map(|l| l.trim_end().to_owned()).collect::<Vec<_>>();
    lines(a) == lines(b)
}
