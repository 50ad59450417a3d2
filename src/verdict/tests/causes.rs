//! What must-gather bundles add to the causes of a failure, and to how sure the report is.

use super::*;
use crate::api::status::{BundleFinding, Cause};
use crate::verdict::thresholds::*;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

fn cause(kind: &str, probability: i64) -> Cause {
    Cause { kind: kind.into(), probability, evidence: vec![7], ..Default::default() }
}

/// A finding of the failing test's time.
fn finding(kind: &str, reason: &str, text: &str) -> BundleFinding {
    BundleFinding {
        kind: kind.into(),
        severity: "Critical".into(),
        object: "ns/db-0/db".into(),
        reason: reason.into(),
        text: text.into(),
        count: 1,
        related: true,
        first_seen: Some(Time(at(30))),
        last_seen: Some(Time(at(30))),
        file: "core/pods.yaml".into(),
        line: Some(12),
        ..Default::default()
    }
}

/// A job that failed with these causes, and its bundle.
fn facts_of(causes: Vec<Cause>, findings: Vec<BundleFinding>) -> Facts {
    let mut f = jobs(&[("integration (ds)", "failure"), ("integration (gw)", "success")]);
    f.runs[0].jobs[0].evidence =
        Some(Evidence { causes, window: Some((at(20), at(40))), baseline: true, ..Default::default() });
    f.artifacts = vec![ArtifactFact {
        id: 1,
        name: "must-gather-logs-ds-7".into(),
        run_id: 7,
        size_bytes: 10,
        analysis: Some(Analysis { state: Content::Analysed, findings, ..Default::default() }),
        ..Default::default()
    }];
    f
}

fn causes(f: &Facts) -> Vec<Cause> {
    eval(&spec(), f).status.failures[0].causes.clone()
}

fn told(f: &Facts) -> Vec<(String, i64)> {
    causes(f).into_iter().map(|c| (c.kind, c.probability)).collect()
}

#[test]
fn a_state_of_the_tests_time_is_the_cause_and_the_log_divides_the_rest() {
    // What the bundle says, and the cause that it shows.
    let cases = [
        ("OomKilled", "OOMKilled", "OOMKilled with code 137", "OutOfMemory"),
        ("WarningEvent", "OOMKilling", "Memory cgroup out of memory", "OutOfMemory"),
        ("ImagePull", "ImagePullBackOff", "waiting", "ImagePull"),
        ("WarningEvent", "Failed", "Failed to pull image \"x\": not found", "ImagePull"),
        ("Evicted", "Evicted", "The node was low on resource: ephemeral-storage", "DiskFull"),
        ("Evicted", "Evicted", "The node was low on resource: memory", "OutOfMemory"),
        ("NodeCondition", "KubeletHasDiskPressure", "DiskPressure is True", "DiskFull"),
        ("NodeCondition", "NodeStatusUnknown", "Ready is Unknown: Kubelet stopped", "InfrastructureNetwork"),
        ("ErrorLine", "no space left", "write /x: no space left on device", "DiskFull"),
        ("ContainerFailed", "CreateContainerConfigError", "secret not found", "Configuration"),
        ("CrashLoopBackOff", "CrashLoopBackOff", "back-off 40s", "Crash"),
    ];
    for (kind, reason, text, want) in cases {
        let f = facts_of(vec![cause("Timeout", 45), cause("Unknown", 55)], vec![finding(kind, reason, text)]);
        let found = causes(&f);
        assert_eq!(
            (found[0].kind.as_str(), found[0].probability),
            (want, BUNDLE_STATE),
            "{kind} {reason}: {found:?}"
        );
        assert!(found.iter().map(|c| c.probability).sum::<i64>() <= 100, "{found:?}");
        assert!(found.iter().find(|c| c.kind == "Timeout").unwrap().probability <= 15, "{found:?}");
        let because = &found[0].because;
        assert_eq!(because.len(), 1);
        for part in
            [kind, "ns/db-0/db", "at 2026-01-23T16:00:30Z", "must-gather-logs-ds-7: core/pods.yaml:12"]
        {
            assert!(because[0].contains(part), "{part}: {because:?}");
        }
        let assessment = eval(&spec(), &f).status.assessment.unwrap();
        let line = format!("integration (ds): a bundle shows {want}: {kind}");
        assert!(assessment.rationale.iter().any(|why| why.starts_with(&line)), "{:?}", assessment.rationale);
    }
}

#[test]
fn lines_of_other_logs_count_less_than_states() {
    for (kind, want) in [
        ("Conflict", "TestIsolation"),
        ("Dependency", "InfrastructureNetwork"),
        ("Network", "InfrastructureNetwork"),
        ("Crash", "Crash"),
    ] {
        let f = facts_of(vec![cause("Assertion", 80), cause("Unknown", 20)], vec![finding(kind, "x", "y")]);
        assert_eq!(told(&f)[1], (want.to_owned(), BUNDLE_LINES), "{kind}");
        assert_eq!(told(&f)[0].0, "Assertion");
    }
}

#[test]
fn what_is_of_another_time_or_is_usual_explains_nothing() {
    let oom = || finding("OomKilled", "OOMKilled", "");
    let own = vec![("Timeout".to_owned(), 45), ("Unknown".to_owned(), 55)];
    let log = || vec![cause("Timeout", 45), cause("Unknown", 55)];
    let mut sorted = own.clone();
    sorted.reverse();
    for (what, finding) in [
        ("a passing job has it too", BundleFinding { also_passing: true, ..oom() }),
        ("it was an hour before", BundleFinding { related: false, ..oom() }),
        ("lines that are not of the test", BundleFinding { related: false, ..finding("Conflict", "x", "") }),
        ("restarts say nothing of why", finding("Restarts", "", "restarted 3 times")),
        ("nor does a code", finding("ContainerExited", "exit code 1", "")),
    ] {
        assert_eq!(told(&facts_of(log(), vec![finding])), sorted, "{what}");
    }
    // Nobody knows when: it may be the cause.
    let undated = BundleFinding { related: false, first_seen: None, last_seen: None, ..oom() };
    let found = told(&facts_of(log(), vec![undated]));
    assert!(found.contains(&("OutOfMemory".to_owned(), BUNDLE_STANDING)), "{found:?}");
    let mut f = facts_of(log(), vec![BundleFinding { related: false, ..oom() }]);
    f.runs[0].jobs[0].evidence.as_mut().unwrap().window = None;
    assert!(told(&f).contains(&("OutOfMemory".to_owned(), BUNDLE_STANDING)), "the test's time is not known");
    // A bundle of another job, and what is no bundle.
    let mut f = facts_of(log(), vec![oom()]);
    f.artifacts[0].name = "must-gather-logs-gw-7".into();
    assert_eq!(told(&f), sorted, "another job's");
    f.artifacts[0].name = "test-results-ds".into();
    assert_eq!(told(&f), sorted, "no bundle");
}

#[test]
fn a_log_and_a_bundle_that_agree_make_it_surer_and_never_certain() {
    let oom =
        || vec![finding("OomKilled", "OOMKilled", ""), finding("CrashLoopBackOff", "CrashLoopBackOff", "")];
    let found = told(&facts_of(vec![cause("OutOfMemory", 60), cause("Unknown", 40)], oom()));
    assert_eq!(found[0], ("OutOfMemory".to_owned(), 88), "{found:?}");
    assert!(!found.iter().any(|(kind, _)| kind == "Crash"), "the crash is the memory's: {found:?}");
    let found = told(&facts_of(vec![cause("OutOfMemory", 90)], oom()));
    assert_eq!(found[0].1, CAUSE, "{found:?}");
    let two = vec![finding("OomKilled", "OOMKilled", ""), finding("ImagePull", "ErrImagePull", "")];
    let found = told(&facts_of(vec![cause("Timeout", 45), cause("Unknown", 55)], two));
    assert_eq!((found[0].1, found[1].1), (45, 45), "two share what one had: {found:?}");
    let many = (0..20).map(|_| finding("OomKilled", "OOMKilled", "")).collect();
    let found = causes(&facts_of(vec![cause("Unknown", 100)], many));
    assert_eq!((found[0].probability, found[0].because.len()), (BUNDLE_STATE, 3), "twenty say what one says");
}

#[test]
fn confidence_follows_what_the_bundle_shows() {
    let of = |baseline: bool, log: &str, findings: Vec<BundleFinding>| {
        let mut f = facts_of(vec![cause(log, 60), cause("Unknown", 40)], findings);
        f.runs[0].jobs[0].evidence.as_mut().unwrap().baseline = baseline;
        eval(&spec(), &f).status.assessment.unwrap()
    };
    let oom = || vec![finding("OomKilled", "OOMKilled", "")];
    let bare = of(false, "Timeout", Vec::new());
    let shown = of(false, "Timeout", oom());
    assert_eq!(shown.confidence - bare.confidence, NO_BASELINE.0, "{shown:?}");
    assert_eq!(of(true, "Timeout", oom()).confidence, of(true, "Timeout", Vec::new()).confidence);
    let against = of(true, "Compilation", oom());
    assert_eq!(of(true, "Compilation", Vec::new()).confidence - against.confidence, BUNDLE_DISAGREES);
    let line = "a log names Compilation and its bundle OutOfMemory";
    assert!(against.rationale.iter().any(|why| why.contains(line)), "{:?}", against.rationale);
    // An assertion or a wait is what a test sees of it.
    assert!(!of(true, "Assertion", oom()).rationale.iter().any(|why| why.contains("names Assertion")));
}

#[test]
fn hostile_names_of_a_bundle_stay_text_and_small() {
    let mut evil = finding("OomKilled", "OOMKilled", "x");
    evil.object = format!("\u{1b}[2J\u{202e}{}", "o".repeat(5000));
    evil.file = "f\n".repeat(3000);
    let found = causes(&facts_of(vec![cause("Unknown", 100)], vec![evil]));
    let because = &found[0].because[0];
    assert!(because.chars().count() <= 256 && !because.chars().any(char::is_control), "{because:?}");
    assert!(!because.contains('\u{202e}'));
}
