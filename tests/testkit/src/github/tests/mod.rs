//! Tests of the in-process GitHub: it must behave like the real one and notice what does not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access;
mod archives;
mod client;
mod faults;
mod hooks;
mod oas;
mod odd;
mod pr20;
mod reads;
mod wire;
mod writes;

use super::{ArtifactSpec, CheckSpec, GitHub, JobSpec, PullSpec, RunSpec, Scenario, secs, sha_of};

/// A repository `acme/shop` with pull request 20, a run in progress and a bit of everything.
fn shop() -> Scenario {
    Scenario::new().start_at("2026-01-23T16:00:00Z").setup(|s| {
        let head = sha_of("head");
        s.add_repo("acme/shop").branch("main", &sha_of("base")).pull_request(PullSpec::new(20, &head));
        s.repo("acme/shop")
            .add_run(RunSpec::new(77).pull_request(20).job((501, "unit")).job((502, "integration (db)")));
        s.job(501).start();
        s.job(501).log("Ran 1 of 1 Specs in 0.1 seconds").complete("success");
        s.job(502).start();
        s.run(77).upload(ArtifactSpec::new("reports").id(901).file("junit.xml", "<testsuite/>"));
        s.repo("acme/shop")
            .status(&head, "ci/external", "success")
            .rule("main", &[("unit", Some(super::ACTIONS_APP)), ("ci/external", None)])
            .protect("main", &[("unit", None)])
            .comment(20, "octo-dev", "looks good");
        s.repo("acme/shop").add_check(
            CheckSpec::new("coverage", &head, 999, "cov-app")
                .completed("success")
                .annotation(super::Annotation::new("warning", "src/a.rs", 3, "thin")),
        );
        s.repo("acme/shop").add_run(
            RunSpec::new(78)
                .workflow("Docs", ".github/workflows/docs.yml")
                .event("push")
                .job(JobSpec::new("docs").state("completed", Some("success")))
                .state("completed", Some("success")),
        );
    })
}

fn start() -> GitHub {
    GitHub::start(shop())
}
