//! GitHub's JSON as far as it is used: every field may be absent or null, every value is open.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// Null reads as the default.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(d: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(d)?.unwrap_or_default())
}

/// A time that cannot be read is no time.
fn time<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(d)?;
    Ok(text.and_then(|t| t.parse().ok()))
}

macro_rules! wire {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
        #[serde(default)]
        pub struct $name { $(#[serde(deserialize_with = "or_default")] $(#[$attr])* pub $field: $type),* }
    )*};
}

wire! {
    Repository { id: i64, full_name: String, default_branch: String, html_url: Option<String>, archived: bool }
    /// Head or base of a pull request.
    Tip { sha: String, #[serde(rename = "ref")] name: String, repo: Option<Repository> }
    Label { name: String }
    /// Of a pull request; a file that was renamed had another name.
    ChangedFile { filename: String, previous_filename: Option<String> }
    /// A branch by its full name, `refs/heads/...`.
    Reference { #[serde(rename = "ref")] name: String, object: Commit }
    ListedCommit { sha: String, commit: CommitText, author: Option<User> }
    CommitText { message: String, committer: Signature }
    Commit { sha: String, html_url: Option<String> }
    File { #[serde(rename = "type")] kind: String, content: String }
    Branch { name: String, commit: Commit, protected: bool, protection: Protection }
    Protection { required_status_checks: StatusChecks }
    StatusChecks { contexts: Vec<String>, checks: Vec<Context> }
    Context { context: String, app_id: Option<i64>, integration_id: Option<i64> }
    Rule { #[serde(rename = "type")] kind: String, parameters: RuleParameters }
    RuleParameters { required_status_checks: Vec<Context>, workflows: Vec<RuleWorkflow> }
    /// A workflow that a rule requires, and the repository that its file is in.
    RuleWorkflow { path: String, repository_id: Option<i64> }
    App { id: Option<i64>, slug: Option<String> }
    User { id: i64, login: Option<String> }
    Annotation {
        annotation_level: Option<String>, path: Option<String>, start_line: Option<i64>, title: Option<String>,
        message: Option<String>,
    }
    Step { number: i64, name: String, status: String, conclusion: Option<String> }
    Output { annotations_count: i64 }
    /// On an issue or a pull request.
    Comment { id: i64, body: Option<String>, user: Option<User>, performed_via_github_app: Option<App> }
    /// A deployment that waits for protection rules.
    PendingDeployment { environment: Environment }
    Environment { name: String }
    /// What was made, by its id.
    Made { id: i64 }
    /// Of an App on an account.
    Installation { id: i64, permissions: BTreeMap<String, Option<String>>, suspended_at: Option<String> }
}

/// The lists: an answer without its total or without its entries is not an empty list.
macro_rules! counted {
    ($($name:ident { $list:ident: $entry:ty })*) => {$(
        #[derive(Clone, Debug, Deserialize)]
        pub struct $name { pub total_count: i64, pub $list: Vec<$entry> }
    )*};
}

counted! {
    RunList { workflow_runs: Run }
    JobList { jobs: Job }
    ArtifactList { artifacts: Artifact }
    CheckRunList { check_runs: CheckRun }
}

/// An entry of a list, which its id tells from all others.
pub trait Entry {
    fn id(&self) -> i64;
}

macro_rules! entries {
    ($($name:ident)*) => {$(
        impl Entry for $name {
            fn id(&self) -> i64 {
                self.id
            }
        }
    )*};
}

entries! { Run Job Artifact CheckRun }

macro_rules! timed {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* ; $($time:ident),* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $(#[serde(deserialize_with = "or_default")] pub $field: $type,)*
            $(#[serde(deserialize_with = "time")] pub $time: Option<Timestamp>),*
        }
    )*};
}

timed! {
    Run {
        id: i64, run_attempt: i64, workflow_id: i64, name: Option<String>, path: Option<String>, event: String,
        status: String, conclusion: Option<String>, head_sha: String, head_branch: Option<String>,
        display_title: Option<String>, html_url: String, workflow_url: Option<String>, repository: Repository, head_repository: Option<Repository>;
        created_at, updated_at
    }
    Job {
        id: i64, run_attempt: i64, name: String, status: String, conclusion: Option<String>, html_url: Option<String>,
        head_sha: String, steps: Vec<Step>;
        started_at, completed_at
    }
    Artifact {
        id: i64, name: String, size_in_bytes: i64, digest: Option<String>, expired: bool, archive_download_url: String;
        created_at, expires_at
    }
    CheckRun {
        id: i64, name: String, app: Option<App>, head_sha: String, status: String, conclusion: Option<String>,
        html_url: Option<String>, details_url: Option<String>, external_id: Option<String>, output: Output;
        started_at, completed_at
    }
    /// One attempt to deliver an event; `guid` is that of the event.
    Delivery { id: i64, guid: String, event: String, redelivery: bool; delivered_at }
    /// Who wrote or committed something, and when.
    Signature { name: Option<String>; date }
    /// A token of an installation of an App.
    AccessToken { token: String; expires_at }
    Pull {
        number: i64, title: Option<String>, html_url: Option<String>, state: String, head: Tip, base: Tip, draft: bool,
        user: Option<User>, labels: Vec<Label>;
        closed_at
    }
    /// Something that happened to an issue or a pull request.
    IssueEvent { event: String; created_at }
    Status {
        id: i64, context: String, state: String, target_url: Option<String>, creator: Option<User>;
        created_at, updated_at
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn nulls_and_unknown_values_are_read() {
        let run: Run = serde_json::from_str(
            r#"{"id":7,"run_attempt":null,"name":null,"status":"hatching","conclusion":null,"created_at":"soon","repository":null,"new":{}}"#,
        )
        .unwrap();
        assert_eq!((run.id, run.run_attempt, run.status.as_str(), run.created_at), (7, 0, "hatching", None));
        assert!(serde_json::from_str::<Run>(r#"{"id":"seven"}"#).is_err());
    }
}
