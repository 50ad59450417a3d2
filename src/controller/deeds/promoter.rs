//! The verdict as a `CommitStatus` of GitOps Promoter, which reads the phase of the one object with a
//! key and a commit, in whatever namespace.
//!
//! Every write is fenced twice: by the version of the `CommitStatus` that was read first, and by a read
//! of the report after that, which must still have the verdict that is written. Whoever holds an older
//! verdict fails at one of the two.

use kube::api::{DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::owned::{self, MANAGED_BY, Reflected, is_ours, of_report, owner};
use super::still_says;
use crate::api::{FIELD_MANAGER, Reason, TestRunReport, TestRunReportStatus};
use crate::connections::Publish;
use crate::controller::reconcile::Shared;
use crate::verdict::publish::promoter::{Phase, Wish, wish};
use crate::verdict::publish::{Problem, Target};

/// Labels that promoter knows.
const KEY: &str = "promoter.argoproj.io/commit-status";
const ENVIRONMENT: &str = "promoter.argoproj.io/environment";
const INSTANCE: &str = "promoter.argoproj.io/instance-id";
/// Makes the `CommitStatus` what the report's status says, or takes it away where it is not asked for.
pub(super) async fn reflect(
    report: &TestRunReport,
    status: &TestRunReportStatus,
    shared: &Shared,
) -> Result<Reflected, Problem> {
    let api = api(report, shared);
    let found = get(&api, &name(report)).await?;
    if report.spec.publish.as_ref().is_none_or(|p| p.commit_status.is_none()) {
        return match found {
            Some(found) if is_ours(&found, report) => remove(&api, &found).await,
            _ => Ok(Reflected::Shown),
        };
    }
    let generation = report.metadata.generation.unwrap_or_default();
    let github = &report.spec.source.github;
    let namespace = report.namespace().unwrap_or_default();
    let connection =
        shared.config.connections.now().allowed(&github.connection, &namespace, &github.repository);
    let wish = wish(&report.spec, generation, status);
    let grant = |wish: &Wish| connection.as_ref().filter(|c| c.publish.allows_key(&wish.key));
    let Some((wish, connection)) = wish.as_ref().and_then(|w| Some((w, grant(w)?))) else {
        // No commit, or no right: what is there must not go on saying success.
        return match found {
            Some(found) => withdraw_found(&api, found, report).await,
            None => Ok(Reflected::Shown),
        };
    };
    put(report, status, wish, &connection.publish, found, shared).await
}

/// Sets a decided phase back to pending before a changed spec is looked at: the verdict was about the old one.
pub(super) async fn withdraw(report: &TestRunReport, shared: &Shared) -> Result<Reflected, Problem> {
    let api = api(report, shared);
    match get(&api, &name(report)).await? {
        Some(found) => withdraw_found(&api, found, report).await,
        None => Ok(Reflected::Shown),
    }
}

async fn withdraw_found(
    api: &Api<DynamicObject>,
    mut found: DynamicObject,
    report: &TestRunReport,
) -> Result<Reflected, Problem> {
    if !is_ours(&found, report) || said(&found, "phase") == Some(Phase::Pending.as_str()) {
        return Ok(Reflected::Shown);
    }
    let Some(spec) = found.data.get_mut("spec").and_then(Value::as_object_mut) else {
        return Ok(Reflected::Shown);
    };
    spec.insert("phase".to_owned(), json!(Phase::Pending.as_str()));
    spec.insert("description".to_owned(), json!("waiting for a verdict on the changed report"));
    replace(api, &found).await
}

async fn put(
    report: &TestRunReport,
    status: &TestRunReportStatus,
    wish: &Wish,
    grant: &Publish,
    found: Option<DynamicObject>,
    shared: &Shared,
) -> Result<Reflected, Problem> {
    let api = api(report, shared);
    let before = found.clone();
    let mut object = match found {
        Some(found) if is_ours(&found, report) => found,
        Some(found) => {
            return Err(Problem {
                reason: Reason::NameTaken,
                message: format!(
                    "the CommitStatus {} exists and is not this report's; delete it, or rename the report",
                    found.name_any()
                ),
                passes: false,
            });
        }
        None => DynamicObject::new(&name(report), &resource()),
    };
    dress(&mut object, report, wish, grant);
    let due = before.as_ref() != Some(&object);
    let known = shared.memory.deeds(report, |done| done.is_bad(Target::Promoter));
    if !due && !known {
        return Ok(Reflected::Shown);
    }
    let rival = rival(&object, wish, shared).await?;
    if let Some(rival) = rival.as_ref().filter(|r| r.ours_goes) {
        if let Some(before) = before {
            remove(&api, &before).await?;
        }
        return Err(rival.problem.clone());
    }
    if !due {
        return rival.map_or(Ok(Reflected::Shown), |rival| Err(rival.problem));
    }
    if !still_says(report, status, shared).await? {
        return Ok(Reflected::Overtaken);
    }
    let done = match before {
        Some(_) => replace(&api, &object).await?,
        None => create(&api, &object).await?,
    };
    if done == Reflected::Shown {
        tracing::info!(
            sha = wish.sha,
            phase = wish.phase.as_str(),
            "published the verdict as a CommitStatus"
        );
    }
    match rival {
        Some(rival) => Err(rival.problem),
        None => Ok(done),
    }
}

/// Puts on the object what the wish says, and leaves what others put on it.
fn dress(object: &mut DynamicObject, report: &TestRunReport, wish: &Wish, grant: &Publish) {
    let labels = object.labels_mut();
    labels.insert(KEY.to_owned(), wish.key.clone());
    labels.insert(MANAGED_BY.to_owned(), FIELD_MANAGER.to_owned());
    for (label, value) in [(ENVIRONMENT, &wish.environment), (INSTANCE, &grant.promoter_instance)] {
        match value {
            Some(value) => drop(labels.insert(label.to_owned(), value.clone())),
            None => drop(labels.remove(label)),
        }
    }
    object.metadata.owner_references = Some(vec![owner(report)]);
    let spec = json!({
        "gitRepositoryRef": {"name": wish.git_repository},
        "sha": wish.sha,
        "name": wish.key,
        "description": wish.description,
        "phase": wish.phase.as_str(),
        "url": wish.url,
    });
    match object.data.as_object_mut() {
        Some(data) => drop(data.insert("spec".to_owned(), spec)),
        None => object.data = json!({ "spec": spec }),
    }
}

/// Another object with the key and the commit: promoter then waits for ever.
struct Rival {
    problem: Problem,
    /// The other one was first and is a report's: ours must not be there.
    ours_goes: bool,
}

async fn rival(object: &DynamicObject, wish: &Wish, shared: &Shared) -> Result<Option<Rival>, Problem> {
    let resource = resource();
    let all = match &shared.config.namespace {
        Some(namespace) => Api::namespaced_with(shared.client.clone(), namespace, &resource),
        None => Api::all_with(shared.client.clone(), &resource),
    };
    let same_key = ListParams::default().labels(&format!("{KEY}={}", wish.key));
    let list: Vec<DynamicObject> = all.list(&same_key).await.map_err(|e| refused(&e))?.items;
    let place = |o: &DynamicObject| (o.namespace().unwrap_or_default(), o.name_any());
    let same = |o: &&DynamicObject| said(o, "sha") == Some(&wish.sha) && place(o) != place(object);
    let mut others = list.iter().filter(same);
    let instance = |o: &DynamicObject| o.labels().get(INSTANCE).cloned();
    let Some(other) = others.find(|o| instance(o) == instance(object)) else { return Ok(None) };
    let of_report = other.owner_references().iter().any(of_report);
    // One that is not there yet is younger than any other.
    let age = |o: &DynamicObject| (o.creation_timestamp().is_none(), o.creation_timestamp(), o.uid());
    let ours_goes = of_report && age(other) < age(object);
    if of_report && !ours_goes {
        // The other one goes, at the next look at its report.
        return Ok(None);
    }
    let whose = if of_report { "another report publishes it" } else { "it was not made by this operator" };
    let problem = Problem {
        reason: Reason::NameTaken,
        message: format!(
            "the CommitStatus {}/{} has the key {} and the commit {} too ({whose}); promoter wants exactly one",
            place(other).0,
            place(other).1,
            wish.key,
            wish.sha
        ),
        passes: false,
    };
    Ok(Some(Rival { problem, ours_goes }))
}

fn name(report: &TestRunReport) -> String {
    owned::name("testrun", report)
}

/// A text of the spec.
fn said<'o>(object: &'o DynamicObject, name: &str) -> Option<&'o str> {
    object.data.get("spec")?.get(name)?.as_str()
}

fn resource() -> ApiResource {
    let kind = GroupVersionKind::gvk("promoter.argoproj.io", "v1alpha1", "CommitStatus");
    ApiResource::from_gvk_with_plural(&kind, "commitstatuses")
}

fn api(report: &TestRunReport, shared: &Shared) -> Api<DynamicObject> {
    let namespace = report.namespace().unwrap_or_default();
    Api::namespaced_with(shared.client.clone(), &namespace, &resource())
}

async fn get(api: &Api<DynamicObject>, name: &str) -> Result<Option<DynamicObject>, Problem> {
    match api.get(name).await {
        Ok(found) => Ok(Some(found)),
        // A kind that is not served is answered in plain text, without a reason.
        Err(kube::Error::Api(status)) if status.code == 404 && status.reason == "NotFound" => Ok(None),
        Err(error) => Err(refused(&error)),
    }
}

async fn create(api: &Api<DynamicObject>, object: &DynamicObject) -> Result<Reflected, Problem> {
    owned::overtaken(api.create(&owned::parameters(), object).await).map_err(|e| refused(&e))
}

async fn replace(api: &Api<DynamicObject>, object: &DynamicObject) -> Result<Reflected, Problem> {
    let done = api.replace(&object.name_any(), &owned::parameters(), object).await;
    owned::overtaken(done).map_err(|e| refused(&e))
}

async fn remove(api: &Api<DynamicObject>, object: &DynamicObject) -> Result<Reflected, Problem> {
    let done = api.delete(&object.name_any(), &owned::only_this(object)).await;
    owned::overtaken(done).map_err(|e| refused(&e))
}

/// What a refusal of the API server means, for people.
fn refused(error: &kube::Error) -> Problem {
    let text = |t: &str| crate::verdict::text::clean(t, 512);
    let (reason, message) = match error {
        kube::Error::Api(status) if status.code == 404 && status.reason != "NotFound" => (
            Reason::KindNotServed,
            "the API server does not serve commitstatuses.promoter.argoproj.io/v1alpha1; install GitOps Promoter, \
             or leave spec.publish.commitStatus out"
                .to_owned(),
        ),
        kube::Error::Api(status) if status.is_forbidden() => (
            Reason::PublishRefused,
            format!(
                "{}; allow the operator's account to get, list, create, update and delete commitstatuses \
                 (promoter.enabled of the chart)",
                text(&status.message)
            ),
        ),
        kube::Error::Api(status) => (Reason::PublishRefused, text(&status.message)),
        other => (Reason::PublishRefused, format!("the API server cannot be reached: {}", text(&other.to_string()))),
    };
    Problem { reason, message, passes: owned::passes(error) }
}
