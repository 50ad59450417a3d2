//! What GitHub's API is known to do to naive clients: a test for each pitfall, named after it.
//!
//! Every exchange is checked against GitHub's own description, and in every test the question is the same:
//! what does the report say, and could it have been fooled?

mod content;
mod events;
mod jobs;
mod left_out;
mod outsiders;
mod rules;
mod runs;
mod service;
mod twins;

use testkit::github::{GitHub as Fake, PullSpec, RunSpec, Scenario, State, secs, sha_of};
use testrun_operator::api::TestRunReportStatus;
use testrun_operator::verdict::{Context, evaluate};

use super::*;

const REPO: &str = "acme/shop";
const CI: &str = ".github/workflows/ci.yml";
const PASSED: &str = "True/AllRequiredSucceeded";
const FAILED: &str = "False/RequiredFailed";

/// A pull request without any run yet.
fn empty() -> Scenario {
    Scenario::new().start_at("2026-01-23T16:00:00Z").setup(|s| {
        s.add_repo(REPO).pull_request(PullSpec::new(20, sha_of("head")).branch("feature/x"));
    })
}

/// Begins a run of the pull request with jobs of these names; their ids follow on that of the run times ten.
fn begin(s: &mut State, run: u64, workflow: &str, jobs: &[&str]) {
    let path = format!(".github/workflows/{}.yml", workflow.to_lowercase());
    let mut spec = RunSpec::new(run).workflow(workflow, path).pull_request(20);
    for (at, name) in jobs.iter().enumerate() {
        spec = spec.job((run * 10 + at as u64, *name));
    }
    s.repo(REPO).add_run(spec);
    s.run(run).start();
    for at in 0..jobs.len() {
        s.job(run * 10 + at as u64).start();
    }
}

/// Ends all jobs of a run like this, and the run.
fn end(s: &mut State, run: u64, conclusions: &[&str]) {
    for (at, conclusion) in conclusions.iter().enumerate() {
        s.job(run * 10 + at as u64).complete(conclusion);
    }
    s.run(run).settle();
}

/// A report that is looked at again and again, by GitHub's clock.
struct Bench {
    gh: Fake,
    client: GitHub,
    memory: Memory,
    spec: TestRunReportSpec,
    status: Option<TestRunReportStatus>,
}

impl Bench {
    fn start(scenario: Scenario) -> Self {
        Self::of(scenario, spec(REPO, |s| s.pull_request = Some(20)))
    }

    fn of(scenario: Scenario, spec: TestRunReportSpec) -> Self {
        let gh = Fake::start(scenario);
        gh.pause();
        let settings = Settings { timeout: std::time::Duration::from_secs(5), ..Settings::default() };
        let client = client_with(&gh, Credential::Token(SecretString::from(fake::TOKEN)), settings);
        Self { gh, client, memory: Memory::new(), spec, status: None }
    }

    /// A run of one workflow that has ended like this, long enough ago.
    fn ended(jobs: &[(&'static str, &'static str)]) -> Self {
        let jobs = jobs.to_vec();
        let bench = Self::start(empty().setup(move |s| {
            let (names, ends): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
            begin(s, 77, "CI", &names);
            end(s, 77, &ends);
        }));
        bench.gh.advance(secs(600));
        bench
    }

    fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.gh.update(change)
    }

    async fn observe(&self) -> Observations {
        collect(&self.client, &self.spec, &self.memory, Look::whole()).await
    }

    /// The verdict of a look now, after all looks before.
    async fn verdict(&mut self) -> String {
        let observations = self.observe().await;
        let now = self.gh.now().to_string().parse().unwrap();
        let context = Context {
            generation: 1,
            name: None,
            namespace: None,
            previous: self.status.as_ref(),
            waivers: Default::default(),
            now,
            moved: false,
        };
        self.status = Some(evaluate(&self.spec, &observations, &context).status);
        self.condition("Passed")
    }

    fn condition(&self, kind: &str) -> String {
        let all = &self.status.as_ref().expect("it was looked at").conditions;
        let c = all.iter().find(|c| c.type_ == kind).unwrap();
        format!("{}/{}", c.status, c.reason)
    }

    fn message(&self) -> String {
        let all = &self.status.as_ref().expect("it was looked at").conditions;
        all.iter().find(|c| c.type_ == "Passed").unwrap().message.clone()
    }

    fn clean(&self) {
        assert!(self.gh.violations().is_empty(), "{:?}", self.gh.violations());
    }
}
