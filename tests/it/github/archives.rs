//! What failed jobs uploaded: test reports and must-gather bundles, and what became of them.

use testkit::github::{
    ArtifactSpec, Fault, GitHub as Fake, Match, RunSpec, Scenario, gzip, secs, sha_of, tar,
};
use testrun_operator::api::spec::ArtifactsSpec;
use testrun_operator::verdict::facts::{Analysis, Content, GapKind, Job};
use testrun_operator::verdict::{Context, evaluate};

use super::*;

const REPO: &str = "acme/shop";

const LOG: &str = "\
Running Suite: Audit - /src
Will run 3 of 3 specs
\u{2022} [FAILED] [12.036 seconds]
Audit [It] keeps rr-p3-c3965f58-0221
/src/audit_test.go:200

  [FAILED] Expected
      <int>: 0
  to equal
      <int>: 5
  In [It] at: /src/audit_test.go:213 @ 01/23/26 16:00:30.123
------------------------------
Summarizing 1 Failure:
  [FAIL] Audit [It] keeps rr-p3-c3965f58-0221
  /src/audit_test.go:213

Ran 3 of 3 Specs in 42.286 seconds
FAIL! -- 2 Passed | 1 Failed | 0 Pending | 0 Skipped
##[error]Process completed with exit code 1.
";

const JUNIT: &str = r#"<testsuites><testsuite name="Audit"><testcase name="a"/><testcase name="b"/>
<testcase name="[It] Audit keeps rr-p3-c3965f58-0221"><failure message="Expected 0 to equal 5"/></testcase></testsuite></testsuites>"#;

const BLOCKED: &str = "2026-01-23T16:00:29.000Z ERROR routing blocked name=rr-p3-c3965f58-0221 reason=DuplicateInProgress\n2026-01-23T15:00:00.000Z ERROR of an hour before code=7\n";

/// A bundle as the suites of one service write it.
fn bundle(service: &str, log: &str) -> Vec<u8> {
    let folder = format!("kubernaut-must-gather/{service}-integration-20260123-160030");
    let inspect = r#"[{"Name":"db_test","State":{"Status":"exited","ExitCode":137,"OOMKilled":true}}]"#;
    gzip(&tar(&[
        (format!("{folder}/{service}_db_test.log"), log.as_bytes().to_vec()),
        (format!("{folder}/{service}_db_inspect.json"), inspect.as_bytes().to_vec()),
    ]))
}

/// A run in which two jobs failed, one passed, and each uploaded something.
fn start(uploads: Vec<ArtifactSpec>) -> Fake {
    let gh = Fake::start(
        Scenario::new()
            .start_at("2026-01-23T16:00:00Z")
            .setup(|s| {
                s.add_repo(REPO);
                let jobs = [(501, "integration (ds)"), (502, "integration (gw)"), (503, "integration (aa)")];
                let run = jobs.iter().fold(RunSpec::new(77).sha(sha_of("head")), |run, job| run.job(*job));
                s.repo(REPO).add_run(run);
                for (id, _) in jobs {
                    s.job(id).start();
                }
            })
            .at(secs(60), move |s| {
                for upload in &uploads {
                    s.run(77).upload(upload.clone());
                }
            })
            .at(secs(70), |s| {
                s.job(501).log(LOG).complete("failure");
                s.job(502).log("##[error]boom\n").complete("failure");
                s.job(503).log("fine\n").complete("success");
                s.run(77).settle();
            }),
    );
    gh.pause();
    gh.advance(secs(600));
    gh
}

fn head() -> TestRunReportSpec {
    spec(REPO, |s| s.sha = Some(sha_of("head")))
}

fn job<'f>(facts: &'f Facts, name: &str) -> &'f Job {
    facts.runs[0].jobs.iter().find(|j| j.name == name).unwrap()
}

fn analysis<'f>(facts: &'f Facts, name: &str) -> &'f Analysis {
    let artifact = facts.artifacts.iter().find(|a| a.name == name).unwrap();
    artifact.analysis.as_ref().unwrap_or_else(|| panic!("{name} was not looked at"))
}

fn state(facts: &Facts, name: &str) -> Content {
    analysis(facts, name).state
}

#[tokio::test]
async fn reports_and_bundles_of_failed_jobs_are_read_once() {
    let gh = start(vec![
        ArtifactSpec::new("junit-ds").file("out/junit.xml", JUNIT),
        ArtifactSpec::new("copy-of-test-results-ds").file("junit.xml", JUNIT),
        ArtifactSpec::new("must-gather-ds-77").file("must-gather-ds.tar.gz", bundle("ds", BLOCKED)),
        ArtifactSpec::new("must-gather-aa-77").file("must-gather-aa.tar.gz", bundle("aa", "INFO fine\n")),
        ArtifactSpec::new("junit-gw").file("junit.xml", r#"<testsuite><testcase name="x"/><testcase name="y"><error message="no"/></testcase></testsuite>"#),
        ArtifactSpec::new("coverage-ds").file("c.out", "x"),
    ]);
    let client = client(&gh);
    let memory = Memory::new();
    let facts = facts(collect(&client, &head(), &memory, Look::whole()).await);
    assert!(facts.gaps.is_empty(), "{:?}", facts.gaps);

    let evidence = job(&facts, "integration (ds)").evidence.as_ref().unwrap();
    let tests = evidence.tests.unwrap();
    assert_eq!(
        (tests.total, tests.failed),
        (3, 1),
        "the log, the report and its copy tell of the same tests"
    );
    assert_eq!(evidence.failing[0].line, Some(213), "the log knows the place");
    let tests = job(&facts, "integration (gw)").evidence.as_ref().unwrap().tests.unwrap();
    assert_eq!((tests.total, tests.errored), (2, 1), "only the report counts");
    assert_eq!(analysis(&facts, "junit-gw").message.as_deref(), Some("junit: 2 tests, 1 failed"));

    let found = analysis(&facts, "must-gather-ds-77");
    assert_eq!(
        (found.state, found.layout.as_deref(), found.files),
        (Content::Analysed, Some("kubernaut-integration"), 2)
    );
    let first = &found.findings[0];
    assert!(
        first.related && first.text.contains("DuplicateInProgress"),
        "the failing test's own first: {:?}",
        found.findings
    );
    let oom = found.findings.iter().find(|f| f.kind == "OomKilled").unwrap();
    assert!(oom.also_passing, "a job that passed has it too: it explains nothing");
    assert!(facts.artifacts.iter().find(|a| a.name == "coverage-ds").unwrap().analysis.is_none());

    let before = gh.requests().len();
    let again = super::facts(collect(&client, &head(), &memory, Look::whole()).await);
    let asked: Vec<String> = gh.requests().split_off(before).into_iter().map(|r| r.path).collect();
    assert!(asked.iter().all(|path| !path.contains("/zip") && !path.contains("/logs")), "{asked:?}");
    assert_eq!(again.artifacts, facts.artifacts, "and what was found is still there");
    assert_eq!(again.runs, facts.runs);
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test]
async fn what_became_of_a_bundle_is_a_fact_with_a_reason() {
    let named = |name: &str| ArtifactSpec::new(name).file("must-gather-ds.tar.gz", bundle("ds", BLOCKED));
    let other = format!("sha256:{}", "0".repeat(64));
    for (case, upload, set, limit, want) in [
        ("whole", named("must-gather-ds"), None, None, (Content::Analysed, "Recorded", "False/NotCollected")),
        (
            "not what was uploaded",
            named("must-gather-ds").claimed_digest(Some(&other)),
            None,
            None,
            (Content::Corrupt, "Corrupt", "False/NotCollected"),
        ),
        (
            "no archive",
            ArtifactSpec::new("must-gather-ds").zip(b"PK\x03\x04 torn".to_vec()),
            None,
            None,
            (Content::Corrupt, "Corrupt", "False/NotCollected"),
        ),
        (
            "said to be large",
            named("must-gather-ds").claimed_size(1 << 40),
            None,
            None,
            (Content::TooLarge, "TooLarge", "False/NotCollected"),
        ),
        (
            "larger than the spec allows",
            named("must-gather-ds"),
            None,
            Some(100),
            (Content::TooLarge, "TooLarge", "False/NotCollected"),
        ),
        (
            "nothing may be read",
            named("must-gather-ds"),
            None,
            Some(0),
            (Content::NotRead, "Recorded", "False/NotCollected"),
        ),
        (
            "expired",
            named("must-gather-ds").retention_days(0),
            None,
            None,
            (Content::Expired, "Expired", "False/NotCollected"),
        ),
        (
            "away",
            named("must-gather-ds"),
            Some(Fault::Status(503)),
            None,
            (Content::NotRead, "Recorded", "False/NotCollected"),
        ),
    ] {
        let gh = start(vec![upload]);
        if let Some(fault) = set {
            gh.fail(Match::blobs("/artifacts/"), fault);
        }
        let mut spec = head();
        if let Some(max_artifact_bytes) = limit {
            spec.artifacts =
                Some(ArtifactsSpec { max_artifact_bytes, max_log_bytes: 1 << 20, ..Default::default() });
        }
        let memory = Memory::new();
        let client = client(&gh);
        let facts = facts(collect(&client, &spec, &memory, Look::whole()).await);
        let (content, bundle, condition) = want;
        assert_eq!(state(&facts, "must-gather-ds"), content, "{case}: {:?}", facts.artifacts);
        let why = analysis(&facts, "must-gather-ds").message.as_deref().unwrap_or_default();
        assert!(content == Content::Analysed || !why.is_empty(), "{case}");

        let context = Context {
            waivers: Default::default(),
            generation: 1,
            name: Some("pr-20"),
            namespace: Some("ci"),
            previous: None,
            now: facts.read_at,
            moved: false,
        };
        let read_again = content == Content::NotRead && limit.is_none();
        assert_eq!(facts.gaps.iter().any(|g| g.kind == GapKind::Bundle), read_again, "{case}");
        let status = evaluate(&spec, &Observations::Facts(Box::new(facts)), &context).status;
        let of = |job: &str| status.failures.iter().find(|f| f.job == job).unwrap().bundle.clone();
        assert_eq!(of("integration (ds)").as_deref(), Some(bundle), "{case}");
        assert_eq!(of("integration (gw)").as_deref(), Some("NotCollected"), "{case}");
        let available = status.conditions.iter().find(|c| c.type_ == "ArtifactsAvailable").unwrap();
        assert_eq!(format!("{}/{}", available.status, available.reason), condition, "{case}");
        let commands: Vec<&String> =
            status.recommendation.iter().flat_map(|r| &r.options).flat_map(|o| &o.commands).collect();
        let ways = [
            "kubectl testrun artifacts pr-20 -n ci --download must-gather",
            "gh run download 77 --repo acme/shop --name must-gather-ds --dir must-gather-ds",
        ];
        let shown = ways.iter().all(|way| commands.iter().any(|c| c == way));
        assert_eq!(shown, content != Content::Expired, "{case}: {commands:?}");

        if read_again {
            gh.clear_faults();
            let facts = super::facts(collect(&client, &spec, &memory, Look::whole()).await);
            assert_eq!(state(&facts, "must-gather-ds"), Content::Analysed, "{case}: the next look reads it");
        }
        assert!(gh.violations().is_empty(), "{case}: {:?}", gh.violations());
    }
}

#[tokio::test]
async fn the_report_of_an_earlier_attempt_is_not_that_of_a_later_one() {
    let gh = start(vec![ArtifactSpec::new("junit-ds").file("junit.xml", JUNIT)]);
    gh.update(|s| {
        s.run(77).rerun("dev", |job| job.id == 501);
    });
    gh.advance(secs(300));
    gh.update(|s| {
        s.run(77).job("integration (ds)").start();
    });
    gh.advance(secs(60));
    gh.update(|s| {
        s.run(77).job("integration (ds)").log("nothing of use\n").complete("failure");
        s.run(77).settle();
    });
    gh.advance(secs(60));
    let facts = facts(look(&gh, &head()).await);
    let attempts: Vec<(i64, Option<i64>)> = facts.runs[0]
        .jobs
        .iter()
        .filter(|j| j.name == "integration (ds)")
        .map(|j| (j.attempt, j.evidence.as_ref().and_then(|e| e.tests).map(|t| t.total)))
        .collect();
    assert!(attempts.contains(&(1, Some(3))) && attempts.contains(&(2, None)), "{attempts:?}");
}

#[tokio::test]
async fn a_container_that_was_killed_while_the_test_ran_is_its_cause() {
    let inspect = |finished: &str| {
        format!(
            r#"[{{"Name":"db_test","State":{{"Status":"exited","ExitCode":137,"OOMKilled":true,"FinishedAt":"{finished}"}}}}]"#
        )
    };
    for (finished, first) in [("2026-01-23T16:00:30Z", Some("OutOfMemory")), ("2026-01-23T15:01:05Z", None)] {
        let folder = "kubernaut-must-gather/ds-integration-20260123-160030";
        let files = [(format!("{folder}/ds_db_inspect.json"), inspect(finished).into_bytes())];
        let gh = start(vec![ArtifactSpec::new("must-gather-ds-77").file("m.tar.gz", gzip(&tar(&files)))]);
        let facts = facts(look(&gh, &head()).await);
        let window = job(&facts, "integration (ds)").evidence.as_ref().unwrap().window;
        let context = Context {
            waivers: Default::default(),
            generation: 1,
            name: None,
            namespace: None,
            previous: None,
            now: facts.read_at,
            moved: false,
        };
        let status = evaluate(&head(), &Observations::Facts(Box::new(facts)), &context).status;
        let failure = status.failures.iter().find(|f| f.job == "integration (ds)").unwrap();
        let memory = failure.causes.first().filter(|c| c.kind == "OutOfMemory");
        assert_eq!(memory.map(|c| c.kind.as_str()), first, "{window:?} {:?}", failure.causes);
        if let Some(memory) = memory {
            assert!(memory.because[0].contains("ds_db_inspect.json"), "{memory:?}");
        }
    }
}
