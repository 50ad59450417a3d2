//! Want: of file descriptors, of room on a disk, of CPU. The limits are those of the process, set while it
//! runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::controlplane::ControlPlane;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::cluster::{audited, cluster, eventually};
use crate::copies::{self, bundle};
use crate::history::REPO;
use crate::history::life::{fail, github, pass_again};
use crate::leader;
use crate::reports;
use crate::story::operator::Operator;

/// Arguments of one that receives webhooks.
pub(super) const RECEIVES: [&str; 6] = [
    "--refresh-interval", "1s", "--webhook-addr", "127.0.0.1:0", "--webhook-secret", "a secret of the tests",
];

/// Where it receives them.
pub(super) fn address(operator: &Operator) -> String {
    operator.webhooks().split('/').nth(2).unwrap().to_owned()
}

/// Sets what the process may have of something; what it has already it keeps.
async fn limit(operator: &Operator, what: &str, most: &str) {
    let pid = operator.id().to_string();
    // Only the soft limit, so that it can be lifted again by whoever set it.
    let limit = format!("--{what}={most}:");
    assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().await.unwrap().success());
}

/// How many file descriptors it has.
fn descriptors(operator: &Operator) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", operator.id())).unwrap().count()
}

/// What it has used of a CPU.
fn used(operator: &Operator) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", operator.id())).unwrap();
    let ticks: u64 = stat
        .rsplit(") ")
        .next()
        .unwrap()
        .split(' ')
        .skip(11)
        .take(2)
        .map(|n| n.parse::<u64>().unwrap())
        .sum();
    // A hundred a second on every Linux.
    Duration::from_millis(ticks * 10)
}

async fn passed(plane: &ControlPlane, namespace: &str) -> String {
    let path = "jsonpath={.status.conditions[?(@.type==\"Passed\")].status}";
    plane.kubectl_ok(&["get", "trr", "r", "-n", namespace, "-o", path]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_file_descriptors_it_waits_and_goes_on_when_there_are_some() {
    let plane = cluster().await;
    let namespace = plane.namespace("files").await.unwrap();
    let gh = github();
    let operator = Operator::start(plane, &namespace, gh.url(), &RECEIVES).await;
    reports::create(plane, &namespace, "r", reports::of_pull(REPO, 20)).await;
    reports::until(plane, &namespace, "r", "Passed", "Unknown/Running").await;
    let most = descriptors(&operator) + 4;
    limit(&operator, "nofile", &most.to_string()).await;
    // Whoever is cut off for saying nothing comes again.
    let address = address(&operator);
    let crowd: Vec<_> = (0..60)
        .map(|_| {
            let address = address.clone();
            tokio::spawn(async move {
                loop {
                    let Ok(mut stream) = TcpStream::connect(&address).await else { continue };
                    let _ = stream.write_all(b"POST /webhooks/github.com HTTP/1.1\r\nHost: x\r\n").await;
                    let mut answer = Vec::new();
                    let _ = stream.read_to_end(&mut answer).await;
                }
            })
        })
        .collect();
    eventually(|| "no descriptor to be left", async || (descriptors(&operator) >= most).then_some(())).await;
    fail(&gh);
    // Whether it spins can only be seen over a time.
    let (begin, before) = (Instant::now(), used(&operator));
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (used, over) = (used(&operator) - before, begin.elapsed());
    println!("{most} descriptors: {used:?} of CPU in {over:?}");
    assert!(used < over / 3, "{used:?} in {over:?}");
    assert_ne!(passed(plane, &namespace).await, "True");
    let told = async || (operator.logged("no connection for webhooks can be taken") > 0).then_some(());
    eventually(|| "it to be said", told).await;
    crowd.iter().for_each(|one| one.abort());
    reports::until(plane, &namespace, "r", "Stalled", "True/RequiredFailed").await;
    // Nobody was let in for nothing: it answers, and takes more than before.
    operator.until_metric("testrun_status_writes_total", |n| n >= 2.0).await;
    pass_again(&gh);
    reports::until(plane, &namespace, "r", "Passed", "True/AllRequiredSucceeded").await;
    assert_eq!(operator.logged("panicked"), 0);
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_on_the_disk_verdicts_are_the_same_and_what_was_not_kept_is_told() {
    let plane = cluster().await;
    let namespace = plane.namespace("disk").await.unwrap();
    let gh = copies::github(vec![bundle("must-gather-unit", 901, 100_000)]);
    let dir = tempfile::tempdir().unwrap();
    let (db, folder) = (dir.path().join("h.db"), dir.path().join("copies"));
    std::fs::create_dir(&folder).unwrap();
    let store = format!("file://{}", folder.display());
    let args = [
        "--refresh-interval",
        "1s",
        "--history",
        "sqlite",
        "--history-file",
        db.to_str().unwrap(),
        "--artifacts-store",
        &store,
    ];
    let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
    // No file may become longer than it is, as on a disk that is full.
    limit(&operator, "fsize", "0").await;
    reports::create(plane, &namespace, "r", reports::of_pull(REPO, 20)).await;
    let report = copies::until(plane, &namespace, "r", &[("must-gather-unit", "Failed")]).await;
    let why = copies::copy(&report, "must-gather-unit")["message"].as_str().unwrap().to_owned();
    println!("{why}");
    let told = async || {
        let failed = operator.metric("testrun_history_records_total{outcome=\"failed\"}").await;
        (failed > 0.0 && operator.metric("testrun_history_usable").await == 0.0).then_some(())
    };
    eventually(|| "the store to be in trouble", told).await;
    operator.until_metric("testrun_artifact_copies_total{outcome=\"failed\"}", |n| n > 0.0).await;
    assert!(
        operator.answers("/readyz").await.starts_with("HTTP/1.1 200"),
        "a full disk is no reason to lead no more"
    );

    // Somebody makes room.
    limit(&operator, "fsize", "unlimited").await;
    let kept = async || {
        let stored = operator.metric("testrun_history_records_total{outcome=\"stored\"}").await;
        (stored > 0.0 && operator.metric("testrun_history_usable").await == 1.0).then_some(())
    };
    eventually(|| "the store to be usable", kept).await;
    operator.stop().await;
    // Nothing half written is in the way of the next process.
    let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
    copies::until(plane, &namespace, "r", &[("must-gather-unit", "Copied")]).await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

/// Lets a process run for a tenth of the time, until it is dropped.
struct Starved(Arc<AtomicBool>, Option<std::thread::JoinHandle<()>>);

impl Starved {
    fn new(operator: &Operator) -> Self {
        let (pid, over) = (operator.id().to_string(), Arc::<AtomicBool>::default());
        let end = over.clone();
        let signal = move |name: &str| {
            let _ = std::process::Command::new("kill").args([name, &pid]).status();
        };
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::SeqCst) {
                signal("-STOP");
                std::thread::sleep(Duration::from_millis(90));
                signal("-CONT");
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Self(over, Some(thread))
    }
}

impl Drop for Starved {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        drop(self.1.take().map(std::thread::JoinHandle::join));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_tenth_of_a_cpu_it_is_slow_and_right_and_alone() {
    let plane = cluster().await;
    let (dir, gh) = (tempfile::tempdir().unwrap(), leader::running());
    let namespace = plane.namespace("starved").await.unwrap();
    let all = std::slice::from_ref(&namespace);
    let mark = plane.audit_mark().unwrap();
    let first = leader::replica(plane, dir.path(), &namespace, all, &gh, 1).await;
    leader::until_held(&first, 1).await;
    let second = leader::replica(plane, dir.path(), &namespace, all, &gh, 1).await;
    leader::create(plane, &namespace).await;
    leader::until_phase(plane, &namespace, "Running").await;
    let starved = Starved::new(&first);
    // Two with the same trouble would be the same test.
    let begin = Instant::now();
    leader::fail(&gh);
    leader::until_phase(plane, &namespace, "Failed").await;
    println!("a verdict in {:?}", begin.elapsed());
    drop(starved);
    // Two answers are of two times: between them it may have gone from the one to the other.
    let one = async || (leader::held(&first).await + leader::held(&second).await == 1.0).then_some(());
    eventually(|| "one leader", one).await;
    audited(plane).await;
    let events = plane.audit_events_since(mark).unwrap();
    let writes =
        events.iter().filter(|e| e.namespace() == namespace && e.target() == "testrunreports/status");
    let codes: Vec<_> = writes.filter_map(|e| e.code()).collect();
    assert!(codes.len() <= 4 && codes.iter().all(|c| *c == 200), "one writer: {codes:?}");
    first.stop().await;
    second.stop().await;
}
