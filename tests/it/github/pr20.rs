//! Pull request 20 as GitHub shows it.

use super::*;
use testkit::github::scenarios::pr20;
use testrun_operator::verdict::facts::Baseline;
use testrun_operator::verdict::{Context, evaluate};

fn pull() -> TestRunReportSpec {
    spec(pr20::REPOSITORY, |s| s.pull_request = Some(20))
}

#[tokio::test]
async fn both_runs_and_all_jobs_are_read() {
    let gh = fake::GitHub::start(pr20::pull_request_20());
    gh.advance(pr20::UNDECIDED);
    let client = client(&gh);
    let memory = Memory::new();
    let facts = facts(collect(&client, &pull(), &memory, Look::whole()).await);
    assert_eq!(facts.source.sha, pr20::SHA);
    assert_eq!(facts.source.pull_request, Some(20));
    assert_eq!(facts.runs.len(), 2);
    let jobs: Vec<_> = facts.runs.iter().flat_map(|r| &r.jobs).collect();
    let count = |c: Option<&str>| jobs.iter().filter(|j| j.conclusion.as_deref() == c).count();
    assert_eq!((jobs.len(), count(Some("success")), count(Some("failure")), count(None)), (23, 18, 4, 1));
    for job in jobs.iter().filter(|j| j.conclusion.as_deref() == Some("failure")) {
        let evidence = job.evidence.as_ref().expect("the log of a failed job was read");
        assert!(evidence.tests.is_some() && evidence.failing_total > 0, "{}: {evidence:?}", job.name);
        assert!(evidence.baseline, "{} was compared with the last green log", job.name);
    }
    assert!(matches!(&facts.expectations.baseline, Baseline::Found(b) if b.workflows.len() == 2));
    assert!(!facts.confirmed, "a list that cannot decide yet is not read twice");
    assert!(!facts.artifacts.is_empty());
    assert!(facts.gaps.is_empty(), "{:?}", facts.gaps);
    // 9 logs, 4 bundles and 5 sets of annotations are read once; 14 requests are what every look needs.
    assert!(client.requests() <= 32, "{} requests at the first look", client.requests());
    let before = client.requests();
    let _ = collect(&client, &pull(), &memory, Look::whole()).await;
    let second = client.requests() - before;
    assert!(second <= 17, "{second} requests at the second look");
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test]
async fn the_verdict_over_the_whole_story() {
    let gh = fake::GitHub::start(pr20::pull_request_20().rerun_green());
    let client = client(&gh);
    let memory = Memory::new();
    let mut status = None;
    let mut seen = Vec::new();
    for step in
        [pr20::UNDECIDED, pr20::CONCLUDED - pr20::UNDECIDED + fake::secs(60), pr20::GREEN - pr20::CONCLUDED]
    {
        gh.advance(step);
        let observations = collect(&client, &pull(), &memory, Look::whole()).await;
        let context = Context {
            waivers: Default::default(),
            generation: 1,
            name: None,
            namespace: None,
            previous: status.as_ref(),
            now: jiff::Timestamp::now(),
            moved: false,
        };
        let e = evaluate(&pull(), &observations, &context);
        let passed = e.status.conditions.iter().find(|c| c.type_ == "Passed").unwrap();
        seen.push(format!(
            "{} {} {}",
            passed.status,
            passed.reason,
            e.status.summary.as_ref().unwrap().jobs.display
        ));
        status = Some(e.status);
    }
    let status = status.unwrap();
    assert_eq!(
        seen,
        ["False RequiredFailed 17/22", "False RequiredFailed 17/22", "True AllRequiredSucceeded 22/22"],
        "an undecided suite is not counted as a success"
    );
    assert!(status.assessment.as_ref().unwrap().confidence > 80, "a pass on a re-run was seen");
    assert!(
        status.masked_failures.iter().any(|m| m.job.contains("Go Services")),
        "{:?}",
        status.masked_failures
    );
    assert!(
        status.failures.iter().all(|f| f.causes.iter().all(|c| c.kind != "Timing" || c.probability <= 50))
    );
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
