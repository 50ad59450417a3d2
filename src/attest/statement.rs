//! A verdict as an in-toto statement with the `test-result` predicate.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Distrust, unique};
use crate::api::TestRunReport;
use crate::api::conditions::ConditionType;
use crate::api::status::{JobStatus, SuiteStatus, TestRunReportStatus};
use crate::verdict::gate::{Word, judge_at};
use crate::verdict::text::clean;

/// Type of a statement.
pub(super) const TYPE: &str = "https://in-toto.io/Statement/v1";
/// Type of its predicate.
pub(super) const PREDICATE: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// Waivers that a status names at most; where it is full there may be more.
const MOST_WAIVERS: usize = 32;

/// What is claimed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    #[serde(rename = "_type")]
    pub kind: String,
    pub subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    pub predicate: Predicate,
}

/// What it is about: the commit, and images that were built from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Hexadecimal digests by algorithm: `gitCommit` of a commit, `sha256` of an image.
    pub digest: BTreeMap<String, String>,
}

/// The result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Predicate {
    /// `PASSED`; `WARNED` for a pass with something excused; `FAILED`.
    pub result: String,
    /// The workflow runs.
    pub configuration: Vec<Resource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default)]
    pub passed_tests: Vec<String>,
    #[serde(default)]
    pub warned_tests: Vec<String>,
    #[serde(default)]
    pub failed_tests: Vec<String>,
    /// What the predicate has no place for.
    #[serde(rename = "https://testrun.dev/verdict/v1")]
    pub verdict: Verdict,
}

/// A workflow run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    #[serde(default)]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

/// The verdict in the operator's words. Every field only narrows what the statement allows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Where the repository is: `github.com`, or the name of the operator's connection.
    pub server: String,
    /// `owner/name`.
    pub repository: String,
    pub reason: String,
    pub message: String,
    /// Since when the verdict is what it is.
    pub decided_at: Timestamp,
    /// When the statement was made.
    pub attested_at: Timestamp,
    /// What the pass rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
    /// The object that it was read from, as namespace/name, uid and generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportRef>,
}

/// A failure that is excused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiver {
    pub job: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    pub approver: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    pub expires_at: Timestamp,
}

/// Which object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReportRef {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub generation: i64,
}

/// An image that was built from the commit; the signer's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub name: String,
    /// 64 hexadecimal digits.
    pub sha256: String,
}

/// Where a report is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// A cluster; the connection says which server.
    Cluster,
    /// A look at this server.
    Server(&'a str),
}

/// Why there is no statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    pub word: Word,
    pub message: String,
}

/// The final verdict of a report as a statement.
pub fn statement(
    report: &TestRunReport,
    origin: Origin<'_>,
    images: &[Image],
    now: Timestamp,
) -> Result<Statement, Unfit> {
    let gate = judge_at(report, now);
    let unfit = |message: String| Unfit { word: Word::Undecided, message };
    if !matches!(gate.word, Word::Passed | Word::Failed) {
        return Err(Unfit { word: gate.word, message: gate.message });
    }
    if gate.open {
        return Err(unfit(format!("the verdict is not final: {}", gate.message)));
    }
    let status = report.status.as_ref().ok_or_else(|| unfit("the report has no status".to_owned()))?;
    let source = status
        .source
        .as_ref()
        .filter(|s| is_commit(&s.sha))
        .ok_or_else(|| unfit("the report knows no commit".to_owned()))?;
    let passed = status
        .conditions
        .iter()
        .find(|c| c.type_ == ConditionType::Passed.as_str())
        .ok_or_else(|| unfit("the report has no verdict".to_owned()))?;
    let is_pass = gate.word == Word::Passed;
    if is_pass && status.waived.len() >= MOST_WAIVERS {
        return Err(unfit(format!(
            "the pass rests on {MOST_WAIVERS} waivers or more, which a statement cannot all name"
        )));
    }
    let mut predicate = Predicate {
        configuration: status
            .source
            .iter()
            .flat_map(|s| &s.runs)
            .filter(|run| run.set_aside.is_none())
            .map(|run| Resource {
                name: clean(&format!("{}, attempt {}", run.workflow, run.attempt), 300),
                uri: link(Some(&run.url)),
            })
            .collect(),
        url: link(source.url.as_deref()),
        ..Predicate::default()
    };
    let excused = sort(status, is_pass, &mut predicate);
    predicate.result = match (is_pass, excused || !status.waived.is_empty()) {
        (true, false) => "PASSED",
        (true, true) => "WARNED",
        (false, _) => "FAILED",
    }
    .to_owned();
    let server = match origin {
        Origin::Cluster => report.spec.source.github.connection.as_str(),
        Origin::Server(server) => server,
    };
    let (server, repository) = (clean(server, 253), source.repository.clone());
    let mut subject = vec![Subject {
        name: Some(format!("git+https://{server}/{repository}")),
        digest: BTreeMap::from([("gitCommit".to_owned(), source.sha.clone())]),
    }];
    subject.extend(images.iter().map(|image| Subject {
        name: Some(image.name.clone()),
        digest: BTreeMap::from([("sha256".to_owned(), image.sha256.clone())]),
    }));
    let waivers = status.waived.iter().filter(|_| is_pass).map(|w| Waiver {
        job: w.job.clone(),
        test: w.test.clone(),
        workflow: w.workflow.clone(),
        approver: w.approver.clone(),
        ticket: w.ticket.clone(),
        expires_at: w.expires_at.0,
    });
    predicate.verdict = Verdict {
        server,
        repository,
        reason: clean(&passed.reason, 100),
        message: clean(&passed.message, 1024),
        decided_at: passed.last_transition_time.0,
        attested_at: now,
        waivers: waivers.collect(),
        report: (origin == Origin::Cluster).then(|| ReportRef {
            namespace: report.metadata.namespace.clone().unwrap_or_default(),
            name: report.metadata.name.clone().unwrap_or_default(),
            uid: report.metadata.uid.clone().unwrap_or_default(),
            generation: report.metadata.generation.unwrap_or_default(),
        }),
    };
    Ok(Statement { kind: TYPE.to_owned(), subject, predicate_type: PREDICATE.to_owned(), predicate })
}

/// Puts jobs into the lists by how they ended. True where something required did not succeed.
fn sort(status: &TestRunReportStatus, is_pass: bool, into: &mut Predicate) -> bool {
    let mut excused = false;
    for suite in &status.suites {
        let required = suite.policy != "Informational";
        for job in &suite.jobs {
            let list = match (job.state == "Succeeded", required && !is_pass) {
                (true, _) => &mut into.passed_tests,
                (false, true) => &mut into.failed_tests,
                (false, false) => &mut into.warned_tests,
            };
            list.push(name(suite, job));
            excused |= required && job.state != "Succeeded";
        }
    }
    excused
}

fn name(suite: &SuiteStatus, job: &JobStatus) -> String {
    clean(&format!("{} / {}", suite.name, job.name), 600)
}

fn link(url: Option<&str>) -> Option<String> {
    url.filter(|u| u.starts_with("https://")).map(|u| clean(u, 500))
}

/// A full commit id.
pub fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl Statement {
    /// The bytes to be signed.
    pub fn bytes(&self) -> Result<Vec<u8>, Distrust> {
        serde_json::to_vec(self).map_err(|e| Distrust::new(format!("the statement cannot be written: {e}")))
    }

    /// Reads the payload of an envelope whose signature was checked.
    pub fn read(payload: &[u8]) -> Result<Self, Distrust> {
        let bad = |e: serde_json::Error| {
            Distrust::new(format!("payload: expected a verdict of testrun: {}", clean(&e.to_string(), 200)))
        };
        unique::check(payload).map_err(bad)?;
        let found: Self = serde_json::from_slice(payload).map_err(bad)?;
        for (field, is, want) in
            [("_type", &found.kind, TYPE), ("predicateType", &found.predicate_type, PREDICATE)]
        {
            if is != want {
                return Err(Distrust::new(format!("{field}: expected {want}, got {:?}", clean(is, 100))));
            }
        }
        Ok(found)
    }
}

impl std::str::FromStr for Image {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, sha256) = text.rsplit_once("@sha256:").unwrap_or_default();
        let digest = sha256.len() == 64 && is_commit(sha256);
        let named = !name.is_empty() && name.len() <= 255 && name.chars().all(|c| c.is_ascii_graphic());
        match digest && named {
            true => Ok(Self { name: name.to_owned(), sha256: sha256.to_owned() }),
            false => Err("expected NAME@sha256: with 64 lower-case hexadecimal digits".to_owned()),
        }
    }
}
