//! The operator as a process: its addresses, its answers, its end.

use std::process::Stdio;

use serde_json::Value;
use testkit::controlplane::ControlPlane;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, ChildStdin, Command};

use super::bench::{plane, soon};

struct Operator {
    child: Child,
    _lifeline: ChildStdin,
    log: Lines<BufReader<ChildStderr>>,
    address: String,
}

impl Operator {
    async fn start(plane: &ControlPlane, namespace: &str) -> Self {
        let mut child = Command::from(testkit::bound(env!("CARGO_BIN_EXE_testrun-operator")))
            .args(["run", "--health-addr", "127.0.0.1:0", "--log-format", "json", "--namespace", namespace])
            .env("KUBECONFIG", plane.kubeconfig_path())
            .env("GITHUB_TOKEN", "very-secret")
            .env("RUST_LOG", "info")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let lifeline = child.stdin.take().unwrap();
        let mut operator = Self { child, _lifeline: lifeline, log, address: String::new() };
        operator.address = operator.line("starts").await["fields"]["health"].as_str().unwrap().to_owned();
        operator
    }

    /// The next line of the log that says this.
    async fn line(&mut self, text: &str) -> Value {
        loop {
            let line = soon(text, self.log.next_line()).await.unwrap().expect("the log goes on");
            assert!(!line.contains("very-secret"), "{line}");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["fields"]["message"].as_str().unwrap_or_default().contains(text) {
                return line;
            }
        }
    }

    async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon(path, stream.read_to_string(&mut answer)).await.unwrap();
        answer
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_for_its_health_and_ends_in_order() {
    let plane = plane().await;
    let namespace = plane.namespace("process").await.unwrap();
    let mut operator = Operator::start(plane, &namespace).await;
    assert!(operator.get("/healthz").await.starts_with("HTTP/1.1 200"));
    // A namespace is ready before the process is, and both say so.
    while !operator.get("/readyz").await.starts_with("HTTP/1.1 200") {
        operator.line("ready").await;
    }
    let metrics = operator.get("/metrics").await;
    for name in ["testrun_build_info", "testrun_reports{", "testrun_reconcile_duration_seconds_bucket"] {
        assert!(metrics.contains(name), "{name} is missing in {metrics}");
    }
    let pid = operator.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    operator.line("testrun-operator ends").await;
    let status = soon("the process ends", operator.child.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn wrong_settings_are_refused_with_the_remedy() {
    let run = |args: &[&str]| {
        let output =
            std::process::Command::new(env!("CARGO_BIN_EXE_testrun-operator")).args(args).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    assert_eq!(run(&["--version"]).0, Some(0));
    let (code, text) = run(&["run", "--poll-interval", "0s"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("1s to 24h, such as 30s or 10m"), "{text}");
    let (code, text) = run(&["run", "--log-level", "loud=very=much"]);
    assert_ne!(code, Some(0));
    assert!(text.contains("--log-level must be a filter"), "{text}");
}
