//! Want of memory: the kernel ends a process that would have more than its container may.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::limits::{RECEIVES, address};
use crate::cluster::cluster;
use crate::history::REPO;
use crate::history::life::{fail, github, pass_again};
use crate::reports;
use crate::story::condition;
use crate::story::operator::Operator;

/// What it may have beyond what it had when it was put there.
const MOST: &str = "4000000";
/// Bytes of a body that nobody has signed: it is read whole before that is known.
const BODY: usize = 3 << 20;
const CROWD: usize = 24;

/// A control group of its own with a limit of memory; it ends with this value.
struct Group(PathBuf);

impl Group {
    /// None where it may not be made.
    fn new(name: &str) -> Option<Self> {
        [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")]
            .into_iter()
            .find_map(|(root, limit)| {
                let path = Path::new(root).join(name);
                std::fs::create_dir(&path).ok()?;
                let group = Self(path);
                std::fs::write(group.0.join(limit), MOST).ok()?;
                Some(group)
            })
    }

    fn take(&self, pid: u32) {
        std::fs::write(self.0.join("cgroup.procs"), pid.to_string()).unwrap();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_by_the_kernel_for_its_memory_nothing_is_half_done() {
    let plane = cluster().await;
    let namespace = plane.namespace("memory").await.unwrap();
    let Some(group) = Group::new(&namespace) else {
        println!("skipped: control groups for memory cannot be made here");
        return;
    };
    let gh = github();
    let mut operator = Operator::start(plane, &namespace, gh.url(), &RECEIVES).await;
    reports::create(plane, &namespace, "r", reports::of_pull(REPO, 20)).await;
    reports::until(plane, &namespace, "r", "Passed", "Unknown/Running").await;
    group.take(operator.id());
    let address = address(&operator);
    let crowd: Vec<_> = (0..CROWD)
        .map(|_| {
            let address = address.clone();
            tokio::spawn(async move {
                let head = format!(
                    "POST /webhooks/github.com HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                     X-GitHub-Event: workflow_run\r\nX-GitHub-Delivery: d\r\nX-Hub-Signature-256: sha256={}\r\n\
                     Content-Length: {BODY}\r\n\r\n",
                    "0".repeat(64)
                );
                while let Ok(mut stream) = TcpStream::connect(&address).await {
                    let _ = stream.write_all(head.as_bytes()).await;
                    let _ = stream.write_all(&vec![b' '; BODY]).await;
                }
            })
        })
        .collect();
    // It is in the middle of this look when it ends, or before it.
    fail(&gh);
    assert_eq!(operator.ended().await.signal(), Some(9), "by the kernel");
    crowd.iter().for_each(|one| one.abort());
    let left = plane.kubectl_ok(&["get", "trr", "r", "-n", &namespace, "-o", "json"]).await.unwrap();
    let left: serde_json::Value = serde_json::from_str(&left).unwrap();
    assert_ne!(condition(&left, "Passed"), "True/AllRequiredSucceeded");

    let operator = Operator::start(plane, &namespace, gh.url(), &RECEIVES).await;
    reports::until(plane, &namespace, "r", "Stalled", "True/RequiredFailed").await;
    pass_again(&gh);
    reports::until(plane, &namespace, "r", "Passed", "True/AllRequiredSucceeded").await;
    operator.stop().await;
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}
