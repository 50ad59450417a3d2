//! The operator as a process of its own.

use std::cell::Cell;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use testkit::controlplane::ControlPlane;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, Command};

use crate::cluster::eventually;

/// A running operator; it ends with this value.
pub struct Operator {
    child: Child,
    /// It ends when this is closed, also by the death of this process.
    _lifeline: ChildStdin,
    address: String,
    /// Where it receives webhooks, if it was told to.
    webhooks: Option<String>,
    /// Where it answers over HTTP, if it was told to.
    http: Option<String>,
    /// What it logged.
    log: Arc<Mutex<Vec<String>>>,
}

impl Operator {
    /// Starts it at a pace for tests, and waits until it listens.
    pub async fn start(plane: &ControlPlane, namespace: &str, github: &str, more: &[&str]) -> Self {
        Self::start_as(plane.kubeconfig_path(), namespace, github, more).await
    }

    /// As [`Operator::start`], with the rights of a kubeconfig.
    pub async fn start_as(kubeconfig: &Path, namespace: &str, github: &str, more: &[&str]) -> Self {
        Self::start_with(kubeconfig, namespace, github, more, &[]).await
    }

    /// As [`Operator::start_as`], with more in its environment.
    pub async fn start_with(
        kubeconfig: &Path,
        namespace: &str,
        github: &str,
        more: &[&str],
        env: &[(&str, &str)],
    ) -> Self {
        let mut child = Command::from(testkit::bound(env!("CARGO_BIN_EXE_testrun-operator")))
            .args(["run", "--health-addr", "127.0.0.1:0", "--log-format", "json", "--namespaces", namespace])
            .args(["--github-url", github, "--poll-interval", "1s"])
            .args(if more.is_empty() { &["--refresh-interval", "1s"][..] } else { more })
            .env("KUBECONFIG", kubeconfig)
            .env("GITHUB_TOKEN", testkit::github::TOKEN)
            .env("RUST_LOG", "info")
            .envs(env.iter().copied())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lifeline = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let (mut address, mut webhooks, mut http) = (None, None, None);
        let receives = more.contains(&"--webhook-addr");
        let answers = more.contains(&"--http-addr");
        while address.is_none() || receives && webhooks.is_none() || answers && http.is_none() {
            let Some(line) = lines.next_line().await.unwrap() else { break };
            log.lock().unwrap().push(line.clone());
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            let said = |name: &str| line["fields"][name].as_str().map(str::to_owned);
            address = address.or_else(|| said("health"));
            webhooks = webhooks.or_else(|| said("webhooks"));
            http = http.or_else(|| said("http"));
        }
        // The rest of the log is read so that the process never waits for its reader.
        let kept = log.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                kept.lock().unwrap().push(line);
            }
        });
        let address = address.expect("the operator says where it listens");
        Self { child, _lifeline: lifeline, address, webhooks, http, log }
    }

    /// How many lines of its log have this text.
    pub fn logged(&self, text: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|line| line.contains(text)).count()
    }

    /// Where deliveries for the default connection go.
    pub fn webhooks(&self) -> String {
        let address = self.webhooks.as_ref().expect("the operator was started with --webhook-addr");
        format!("http://{address}/webhooks/github.com")
    }

    /// Where it answers over HTTP.
    pub fn http(&self) -> String {
        format!("http://{}", self.http.as_ref().expect("the operator was started with --http-addr"))
    }

    /// Id of the process.
    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// SIGKILL.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Sends a signal by its name.
    pub async fn signal(&self, name: &str) {
        let pid = self.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().await.unwrap().success());
    }

    /// Waits for its end; a minute is far more than it may take.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        let end = tokio::time::timeout(Duration::from_secs(60), self.child.wait());
        end.await.expect("the operator to end").unwrap()
    }

    /// SIGTERM, and a clean end.
    pub async fn stop(mut self) {
        self.signal("TERM").await;
        assert!(self.ended().await.success());
    }

    /// The answer on the address of its health, with its head.
    pub async fn answers(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    /// The answer with all metrics, without its head.
    pub async fn metrics(&self) -> String {
        let text = self.answers("/metrics").await;
        text.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// Sum of a metric over its labels; a name with labels is one series.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.metrics().await;
        text.lines()
            .filter(|l| l.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ', ','])))
            .filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Waits until a metric has come to this: what is counted is seen before its count.
    pub async fn until_metric(&self, name: &str, is: impl Fn(f64) -> bool) {
        let last = Cell::new(f64::NAN);
        let told = async || {
            last.set(self.metric(name).await);
            is(last.get()).then_some(())
        };
        eventually(|| format!("another value of {name} than {}", last.get()), told).await;
    }
}
