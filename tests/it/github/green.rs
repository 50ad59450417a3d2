//! Jobs that succeeded although tests in them failed, and nothing but their logs and reports says so.

use testkit::github::{ArtifactSpec, GitHub as Fake, RunSpec, Scenario, secs, sha_of};
use testrun_operator::api::TestRunReportStatus;
use testrun_operator::api::spec::{ArtifactsSpec, PassedJobs};
use testrun_operator::verdict::{Context, Waivers, evaluate};

use super::*;

const REPO: &str = "acme/shop";

/// `go test ./... || true`.
const HIDDEN: &str = "\
=== RUN   TestPay
    pay_test.go:12: got 3, want 4
--- FAIL: TestPay (0.01s)
=== RUN   TestShip
--- PASS: TestShip (0.00s)
FAIL
FAIL\texample.com/shop\t0.012s
FAIL
";
const CLEAN: &str = "ok  \texample.com/shop\t0.012s\n";
const JUNIT: &str =
    r#"<testsuite><testcase name="a"/><testcase name="b"><failure message="no"/></testcase></testsuite>"#;

/// A commit whose three jobs are green.
fn start() -> Fake {
    let gh = Fake::start(
        Scenario::new()
            .start_at("2026-01-23T16:00:00Z")
            .setup(|s| {
                s.add_repo(REPO);
                let run = RunSpec::new(77).sha(sha_of("head"));
                s.repo(REPO).add_run(run.job((501, "hides")).job((502, "clean")).job((503, "reports")));
                for id in [501, 502, 503] {
                    s.job(id).start();
                }
            })
            .at(secs(60), |s| {
                s.run(77).upload(ArtifactSpec::new("junit-reports").file("junit.xml", JUNIT));
            })
            .at(secs(70), |s| {
                s.job(501).log(HIDDEN).complete("success");
                s.job(502).log(CLEAN).complete("success");
                s.job(503).log("fine\n").complete("success");
                s.run(77).settle();
            }),
    );
    gh.pause();
    gh.advance(secs(600));
    gh
}

/// What a report says that reads these jobs, and how many logs and archives it asked for; a second look asks for none.
async fn seen(passed_jobs: PassedJobs) -> (TestRunReportStatus, usize) {
    let gh = start();
    let mut spec = spec(REPO, |s| s.sha = Some(sha_of("head")));
    spec.artifacts = Some(ArtifactsSpec {
        max_artifact_bytes: 1 << 20,
        max_log_bytes: 1 << 20,
        passed_jobs: Some(passed_jobs),
        ..ArtifactsSpec::default()
    });
    let (client, memory) = (client(&gh), Memory::new());
    let read = || {
        let paths = gh.requests().into_iter().map(|r| r.path);
        paths.filter(|p| p.starts_with("/repos") && (p.ends_with("/logs") || p.ends_with("/zip"))).count()
    };
    let facts = collect(&client, &spec, &memory, Look::whole()).await;
    let asked = read();
    assert_eq!(collect(&client, &spec, &memory, Look::whole()).await, facts);
    assert_eq!(read(), asked, "what was read is remembered");
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
    let context = Context {
        generation: 1,
        name: None,
        namespace: None,
        previous: None,
        waivers: Waivers::default(),
        now: "2026-01-23T17:00:00Z".parse().unwrap(),
        moved: false,
    };
    (evaluate(&spec, &facts, &context).status, asked)
}

#[tokio::test]
async fn tests_that_fail_inside_a_green_job_are_seen_where_the_report_wants_it() {
    let (status, asked) = seen(PassedJobs::All).await;
    let masked: Vec<_> = status.masked_failures.iter().map(|m| (m.job.as_str(), m.kind.as_str())).collect();
    assert_eq!(masked, [("hides", "FailingTests"), ("reports", "FailingTests")]);
    assert_eq!(asked, 4, "three logs and a report");
    let tests = status.summary.unwrap().tests;
    assert!(tests.counts.total >= 4, "{tests:?}");

    let (status, asked) = seen(PassedJobs::Suspicious).await;
    assert_eq!((status.masked_failures.len(), asked), (0, 0), "nothing points at them");
}
