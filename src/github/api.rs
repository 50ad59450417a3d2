//! The calls that are used, each one a method. Lists are read whole or not at all.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::cache::Reply;
use super::client::{Answer, Shape};
use super::{Ask, Fetched, GitHub, Priority, Result, Unfetched, error, wire};
use crate::api::Reason;

/// Entries of a page.
pub const PER_PAGE: usize = 100;

/// One look at one repository; remembers GitHub's clock.
pub struct Repo<'g> {
    github: &'g GitHub,
    /// `/repos/owner/name`.
    root: String,
    name: String,
    ask: Ask,
    date: Arc<Mutex<Option<Timestamp>>>,
}

impl<'g> Repo<'g> {
    /// `name` is `owner/name`, already checked; `ask` says how new what is read must be.
    pub fn new(github: &'g GitHub, name: &str, ask: Ask) -> Self {
        let path: Vec<String> = name.split('/').map(segment).collect();
        Self {
            github,
            root: format!("/repos/{}", path.join("/")),
            name: name.to_owned(),
            ask,
            date: Arc::default(),
        }
    }

    /// The same look, for what must be newer or may be older.
    pub fn asking(&self, ask: Ask) -> Self {
        Self {
            github: self.github,
            root: self.root.clone(),
            name: self.name.clone(),
            ask,
            date: self.date.clone(),
        }
    }

    /// The same look, for what may be this much older.
    pub fn aged(&self, age: Duration) -> Self {
        self.asking(self.ask.within(age))
    }

    /// The latest `Date` of any answer so far.
    pub fn date(&self) -> Option<Timestamp> {
        self.date.lock().map_or(None, |d| *d)
    }

    /// `owner/name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `/repos/owner/name`.
    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// Sends a GraphQL query.
    pub(super) async fn query(&self, query: &serde_json::Value, what: &str) -> Result<Reply> {
        self.github.query(query, what, self.ask.priority).await
    }

    /// Sends no GraphQL query before this time.
    pub(super) fn pause_queries(&self, until: Option<Timestamp>) {
        self.github.pause_queries(until);
    }

    pub async fn repository(&self) -> Result<wire::Repository> {
        self.get(&self.root, &format!("repository {}", self.name)).await
    }

    pub async fn pull(&self, number: i64) -> Result<wire::Pull> {
        self.get(&format!("{}/pulls/{number}", self.root), &format!("pull request {number} of {}", self.name))
            .await
    }

    /// Pull requests that contain a commit.
    pub async fn pulls_of(&self, sha: &str) -> Result<Vec<wire::Pull>> {
        let path = format!("{}/commits/{}/pulls?per_page={PER_PAGE}", self.root, segment(sha));
        let what = format!("pull requests of commit {sha} of {}", self.name);
        self.read(&path, &what, Shape::List).await
    }

    pub async fn commit(&self, sha: &str) -> Result<wire::Commit> {
        let path = format!("{}/commits/{}", self.root, segment(sha));
        self.get(&path, &format!("commit {sha} of {}", self.name)).await
    }

    pub async fn branch(&self, name: &str) -> Result<wire::Branch> {
        let path = format!("{}/branches/{}", self.root, segment(name));
        let what = format!("branch {} of {}", crate::verdict::text::clean(name, 100), self.name);
        let branch: wire::Branch = self.get(&path, &what).await?;
        // Absent fields read as no protection, so an answer must at least be a branch.
        if branch.name.is_empty() {
            return Err(error::invalid(&what, "is not a branch"));
        }
        Ok(branch)
    }

    /// A file of a branch, at most 1 MB; of a larger one GitHub tells no content here.
    pub async fn file(&self, path: &str, branch: &str) -> Result<wire::File> {
        let segments: Vec<_> = path.split('/').map(segment).collect();
        let url = format!("{}/contents/{}?ref={}", self.root, segments.join("/"), segment(branch));
        let what = format!("{} of {}", crate::verdict::text::clean(path, 200), self.name);
        let file: wire::File = self.get(&url, &what).await?;
        if file.kind != "file" {
            return Err(error::invalid(&what, "is not a file"));
        }
        Ok(file)
    }

    pub async fn run(&self, id: i64) -> Result<wire::Run> {
        let path = format!("{}/actions/runs/{id}?exclude_pull_requests=true", self.root);
        self.get(&path, &format!("workflow run {id} of {}", self.name)).await
    }

    /// All runs that GitHub lists for a commit.
    pub async fn runs_of(&self, sha: &str) -> Result<Vec<wire::Run>> {
        // An empty value would drop the filter and return everything.
        let path = format!("{}/actions/runs?head_sha={}&exclude_pull_requests=true", self.root, segment(sha));
        let what = format!("workflow runs of commit {sha} of {}", self.name);
        self.list(&path, &what, true, |l: wire::RunList| (l.total_count, l.workflow_runs)).await
    }

    /// The newest runs of the repository, whatever state they are in: one page, the same for all who ask.
    pub async fn newest_runs(&self) -> Result<Arc<wire::RunList>> {
        let path = format!("{}/actions/runs?exclude_pull_requests=true&per_page={PER_PAGE}", self.root);
        self.common(&path, &format!("workflow runs of {}", self.name), Shape::Object).await
    }

    /// Open pull requests, the one that changed last first: one page, the same for all who ask.
    pub async fn open_pulls(&self) -> Result<Arc<Vec<wire::Pull>>> {
        let path = self.open_pulls_path();
        self.common(&path, &format!("pull requests of {}", self.name), Shape::List).await
    }

    /// An open pull request as that list shows it. A list that did not show it the last time is not asked for: it is
    /// closed, too long ago for one page, or so new that it is as well asked for itself.
    pub async fn listed_pull(&self, number: i64) -> Result<Option<wire::Pull>> {
        let find = |open: &[wire::Pull]| open.iter().find(|p| p.number == number).cloned();
        if self.last_list_of_pulls().is_some_and(|open| find(&open).is_none()) {
            return Ok(None);
        }
        Ok(find(&self.open_pulls().await?))
    }

    /// All open pull requests; None where there are more than a page of them. Where there were the last time,
    /// they are not asked for.
    pub async fn all_open_pulls(&self) -> Result<Option<Arc<Vec<wire::Pull>>>> {
        if self.last_list_of_pulls().is_some_and(|open| open.len() >= PER_PAGE) {
            return Ok(None);
        }
        Ok(Some(self.open_pulls().await?).filter(|open| open.len() < PER_PAGE))
    }

    /// The list of open pull requests as it was the last time.
    fn last_list_of_pulls(&self) -> Option<Arc<Vec<wire::Pull>>> {
        self.github.known(&self.open_pulls_path())
    }

    fn open_pulls_path(&self) -> String {
        format!("{}/pulls?state=open&sort=updated&direction=desc&per_page={PER_PAGE}", self.root)
    }

    /// Pull requests from a branch of somebody's repository, whatever became of them: one page.
    pub async fn pulls_from(&self, owner: &str, branch: &str) -> Result<Vec<wire::Pull>> {
        let head = segment(&format!("{owner}:{branch}"));
        let path = format!("{}/pulls?state=all&head={head}&per_page={PER_PAGE}", self.root);
        let branch = crate::verdict::text::clean(branch, 100);
        self.read(&path, &format!("pull requests of branch {branch} of {}", self.name), Shape::List).await
    }

    /// One page of all open pull requests, the newest first; the flag tells that more follow.
    pub async fn open_pulls_page(&self, page: u32) -> Result<(Vec<wire::Pull>, bool)> {
        let path = format!("{}/pulls?state=open&per_page={PER_PAGE}&page={page}", self.root);
        let answer = self
            .answer::<Vec<wire::Pull>>(&path, &format!("pull requests of {}", self.name), Shape::List)
            .await?;
        let full = answer.value.len() >= PER_PAGE;
        Ok((answer.value, answer.more.unwrap_or(full)))
    }

    /// The newest commits of a branch: one page.
    pub async fn commits_of(&self, branch: &str, most: i32) -> Result<Vec<wire::ListedCommit>> {
        let path = format!("{}/commits?sha={}&per_page={most}", self.root, segment(branch));
        let what = format!("commits of {} of {}", crate::verdict::text::clean(branch, 100), self.name);
        self.read(&path, &what, Shape::List).await
    }

    /// Most pages that are read of a list.
    pub fn max_pages(&self) -> u32 {
        self.github.settings().max_pages
    }

    /// The newest runs of a branch, of an event, or in a state: one page.
    pub async fn recent_runs(&self, filter: &str, value: &str) -> Result<Arc<wire::RunList>> {
        let path = format!(
            "{}/actions/runs?{filter}={}&exclude_pull_requests=true&per_page={PER_PAGE}",
            self.root,
            segment(value)
        );
        self.common(&path, &format!("workflow runs of {}", self.name), Shape::Object).await
    }

    /// The newest runs that pushes to a branch started: one page.
    pub async fn recent_pushes(&self, branch: &str) -> Result<Arc<wire::RunList>> {
        let branch = segment(branch);
        let path = format!(
            "{}/actions/runs?branch={branch}&event=push&exclude_pull_requests=true&per_page={PER_PAGE}",
            self.root
        );
        self.common(&path, &format!("workflow runs of {}", self.name), Shape::Object).await
    }

    /// Jobs of all attempts of a run, and how many GitHub says there are.
    pub async fn jobs(&self, run: i64) -> Result<(i64, Vec<wire::Job>)> {
        let path = format!("{}/actions/runs/{run}/jobs?filter=all", self.root);
        let what = format!("jobs of run {run} of {}", self.name);
        let mut total = 0;
        let jobs = self
            .list(&path, &what, false, |l: wire::JobList| {
                total = l.total_count;
                (l.total_count, l.jobs)
            })
            .await?;
        Ok((total, jobs))
    }

    pub async fn artifacts(&self, run: i64) -> Result<Vec<wire::Artifact>> {
        let path = format!("{}/actions/runs/{run}/artifacts", self.root);
        let what = format!("artifacts of run {run} of {}", self.name);
        self.list(&path, &what, false, |l: wire::ArtifactList| (l.total_count, l.artifacts)).await
    }

    /// Check runs of all apps, GitHub Actions included.
    pub async fn check_runs(&self, sha: &str) -> Result<Vec<wire::CheckRun>> {
        let path = format!("{}/commits/{}/check-runs?filter=all", self.root, segment(sha));
        let what = format!("check runs of commit {sha} of {}", self.name);
        self.list(&path, &what, true, |l: wire::CheckRunList| (l.total_count, l.check_runs)).await
    }

    /// Commit statuses, newest first, old values included.
    pub async fn statuses(&self, sha: &str) -> Result<Vec<wire::Status>> {
        let path = format!("{}/commits/{}/statuses", self.root, segment(sha));
        self.plain_list(&path, &format!("commit statuses of {sha} of {}", self.name)).await
    }

    /// Annotations of a check run or job: one page.
    pub async fn annotations(&self, check_run: i64) -> Result<Vec<wire::Annotation>> {
        let path = format!("{}/check-runs/{check_run}/annotations?per_page={PER_PAGE}", self.root);
        let what = format!("annotations of job {check_run} of {}", self.name);
        self.read(&path, &what, Shape::List).await
    }

    /// Rules that apply to a branch.
    pub async fn rules(&self, branch: &str) -> Result<Vec<wire::Rule>> {
        let path = format!("{}/rules/branches/{}", self.root, segment(branch));
        let what = format!("rules of branch {} of {}", crate::verdict::text::clean(branch, 100), self.name);
        self.plain_list(&path, &what).await
    }

    /// The log of a job, at most `limit` bytes; the flag tells that there was more.
    pub async fn log(&self, job: i64, limit: usize) -> std::result::Result<(Bytes, bool), Unfetched> {
        let path = format!("{}/actions/jobs/{job}", self.root);
        let what = format!("log of job {job} of {}", self.name);
        let result = self.github.download(&format!("{path}/logs"), &what, limit).await;
        let Err(Unfetched::Deleted) = result else { return result };
        // GitHub says the same of a job that still runs.
        let now = self.asking(Ask { priority: Priority::Finishing, ..self.ask });
        match now.get::<wire::Job>(&path, &what).await {
            Ok(job) if job.status != "completed" => Err(Unfetched::NotYet),
            Err(trouble) if trouble.reason != Reason::NotFound => Err(trouble.into()),
            _ => Err(Unfetched::Deleted),
        }
    }

    /// The zip of an artifact in a file, if it is at most `limit` bytes. `digest` is what the artifact says of
    /// itself (`sha256:` and hex); None, or one of another kind, leaves it unverified.
    pub async fn artifact_zip(
        &self,
        id: i64,
        digest: Option<&str>,
        limit: u64,
    ) -> std::result::Result<Fetched, Unfetched> {
        let path = format!("{}/actions/artifacts/{id}", self.root);
        let what = format!("artifact {id} of {}", self.name);
        let result = self.github.spool(&format!("{path}/zip"), &what, digest, limit).await;
        let Err(Unfetched::Deleted) = result else { return result };
        // The storage may lag behind the list.
        let now = self.asking(Ask { priority: Priority::Finishing, ..self.ask });
        match now.get::<wire::Artifact>(&path, &what).await {
            Ok(artifact) if artifact.expired => Err(Unfetched::Expired),
            Ok(_) => Err(Unfetched::NotYet),
            Err(trouble) if trouble.reason != Reason::NotFound => Err(trouble.into()),
            Err(_) => Err(Unfetched::Deleted),
        }
    }

    /// Runs all jobs of a run again, or the failed ones and what depends on them.
    pub async fn rerun(&self, run: i64, failed_only: bool) -> Result<()> {
        let what = if failed_only { "rerun-failed-jobs" } else { "rerun" };
        let path = format!("{}/actions/runs/{run}/{what}", self.root);
        self.github
            .post(&path, Some(&serde_json::json!({})), &format!("a re-run of run {run} of {}", self.name))
            .await
    }

    /// Names of the environments whose protection rules a run waits for.
    pub async fn pending_environments(&self, run: i64) -> Result<Vec<String>> {
        let path = format!("{}/actions/runs/{run}/pending_deployments", self.root);
        let what = format!("pending deployments of run {run} of {}", self.name);
        let all: Vec<wire::PendingDeployment> = self.read(&path, &what, Shape::List).await?;
        Ok(all.into_iter().map(|p| p.environment.name).filter(|name| !name.is_empty()).collect())
    }

    /// Answers the protection rule of the App for an environment that a run waits for.
    pub async fn answer_protection_rule(
        &self,
        run: i64,
        environment: &str,
        state: &str,
        comment: &str,
    ) -> Result<()> {
        let path = format!("{}/actions/runs/{run}/deployment_protection_rule", self.root);
        let body = serde_json::json!({"environment_name": environment, "state": state, "comment": comment});
        let what = format!("the answer to a deployment protection rule of run {run} of {}", self.name);
        self.github.post(&path, Some(&body), &what).await
    }

    /// Sets a commit status.
    pub async fn set_status(&self, sha: &str, context: &str, state: &str, description: &str) -> Result<()> {
        let path = format!("{}/statuses/{}", self.root, segment(sha));
        let body = serde_json::json!({"state": state, "context": context, "description": description});
        self.github.post(&path, Some(&body), &format!("a commit status of {sha} of {}", self.name)).await
    }

    /// Check runs of this name, of all apps, old ones included.
    pub async fn check_runs_named(&self, sha: &str, name: &str) -> Result<Vec<wire::CheckRun>> {
        let path = format!(
            "{}/commits/{}/check-runs?filter=all&check_name={}",
            self.root,
            segment(sha),
            segment(name)
        );
        let what = format!("check runs of commit {sha} of {}", self.name);
        self.list(&path, &what, true, |l: wire::CheckRunList| (l.total_count, l.check_runs)).await
    }

    /// Makes a check run and gives its id.
    pub async fn create_check_run(&self, body: &serde_json::Value) -> Result<i64> {
        let path = format!("{}/check-runs", self.root);
        let made: wire::Made =
            self.github.create(&path, body, &format!("a check run of {}", self.name)).await?;
        Ok(made.id)
    }

    pub async fn update_check_run(&self, id: i64, body: &serde_json::Value) -> Result<()> {
        let path = format!("{}/check-runs/{id}", self.root);
        self.github.patch(&path, body, &format!("check run {id} of {}", self.name)).await
    }

    /// Comments on a pull request, the oldest first.
    pub async fn comments(&self, pull: i64) -> Result<Vec<wire::Comment>> {
        let path = format!("{}/issues/{pull}/comments", self.root);
        self.plain_list(&path, &format!("comments on pull request {pull} of {}", self.name)).await
    }

    /// What happened to a pull request.
    pub async fn issue_events(&self, pull: i64) -> Result<Vec<wire::IssueEvent>> {
        let path = format!("{}/issues/{pull}/events", self.root);
        self.plain_list(&path, &format!("events of pull request {pull} of {}", self.name)).await
    }

    pub async fn create_comment(&self, pull: i64, body: &str) -> Result<()> {
        let path = format!("{}/issues/{pull}/comments", self.root);
        let what = format!("a comment on pull request {pull} of {}", self.name);
        self.github.post(&path, Some(&serde_json::json!({ "body": body })), &what).await
    }

    pub async fn update_comment(&self, id: i64, body: &str) -> Result<()> {
        let path = format!("{}/issues/comments/{id}", self.root);
        let what = format!("comment {id} of {}", self.name);
        self.github.patch(&path, &serde_json::json!({ "body": body }), &what).await
    }

    /// Whose token it is; an App's token has no user.
    pub async fn user(&self) -> Result<wire::User> {
        self.get("/user", "the user of the token").await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<T> {
        self.read(path, what, Shape::Object).await
    }

    pub(super) async fn read<T: DeserializeOwned>(&self, path: &str, what: &str, shape: Shape) -> Result<T> {
        Ok(self.answer(path, what, shape).await?.value)
    }

    /// Reads what all reports of the repository ask for.
    async fn common<T>(&self, path: &str, what: &str, shape: Shape) -> Result<Arc<T>>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let answer = self.github.get_common(path, what, shape, self.ask).await?;
        self.hear(answer.date);
        Ok(answer.value)
    }

    pub(super) async fn answer<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
        shape: Shape,
    ) -> Result<Answer<T>> {
        let answer = self.github.get(path, what, shape, self.ask).await?;
        self.hear(answer.date);
        Ok(answer)
    }

    fn hear(&self, date: Option<Timestamp>) {
        if let (Some(date), Ok(mut latest)) = (date, self.date.lock()) {
            *latest = Some(latest.map_or(date, |old| old.max(date)));
        }
    }

    /// All pages of a counted list. `Link` headers are not followed: pages are counted, so a wrong
    /// or hostile link leads nowhere; they only save asking for a page that is not there. With `whole`,
    /// fewer entries than the total are an error.
    async fn list<L: DeserializeOwned, T: wire::Entry>(
        &self,
        path: &str,
        what: &str,
        whole: bool,
        mut split: impl FnMut(L) -> (i64, Vec<T>),
    ) -> Result<Vec<T>> {
        let (mut all, mut known) = (Vec::new(), HashSet::new());
        let joint = if path.contains('?') { '&' } else { '?' };
        for page in 1..=self.github.settings().max_pages {
            let path = format!("{path}{joint}per_page={PER_PAGE}&page={page}");
            let answer = self.answer(&path, what, Shape::Object).await?;
            let (total, mut items) = split(answer.value);
            let full = items.len() >= PER_PAGE;
            let got = items.len();
            // What moved from one page to the next while they were read is there once, and something else
            // is missing in its place.
            items.retain(|item| known.insert(item.id()));
            all.append(&mut items);
            let listed = i64::try_from(all.len()).unwrap_or(i64::MAX);
            // A total that is too small ends nothing: only a short page does, or the page that says
            // it is the last one when nothing is missing. A first page without links is the only one,
            // if it holds everything.
            let last = match answer.more {
                Some(more) => !more,
                None => !full || page == 1 && listed == total,
            };
            if got == 0 || last && listed >= total {
                if whole && listed < total {
                    return Err(error::invalid(what, &format!("lists {listed} of {total} entries")));
                }
                return Ok(all);
            }
        }
        Err(error::invalid(what, &format!("has more than {} pages", self.github.settings().max_pages)))
    }

    /// All pages of a list without a total.
    async fn plain_list<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<Vec<T>> {
        let mut all = Vec::new();
        for page in 1..=self.github.settings().max_pages {
            let page = format!("{path}?per_page={PER_PAGE}&page={page}");
            let answer = self.answer::<Vec<T>>(&page, what, Shape::List).await?;
            let mut items = answer.value;
            let full = items.len() >= PER_PAGE;
            all.append(&mut items);
            // A page that is not full may be followed by others: entries are left out of some.
            if !answer.more.unwrap_or(full) {
                return Ok(all);
            }
        }
        Err(error::invalid(what, &format!("has more than {} pages", self.github.settings().max_pages)))
    }
}

/// One segment of a path, or a value of a query.
pub(super) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
