//! The object stays small, and its totals stay true.

use super::*;
use crate::api::status::{ExcerptLine, FailingTest, TestTotals};

fn big(count: usize, failing_each: usize, red_every: usize) -> Facts {
    let list = (0..count)
        .map(|i| {
            let red = i % red_every == 0;
            let name =
                format!("integration tests of service {i} (linux-amd64, go1.26, shard {i} of {count})");
            let mut j = job(1000 + i as i64, &name, if red { "failure" } else { "success" });
            if red {
                j.evidence = Some(Evidence {
                    tests: Some(TestTotals {
                        total: 500,
                        passed: 500 - failing_each as i64,
                        failed: failing_each as i64,
                        ..Default::default()
                    }),
                    failing: (0..failing_each.min(200))
                        .map(|t| FailingTest {
                            name: format!("suite {i} test {t} {}", "long name ".repeat(30)),
                            file: Some(format!("internal/service{i}/deep/path/test_{t}_test.go")),
                            line: Some(t as i64),
                            message: Some("expected \"<a>\" to equal \u{2603} ".repeat(40)),
                        })
                        .collect(),
                    failing_total: failing_each as i64,
                    excerpt: (0..60)
                        .map(|l| ExcerptLine { line: l, text: format!("{l} {}", "error text ".repeat(40)) })
                        .collect(),
                    ..Default::default()
                });
            }
            j
        })
        .collect();
    facts(vec![run(7, list)])
}

fn bytes(e: &Evaluation) -> usize {
    serde_json::to_vec(&e.status).unwrap().len()
}

#[test]
fn a_thousand_jobs_and_ten_thousand_failing_tests_fit_and_totals_are_true() {
    let mut f = big(1000, 100, 10);
    f.artifacts = (0..600)
        .map(|i| ArtifactFact {
            id: i,
            name: format!("must-gather-{i}-{}", "x".repeat(180)),
            run_id: 7,
            url: "https://github.com/acme/shop/actions/runs/7/artifacts/1".into(),
            api_url: "https://api.github.com/repos/acme/shop/actions/artifacts/1/zip".into(),
            ..Default::default()
        })
        .collect();
    let e = eval(&spec(), &f);
    assert!(bytes(&e) < 256 << 10, "{}", bytes(&e));
    let summary = e.status.summary.as_ref().unwrap();
    assert_eq!((summary.jobs.total, summary.jobs.failed, summary.failing), (1000, 100, 100));
    assert_eq!((summary.failures_total, summary.failing_tests_total, summary.artifacts), (100, 10_000, 600));
    assert_eq!(summary.tests.counts.failed, 10_000);
    let listed: i64 = e.status.suites.iter().map(|s| s.jobs.len() as i64 + s.jobs_omitted).sum();
    assert_eq!(listed, 1000);
    assert!(e.status.notes[0].contains("cut"));
}

#[test]
fn a_hundred_jobs_fit_into_64_kib() {
    for red_every in [1, 4, 50] {
        let e = eval(&spec(), &big(100, 40, red_every));
        assert!(bytes(&e) < 64 << 10, "{red_every}: {}", bytes(&e));
        assert!(!e.status.failures[0].failing_tests.is_empty(), "the first failures keep their tests");
    }
}

#[test]
fn a_thousand_red_jobs_in_sixty_suites_fit() {
    let mut f = big(1000, 100, 1);
    for (i, j) in f.runs[0].jobs.iter_mut().enumerate() {
        j.name = format!("suite {} (shard {i})", i % 60);
    }
    let e = eval(&spec(), &f);
    assert!(bytes(&e) < 256 << 10, "{}", bytes(&e));
    assert!(e.status.suites.len() <= 70);
}

#[test]
fn a_usual_report_is_not_cut() {
    let mut f = big(22, 1, 5);
    for evidence in f.runs[0].jobs.iter_mut().filter_map(|j| j.evidence.as_mut()) {
        evidence.excerpt.truncate(8);
    }
    let e = eval(&spec(), &f);
    assert!(e.status.notes.iter().all(|n| !n.contains("cut")), "{:?} {}", e.status.notes, bytes(&e));
}
