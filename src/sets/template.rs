//! From template and pull request to a report.

use std::collections::BTreeMap;

use kube::ResourceExt;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::api::set::{DeletionPolicy, Follow, MAX_SET_NAME, PULL_LABEL, SET_HASH, SET_LABEL, SET_UID};
use crate::api::{TestRunReport, TestRunReportSet, TestRunReportSpec};
use crate::cache::short;
use crate::collect::Candidate;
use crate::verdict::{self, text::clean};

/// Longest name of a report that a set makes, and longest value of a label.
const MAX_NAME: usize = 63;
/// Longest value of an annotation once it is filled.
const MAX_ANNOTATION: usize = 2048;
/// Digits of the hash that ends a name which was cut.
const HASH: usize = 8;

/// A report as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub spec: Value,
    /// Of all of it.
    pub print: u64,
}

/// Where a text of the template stands, which decides what it may hold. What the author of a pull request chooses
/// must not get into a spec: a branch called `.*` would be a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Name,
    Spec,
    Label,
    Annotation,
}

impl Place {
    const fn placeholders(self) -> &'static [&'static str] {
        const FIXED: &[&str] = &["set", "number", "head_sha", "head_short_sha"];
        const LABEL: &[&str] =
            &["set", "number", "head_sha", "head_short_sha", "branch", "base_branch", "author"];
        const ANNOTATION: &[&str] =
            &["set", "number", "head_sha", "head_short_sha", "branch", "base_branch", "author", "title"];
        match self {
            Self::Name | Self::Spec => FIXED,
            Self::Label => LABEL,
            Self::Annotation => ANNOTATION,
        }
    }
}

/// Whether the template can be filled, and makes reports that can be carried out: an error names the field and the
/// remedy. What a report would refuse is said here, before there are as many of them as pull requests.
pub fn check(set: &TestRunReportSet) -> Result<(), String> {
    let number = set.spec.generators.has_numbers().then_some(1);
    let sample = Candidate { number, head: "0".repeat(40), ..Candidate::default() };
    let wanted = Wanted::of(set, &sample)?;
    let spec: TestRunReportSpec = serde_json::from_value(wanted.spec).map_err(|error| {
        format!("spec.template.spec is not the spec of a report: {}", clean(&error.to_string(), 200))
    })?;
    // Its errors begin with the field.
    verdict::validate(&spec).map_err(|error| format!("spec.template.{error}"))
}

/// Whether the set would make a report of this name for what the report is about; an error says what it would do.
pub fn fits(set: &TestRunReportSet, report: &TestRunReport) -> Result<(), String> {
    let (github, source) = (&report.spec.source.github, &set.spec.source);
    if !github.repository.eq_ignore_ascii_case(&source.repository) || github.connection != source.connection {
        return Err(format!("it is about another repository than the set, {}", source.repository));
    }
    let marked = report.labels().get(PULL_LABEL).and_then(|n| n.parse().ok());
    let number = github.pull_request.or(marked).filter(|_| set.spec.generators.has_numbers());
    let resolved = report.status.as_ref().and_then(|s| s.source.as_ref()).map(|s| s.sha.clone());
    let head = github.sha.clone().or(resolved).unwrap_or_default();
    let name = Wanted::of(set, &Candidate { number, head, ..Candidate::default() })?.name;
    if name == report.name_any() {
        return Ok(());
    }
    Err(format!(
        "the set would call it {name}, and remove this one; set spec.template.metadata.name of the set"
    ))
}

impl Wanted {
    /// The report of a pull request or commit.
    pub(super) fn of(set: &TestRunReportSet, candidate: &Candidate) -> Result<Self, String> {
        let template = &set.spec.template;
        // What the queue tests is no head of a pull request.
        let queued = set.spec.generators.merge_queue.is_some();
        let follow = if queued { Follow::Commit } else { template.follow };
        let filler = Filler { set: set.name_any(), candidate };
        let default = match (candidate.number, follow) {
            (Some(_), _) if queued => "{{set}}-queue-{{number}}-{{head_short_sha}}",
            (Some(_), Follow::PullRequest) => "{{set}}-pr-{{number}}",
            (Some(_), Follow::Commit) => "{{set}}-pr-{{number}}-{{head_short_sha}}",
            (None, _) => "{{set}}-{{head_short_sha}}",
        };
        let pattern = template.metadata.name.as_deref().unwrap_or(default);
        let name = dns_label(&filler.fill(pattern, Place::Name, "spec.template.metadata.name")?);
        let mut labels = BTreeMap::new();
        for (key, value) in &template.metadata.labels {
            let filled =
                filler.fill(value, Place::Label, &format!("spec.template.metadata.labels[{key}]"))?;
            // What the template says itself is the API server's to judge.
            let filled = if *value == filled { filled } else { label_value(&filled) };
            labels.insert(key.clone(), filled);
        }
        labels.insert(SET_LABEL.to_owned(), filler.set.chars().take(MAX_SET_NAME).collect());
        labels.extend(candidate.number.map(|n| (PULL_LABEL.to_owned(), n.to_string())));
        let mut annotations = BTreeMap::new();
        for (key, value) in &template.metadata.annotations {
            let field = format!("spec.template.metadata.annotations[{key}]");
            let filled = filler.fill(value, Place::Annotation, &field)?;
            annotations.insert(key.clone(), filled.chars().take(MAX_ANNOTATION).collect());
        }
        if set.spec.retention.deletion_policy == DeletionPolicy::Keep {
            annotations.insert(SET_UID.to_owned(), set.uid().unwrap_or_default());
        }
        let mut spec = filler.object(&template.spec, "spec.template.spec")?;
        let mut github = Map::new();
        github.insert("repository".to_owned(), set.spec.source.repository.clone().into());
        github.insert("connection".to_owned(), set.spec.source.connection.clone().into());
        match candidate.number.filter(|_| follow == Follow::PullRequest) {
            Some(number) => github.insert("pullRequest".to_owned(), number.into()),
            None => github.insert("sha".to_owned(), candidate.head.clone().into()),
        };
        spec.insert("source".to_owned(), json!({"github": github}));
        let spec = Value::Object(spec);
        let all = json!([labels, annotations, spec]).to_string();
        annotations.insert(SET_HASH.to_owned(), hash(all.as_bytes()));
        let print = short(all.as_bytes());
        Ok(Self { name, labels, annotations, spec, print })
    }
}

struct Filler<'a> {
    set: String,
    candidate: &'a Candidate,
}

impl Filler<'_> {
    /// A text with its placeholders replaced; `field` names it in errors. What is put in is not looked at again.
    fn fill(&self, text: &str, place: Place, field: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(before);
            let (name, after) = after
                .split_once("}}")
                .ok_or_else(|| format!("{field}: a placeholder is not closed; write it as {{{{number}}}}"))?;
            let name = name.trim();
            // A commit of a branch has no number.
            let known =
                || place.placeholders().iter().filter(|k| **k != "number" || self.candidate.number.is_some());
            if !known().any(|k| *k == name) {
                let known: Vec<String> = known().map(|k| format!("{{{{{k}}}}}")).collect();
                return Err(format!(
                    "{field}: {{{{{}}}}} is no placeholder here; there are {}",
                    clean(name, 40),
                    known.join(", ")
                ));
            }
            out.push_str(&self.value(name));
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn value(&self, name: &str) -> String {
        let Candidate { number, head, branch, base, author, title, .. } = self.candidate;
        match name {
            "set" => self.set.clone(),
            "number" => number.map(|n| n.to_string()).unwrap_or_default(),
            "head_sha" => head.clone(),
            "head_short_sha" => head.chars().take(8).collect(),
            "branch" => clean(branch, 255),
            "base_branch" => clean(base, 255),
            "author" => clean(author, 100),
            "title" => clean(title, 256),
            _ => String::new(),
        }
    }

    fn object(&self, object: &Map<String, Value>, path: &str) -> Result<Map<String, Value>, String> {
        let field =
            |(key, value): (&String, &Value)| Ok((key.clone(), self.json(value, &format!("{path}.{key}"))?));
        object.iter().map(field).collect()
    }

    fn json(&self, value: &Value, path: &str) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => Value::String(self.fill(text, Place::Spec, path)?),
            Value::Array(items) => {
                let item = |(i, value)| self.json(value, &format!("{path}[{i}]"));
                Value::Array(items.iter().enumerate().map(item).collect::<Result<_, String>>()?)
            }
            Value::Object(object) => Value::Object(self.object(object, path)?),
            other => other.clone(),
        })
    }
}

/// A name that a report may have. Two texts that differ have names that differ, but for what a hash can confuse.
fn dns_label(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = text.chars().map(plain).collect();
    let name = name.trim_matches('-');
    if name == text && name.len() <= MAX_NAME {
        return name.to_owned();
    }
    let hash = hash(text.as_bytes());
    let head: String = name.chars().take(MAX_NAME - HASH - 1).collect();
    let head = head.trim_end_matches('-');
    if head.is_empty() { format!("pr-{hash}") } else { format!("{head}-{hash}") }
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(HASH / 2).map(|b| format!("{b:02x}")).collect()
}

/// A value that a label may have: whoever chooses the name of a branch must not be able to keep a report away.
fn label_value(text: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let value: String = text.chars().map(fits).take(MAX_NAME).collect();
    value.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}
