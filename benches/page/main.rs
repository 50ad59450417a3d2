//! How fast the page is with ten thousand reports: `cargo bench --bench page [-- REPORTS [RESULTS]]`.
//!
//! Over HTTP, with a token that a real API server checks, and a history of so many results (a million) in a file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../tests/it/cluster.rs"]
#[allow(dead_code)]
mod cluster;
#[path = "../history/data.rs"]
mod data;

use std::time::{Duration, Instant};

use kube::runtime::reflector;
use kube::runtime::watcher::Event;
use serde_json::json;
use testkit::controlplane::ControlPlane;
use testrun_operator::api::TestRunReport;
use testrun_operator::cache::Kept;
use testrun_operator::config::Page;
use testrun_operator::history::{Bounds, History, Place, Store};
use testrun_operator::runtime::metrics::Metrics;
use testrun_operator::serve::{self, Reports, Site};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

const TIMES: usize = 200;
/// More than what is kept here.
const BOUNDS: Bounds = Bounds { age: Duration::from_secs(3_650 * 86_400), bytes: 64 << 30 };

/// How long until the first byte and the last, and how many there are.
async fn measure(address: &str, path: &str, token: &str) -> (Duration, Duration, usize) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    let begin = Instant::now();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0];
    stream.read_exact(&mut answer).await.unwrap();
    let first = begin.elapsed();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    (first, begin.elapsed(), answer.len())
}

/// An account that may read the reports of a namespace, by a token of it.
async fn reader(plane: &ControlPlane, namespace: &str) -> String {
    let n = format!("--namespace={namespace}");
    let account = format!("--serviceaccount={namespace}:reader");
    for args in [
        &["create", "serviceaccount", "reader", &n][..],
        &["create", "role", "reader", "--verb=get,list", "--resource=testrunreports.testrun.dev", &n],
        &["create", "rolebinding", "reader", "--role=reader", &account, &n],
    ] {
        plane.kubectl_ok(args).await.unwrap();
    }
    let token = ["create", "token", "reader", &n, "--audience=testrun-operator", "--duration=1h"];
    plane.kubectl_ok(&token).await.unwrap().trim().to_owned()
}

/// A report of a pull request with 24 jobs, two of which failed; every fourth passed.
fn report(namespace: &str, n: i64) -> TestRunReport {
    let passed = n % 4 == 0;
    let condition = |kind: &str, status: &str, reason: &str| {
        json!({"type": kind, "status": status, "reason": reason, "observedGeneration": 1,
            "message": "2 of 24 required jobs failed: integration (datastorage), integration (gateway)",
            "lastTransitionTime": "2026-01-02T03:04:05Z"})
    };
    let jobs = |range: std::ops::Range<i64>| -> Vec<serde_json::Value> {
        let one = |job: i64| {
            let state = if passed || job > 1 { "Succeeded" } else { "Failed" };
            json!({"name": format!("job {job}"), "state": state, "id": n * 100 + job, "runID": n + 1,
                "attempt": 1, "detail": "120 of 120 tests passed",
                "url": format!("https://github.com/octo-org/x/actions/runs/{}/job/{}", n + 1, n * 100 + job)})
        };
        range.map(one).collect()
    };
    let suite = |name: &str, range: std::ops::Range<i64>| {
        json!({"name": name, "state": if passed { "Succeeded" } else { "Failed" }, "policy": "Required",
            "passed": 6, "total": 6, "jobs": jobs(range)})
    };
    let excerpt: Vec<_> = (0..40)
        .map(|l| json!({"line": l, "text": "    expected <int>: 503 to equal <int>: 200 after the retry of the upload"}))
        .collect();
    let failures: Vec<_> = (0..if passed { 0 } else { 2 })
        .map(|job| {
            json!({"job": format!("job {job}"), "state": "Failed", "message": "exit code 1",
            "failingTests": [{"name": format!("job {job}: adds up 7")}], "excerpt": excerpt})
        })
        .collect();
    let (gate, reason) = if passed { ("True", "AllRequiredSucceeded") } else { ("False", "RequiredFailed") };
    serde_json::from_value(json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": format!("pr-{n}"), "namespace": namespace, "generation": 1,
            "creationTimestamp": "2026-01-02T03:04:05Z"},
        "spec": {"source": {"github": {"repository": data::repository(n % data::REPOSITORIES), "pullRequest": n + 1}}},
        "status": {"observedGeneration": 1, "phase": if passed { "Passed" } else { "Failed" },
            "source": {"repository": data::repository(n % data::REPOSITORIES), "sha": format!("{n:040x}"),
                "shortSha": format!("{:08x}", n), "pullRequest": n + 1, "branch": format!("feature/{n}"),
                "title": "Retry uploads that time out, once and after a pause",
                "url": format!("https://github.com/{}/pull/{}", data::repository(n % data::REPOSITORIES), n + 1)},
            "summary": {"failuresTotal": failures.len(), "jobs": {"total": 24, "succeeded": if passed { 24 } else { 22 },
                "display": "24/24"}},
            "suites": [suite("unit", 0..6), suite("lint", 6..12), suite("e2e", 12..18), suite("build", 18..24)],
            "failures": failures, "completedAt": "2026-01-02T03:04:05Z",
            "conditions": [condition("Passed", gate, reason), condition("Complete", "True", reason)]}}))
    .unwrap()
}

#[tokio::main]
async fn main() {
    let numbers: Vec<i64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let (count, results) =
        (numbers.first().copied().unwrap_or(10_000), numbers.get(1).copied().unwrap_or(1_000_000));
    let plane = cluster::cluster().await;
    plane.kubectl_ok(&["create", "namespace", data::NAMESPACE]).await.unwrap();
    let namespace = data::NAMESPACE;
    let token = reader(plane, namespace).await;
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("h.db"));
    let store = Store::open(&place, BOUNDS.bytes).await.unwrap();
    let kept = data::fill(&place, results).await;
    while store.fill().await.unwrap() {}
    drop(store);
    let end = CancellationToken::new();
    let (history, task) = History::start(place, BOUNDS, Metrics::new(), end.clone());
    let opened = async || history.store();
    let store = cluster::eventually(|| "the history to be open", opened).await;
    let (test, job) = data::worst(&store, &data::repository(7)).await;
    let escaped = |name: &str| -> String { url::form_urlencoded::byte_serialize(name.as_bytes()).collect() };
    let (watched, mut writer) = reflector::store();
    writer.apply_watcher_event(&Event::Init);
    for n in 0..count {
        writer.apply_watcher_event(&Event::InitApply(Kept::from(&report(namespace, n))));
    }
    writer.apply_watcher_event(&Event::InitDone);
    // A report that passed is read from the API server before it is shown.
    let mut passed = report(namespace, 8);
    let status = passed.status.take();
    let file = serde_json::to_string(&passed).unwrap();
    plane.admin().with_file(&file, &["create"]).await.unwrap();
    passed.status = status;
    let file = serde_json::to_string(&passed).unwrap();
    plane
        .admin()
        .with_file(&file, &["apply", "--server-side", "--subresource=status", "--force-conflicts"])
        .await
        .unwrap();
    let reports = Reports::default();
    reports.add(watched);
    let audiences = vec!["testrun-operator".to_owned()];
    let client = kube::Client::try_from(kubeconfig(plane).await).unwrap();
    let settings = Page { enabled: true, ..Page::default() };
    let site = Site::new(client, reports, audiences).with_history(history.clone()).with_page(&settings);
    let listener = serve::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(serve::serve(listener, None, site, end.clone()));
    println!("{count} reports in {} repositories, {kept} results in a file of SQLite\n", data::REPOSITORIES);
    println!("| | first byte, p50 | p99 of {TIMES} | page |\n|---|---|---|---|");
    let of = |path: &str, more: &str| {
        format!("{path}?namespace={namespace}&repository=octo-org/repository-07{more}")
    };
    for path in [
        "/".to_owned(),
        "/?page=200".to_owned(),
        "/?state=failed&repository=repository-07".to_owned(),
        format!("/reports/{namespace}/pr-7"),
        format!("/reports/{namespace}/pr-8"),
        of("/grid", ""),
        of("/history", &format!("&job={}", escaped(&job))),
        of("/history", &format!("&test={}", escaped(&test))),
        of("/history", ""),
        of("/patterns", ""),
    ] {
        measure(&address, &path, &token).await;
        let (mut times, mut size) = (Vec::new(), 0);
        for _ in 0..TIMES {
            let (first, _, bytes) = measure(&address, &path, &token).await;
            times.push(first);
            size = bytes;
        }
        times.sort();
        let at = |part: usize| times[(TIMES * part / 100).min(TIMES - 1)].as_secs_f64() * 1e3;
        // As the docs call them.
        let path = path.replace(namespace, "ci").replace("repository=octo-org/repository-07", "repository=R");
        println!("| `{path}` | {:.1} ms | {:.1} ms | {} KB |", at(50), at(99), size / 1000);
    }
    end.cancel();
    task.unwrap().await.unwrap();
}

async fn kubeconfig(plane: &ControlPlane) -> kube::Config {
    let read = kube::config::Kubeconfig::read_from(plane.kubeconfig_path()).unwrap();
    kube::Config::from_custom_kubeconfig(read, &Default::default()).await.unwrap()
}
