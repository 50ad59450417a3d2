//! docs/examples: what kubectl shows of pull request 20, kept true.

use regex::{Captures, Regex};

use super::*;
use crate::generated::assert_file;

/// Without what differs from run to run: ages, times of this machine, ids, the port of the replayed GitHub.
fn steady(text: &str, namespace: &str) -> String {
    let text = text.replace(namespace, "ci");
    let of = |pattern: &str| Regex::new(pattern).unwrap();
    let text = of(r"http://127\.0\.0\.1:\d+").replace_all(&text, "https://github.com").into_owned();
    let text = of(r"(UID:\s+)[0-9a-f-]{36}")
        .replace_all(&text, "${1}5d3f0c1e-0000-4000-8000-000000000020")
        .into_owned();
    let text = of(r"(Resource Version:\s+)\d+").replace_all(&text, "${1}2020").into_owned();
    let text =
        of(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ").replace_all(&text, "2026-01-23T17:00:00Z").into_owned();
    // An age keeps its place in the column.
    let text = of(r"(?m)  (\d+m\d+s|\d+[smhd])( |$)").replace_all(&text, |found: &Captures<'_>| {
        let end = if found[2].is_empty() { "" } else { " " };
        let width = if end.is_empty() { 2 } else { found[1].len() };
        format!("  {:<width$}{end}", "5m")
    });
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kubectl_shows() {
    let plane = cluster().await;
    let namespace = plane.namespace("examples").await.unwrap();
    let gh = GitHub::start(pr20::pull_request_20().concluded());
    gh.pause();
    gh.advance(pr20::CONCLUDED + secs(60));
    let operator = Operator::start(plane, &namespace, gh.url(), &[]).await;
    create(plane, &namespace).await;
    until(plane, &namespace, "Stalled", "True/RequiredFailed").await;
    operator.stop().await;
    for (path, args) in [
        ("docs/examples/get.txt", &["get", "testrunreports", "-n", &namespace][..]),
        ("docs/examples/get-wide.txt", &["get", "testrunreports", "-n", &namespace, "-o", "wide"]),
        ("docs/examples/describe.txt", &["describe", "testrunreport", "pr-20", "-n", &namespace]),
    ] {
        assert_file(path, &steady(&plane.kubectl_ok(args).await.unwrap(), &namespace));
    }
}
