//! The final verdict as a signed statement in a `ConfigMap` that the report owns.
//!
//! There is one as long as there is a verdict, and never one that says something else: it is replaced when the verdict
//! is another, and taken away while there is none. What a `ConfigMap` says is compared by its statement, because two
//! signatures of one statement differ. Writes are fenced as those of promoter's objects are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{Timestamp, Unit};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, ResourceExt};
use tokio::io::AsyncReadExt;

use super::owned::{self, Reflected};
use super::still_says;
use crate::api::{FIELD_MANAGER, Reason, TestRunReport, TestRunReportStatus};
use crate::attest::{self, Origin, SigningKey, Statement};
use crate::controller::reconcile::Shared;
use crate::verdict::belongs::glob;
use crate::verdict::publish::Problem;
use crate::verdict::text::clean;

/// Where the envelope is.
const DATA: &str = "attestation.dsse.json";
/// Labels for selectors.
const REPOSITORY: &str = "testrun.dev/repository";
const COMMIT: &str = "testrun.dev/commit";
const RESULT: &str = "testrun.dev/result";
/// Longest value of a label.
const LABEL: usize = 63;
/// Bytes of a key.
const MAX_KEY: u64 = 64 << 10;

/// What the administrator decides: the key, and whose verdicts are signed with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestor {
    /// Private key; read anew for each signature.
    pub key_file: PathBuf,
    /// Globs of namespaces.
    pub namespaces: Vec<String>,
}

/// Makes the `ConfigMap` what the status says.
pub(super) async fn reflect(
    report: &TestRunReport,
    status: &TestRunReportStatus,
    shared: &Shared,
) -> Result<Reflected, Problem> {
    let namespace = report.namespace().unwrap_or_default();
    let denied = |message: &str| Problem {
        reason: Reason::PublishRefused,
        message: message.to_owned(),
        passes: false,
    };
    let Some(attestor) = &shared.config.attestor else {
        return Err(denied(
            "the operator has no key to sign with; its administrator sets attestation.keyFile",
        ));
    };
    let api = api(report, shared);
    let found = get(&api, report).await?;
    if !attestor.namespaces.iter().any(|g| glob(g, &namespace)) {
        take_away(&api, report, found).await?;
        return Err(denied("verdicts of this namespace are not signed; ask the operator's administrator"));
    }
    let whole = TestRunReport { status: Some(status.clone()), ..report.clone() };
    let now = Timestamp::now().round(Unit::Second).unwrap_or_default();
    // Without a verdict there is nothing to attest, and an older one must not be taken for this one's.
    let Ok(statement) = attest::statement(&whole, Origin::Cluster, &[], now) else {
        return take_away(&api, report, found).await;
    };
    if found.as_ref().is_some_and(|f| !owned::is_ours(f, report)) {
        return Err(Problem {
            reason: Reason::NameTaken,
            message: format!(
                "the ConfigMap {} exists and is not this report's; delete it, or rename the report",
                name(report)
            ),
            passes: false,
        });
    }
    let key = key(attestor).await?;
    let mut object = found.clone().unwrap_or_default();
    dress(&mut object, report, &statement);
    if found.as_ref() == Some(&object) && says(&object, &statement, &key) {
        return Ok(Reflected::Shown);
    }
    let failed = |e: attest::Distrust| denied(&format!("the verdict cannot be signed: {e}"));
    let envelope = statement.bytes().and_then(|bytes| attest::sign(&key, &bytes)).map_err(failed)?;
    let text = serde_json::to_string(&envelope)
        .map_err(|e| denied(&format!("the envelope cannot be written: {e}")))?;
    if !says(&object, &statement, &key) {
        object.data = Some(BTreeMap::from([(DATA.to_owned(), text)]));
    }
    if !still_says(report, status, shared).await? {
        return Ok(Reflected::Overtaken);
    }
    let done = match found {
        Some(_) => owned::overtaken(api.replace(&name(report), &owned::parameters(), &object).await),
        None => owned::overtaken(api.create(&owned::parameters(), &object).await),
    };
    let done = done.map_err(|e| refused(&e))?;
    if done == Reflected::Shown {
        tracing::info!(result = statement.predicate.result, "signed the verdict into a ConfigMap");
    }
    Ok(done)
}

/// Takes away what is there for a verdict on an older spec, or is not asked for any more.
pub(super) async fn withdraw(report: &TestRunReport, shared: &Shared) -> Result<Reflected, Problem> {
    let api = api(report, shared);
    let found = get(&api, report).await?;
    take_away(&api, report, found).await
}

async fn take_away(
    api: &Api<ConfigMap>,
    report: &TestRunReport,
    found: Option<ConfigMap>,
) -> Result<Reflected, Problem> {
    match found.filter(|f| owned::is_ours(f, report)) {
        Some(ours) => {
            let only_this = owned::only_this(&ours);
            owned::overtaken(api.delete(&name(report), &only_this).await).map_err(|e| refused(&e))
        }
        None => Ok(Reflected::Shown),
    }
}

/// Puts on the object what tells whose it is; what others put on it stays.
fn dress(object: &mut ConfigMap, report: &TestRunReport, statement: &Statement) {
    let commit =
        statement.subject.iter().find_map(|s| s.digest.get("gitCommit")).cloned().unwrap_or_default();
    object.metadata.name = Some(name(report));
    object.metadata.namespace = report.namespace();
    object.metadata.owner_references = Some(vec![owned::owner(report)]);
    let labels = object.labels_mut();
    for (label, value) in [
        (owned::MANAGED_BY, FIELD_MANAGER.to_owned()),
        (REPOSITORY, label(&statement.predicate.verdict.repository)),
        (COMMIT, label(&commit)),
        (RESULT, statement.predicate.result.clone()),
    ] {
        labels.insert(label.to_owned(), value);
    }
}

/// A text as the value of a label: what does not fit becomes a dot, and of what is too long the beginning stays.
fn label(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '.' };
    let cut: String = text.chars().map(safe).take(LABEL).collect();
    cut.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

/// Whether the envelope that is there is signed with this key and says the same, whenever that was.
fn says(object: &ConfigMap, statement: &Statement, key: &SigningKey) -> bool {
    let data = object.data.as_ref().filter(|all| all.len() == 1);
    let Some(envelope) = data.and_then(|all| all.get(DATA)) else { return false };
    let payload = attest::verify(envelope.as_bytes(), &key.public());
    payload.and_then(|bytes| Statement::read(&bytes)).is_ok_and(|mut there| {
        there.predicate.verdict.attested_at = statement.predicate.verdict.attested_at;
        there == *statement
    })
}

async fn key(attestor: &Attestor) -> Result<SigningKey, Problem> {
    let read = async {
        let mut bytes = Vec::new();
        tokio::fs::File::open(&attestor.key_file).await?.take(MAX_KEY).read_to_end(&mut bytes).await?;
        Ok::<_, std::io::Error>(bytes)
    };
    let path = attestor.key_file.display();
    let why = match read.await {
        Ok(bytes) => match SigningKey::from_pem(&bytes) {
            Ok(key) => return Ok(key),
            Err(wrong) => wrong.to_string(),
        },
        Err(error) => error.kind().to_string(),
    };
    tracing::warn!("the key {path} cannot be used: {why}");
    Err(Problem {
        reason: Reason::PublishRefused,
        message: "the operator's key cannot be used; its administrator finds the reason in its log"
            .to_owned(),
        passes: false,
    })
}

fn name(report: &TestRunReport) -> String {
    owned::name("testrun-attestation", report)
}

fn api(report: &TestRunReport, shared: &Shared) -> Api<ConfigMap> {
    Api::namespaced(shared.client.clone(), &report.namespace().unwrap_or_default())
}

async fn get(api: &Api<ConfigMap>, report: &TestRunReport) -> Result<Option<ConfigMap>, Problem> {
    let mut found = api.get_opt(&name(report)).await.map_err(|e| refused(&e))?;
    if let Some(found) = &mut found {
        found.metadata.managed_fields = None;
    }
    Ok(found)
}

/// What a refusal of the API server means, for people.
fn refused(error: &kube::Error) -> Problem {
    let message = match error {
        kube::Error::Api(status) if status.is_forbidden() => format!(
            "{}; allow the operator's account to get, create, update and delete configmaps (attestation.enabled of \
             the chart)",
            clean(&status.message, 512)
        ),
        kube::Error::Api(status) => clean(&status.message, 512),
        other => format!("the API server cannot be reached: {}", clean(&other.to_string(), 512)),
    };
    Problem { reason: Reason::PublishRefused, message, passes: owned::passes(error) }
}
