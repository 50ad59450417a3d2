//! Check runs of other apps and commit statuses.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::github::api::Repo;
use crate::github::{Result, wire};
use crate::verdict::facts::{ACTIONS_APP_ID, Check, CheckKind};

/// What the checks of a commit come to.
pub(super) struct Read {
    pub checks: Vec<Check>,
    /// Check runs, those of jobs included, that have annotations.
    pub annotated: BTreeSet<i64>,
    /// Id of GitHub Actions on this server, where one of its check runs tells.
    pub actions_app: Option<i64>,
    /// A job has just begun or ended whose run GitHub does not list yet.
    pub lagging: bool,
}

/// How long the list of runs may lag behind the check runs of their jobs.
const LAG: SignedDuration = SignedDuration::from_mins(10);

/// Tells check runs of all apps apart, as listed for the commit. `jobs` are the ids of all its jobs, `now` is GitHub's
/// time.
pub(super) fn read(
    listed: Vec<wire::CheckRun>,
    sha: &str,
    jobs: &BTreeSet<i64>,
    now: Option<Timestamp>,
) -> Read {
    let mut actions_app = None;
    let mut out = Vec::new();
    let mut annotated = BTreeSet::new();
    let mut lagging = false;
    for run in listed {
        if run.output.annotations_count > 0 {
            annotated.insert(run.id);
        }
        let app = run.app.unwrap_or_default();
        // Jobs are read as jobs. On a GitHub Enterprise Server the app has another id, and its id may be
        // that of another app.
        if app.slug.as_deref().map_or(app.id == Some(ACTIONS_APP_ID), |slug| slug == "github-actions") {
            actions_app = actions_app.or(app.id);
            // What a workflow made with its token, such as the results of a test reporter, is no job.
            if jobs.contains(&run.id) {
                continue;
            }
            // The page of a job is that of its run; whatever else a workflow makes has another one.
            let job =
                run.details_url.as_deref().is_some_and(|url| url.ends_with(&format!("/job/{}", run.id)));
            let changed = run.completed_at.or(run.started_at);
            let recent = |(now, at): (Timestamp, Timestamp)| now.duration_since(at) < LAG;
            if job && now.zip(changed).is_none_or(recent) {
                lagging = true;
                continue;
            }
        }
        out.push(Check {
            id: run.id,
            kind: CheckKind::CheckRun,
            name: run.name,
            app: app.slug,
            app_id: app.id,
            // What does not say which commit it is of is of the one that was asked for.
            head_sha: if run.head_sha.is_empty() { sha.to_owned() } else { run.head_sha },
            status: run.status,
            conclusion: run.conclusion,
            url: run.html_url.or_else(|| run.details_url.clone()),
            details_url: run.details_url,
            external_id: run.external_id,
            at: run.started_at,
            completed_at: run.completed_at,
        });
    }
    Read { checks: out, annotated, actions_app, lagging }
}

/// Reads commit statuses.
pub(super) async fn statuses(repo: &Repo<'_>, sha: &str) -> Result<Vec<Check>> {
    let of_status = |status: wire::Status| {
        let pending = status.state == "pending";
        Check {
            id: status.id,
            kind: CheckKind::Status,
            name: status.context,
            app: status.creator.and_then(|c| c.login),
            app_id: None,
            head_sha: sha.to_owned(),
            status: if pending { "in_progress".to_owned() } else { "completed".to_owned() },
            conclusion: (!pending).then_some(status.state),
            url: status.target_url,
            details_url: None,
            external_id: None,
            at: status.updated_at.or(status.created_at),
            completed_at: (!pending).then_some(status.updated_at).flatten(),
        }
    };
    Ok(repo.statuses(sha).await?.into_iter().map(of_status).collect())
}
