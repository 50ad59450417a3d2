//! Facts from a GitHub in this process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod app;
mod archives;
mod conditional;
mod connections;
mod deployments;
mod downloads;
mod faults;
mod green;
mod limits;
mod live;
mod past;
mod pitfalls;
mod polling;
mod pr20;
mod published;
mod recorded;
mod reruns;
mod sweep;
mod trouble;

use secrecy::SecretString;
use testkit::github as fake;
use testrun_operator::api::spec::{GitHubSource, Source, TestRunReportSpec};
use testrun_operator::collect::{Look, Memory, collect};
use testrun_operator::github::{ApiBase, Credential, GitHub, Settings};
use testrun_operator::verdict::facts::{Facts, Observations, Trouble};

/// A client of the fake with its usual token.
pub fn client(gh: &fake::GitHub) -> GitHub {
    client_with(gh, Credential::Token(SecretString::from(fake::TOKEN)), Settings::default())
}

pub fn client_with(gh: &fake::GitHub, credential: Credential, settings: Settings) -> GitHub {
    GitHub::new(&ApiBase::parse(gh.url()).unwrap(), &credential, &settings).unwrap()
}

pub fn spec(repository: &str, set: impl FnOnce(&mut GitHubSource)) -> TestRunReportSpec {
    let mut github =
        GitHubSource { repository: repository.into(), connection: "github.com".into(), ..Default::default() };
    set(&mut github);
    TestRunReportSpec { source: Source { github }, ..Default::default() }
}

pub async fn look(gh: &fake::GitHub, spec: &TestRunReportSpec) -> Observations {
    collect(&client(gh), spec, &Memory::new(), Look::whole()).await
}

pub fn facts(observations: Observations) -> Facts {
    match observations {
        Observations::Facts(facts) => *facts,
        Observations::Trouble(trouble) => panic!("{trouble:?}"),
    }
}

pub fn trouble(observations: Observations) -> Trouble {
    match observations {
        Observations::Trouble(trouble) => trouble,
        Observations::Facts(_) => panic!("facts were read"),
    }
}
