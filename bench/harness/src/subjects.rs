//! The programs that are measured, as processes of their own, and the scripted GitHub beside them.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hmac::{Hmac, Mac};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sha2::Sha256;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::github::{Counts, Server, Size, State};

/// Longest time that a program may take to become ready, or to end.
const PATIENCE: Duration = Duration::from_secs(300);
/// What webhooks are signed with.
const SECRET: &str = "bench";

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Subject {
    /// The operator of this repository.
    Operator,
    /// Its twin, written with controller-runtime.
    Peer,
    /// A client that writes the same objects and does nothing else.
    Bare,
}

impl Subject {
    /// Name in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Peer => "peer",
            Self::Bare => "bare",
        }
    }
}

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `testrun-operator`.
    pub operator: PathBuf,
    /// The peer.
    pub peer: PathBuf,
    /// This program, which also serves the scripted GitHub; where it is not given, this process does.
    pub harness: Option<PathBuf>,
}

impl Programs {
    /// Builds what is not given, as it is released.
    pub async fn build(root: &Path, operator: Option<PathBuf>, peer: Option<PathBuf>) -> Result<Self> {
        let harness = Some(std::env::current_exe()?);
        let operator = match operator {
            Some(given) => given,
            None => {
                say("building the operator");
                let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
                let mut build = Command::new(cargo);
                build.args([
                    "build", "--release", "--locked", "-p", "testrun-operator", "--bin", "testrun-operator",
                ]);
                run(build.current_dir(root)).await?;
                root.join("target/release/testrun-operator")
            }
        };
        let peer = match peer {
            Some(given) => given,
            None => build_peer(root).await?,
        };
        Ok(Self { operator, peer, harness })
    }
}

/// Builds the peer as it would be released.
pub async fn build_peer(root: &Path) -> Result<PathBuf> {
    say("building the peer");
    let out = root.join("target/bench/testrun-peer");
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-ldflags", "-s -w", "-o"]).arg(&out).arg(".");
    run(go.current_dir(root.join("bench/peer")).env("CGO_ENABLED", "0"))
        .await
        .context("the peer needs Go 1.26 or later on the PATH")?;
    Ok(out)
}

async fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Progress, beside the results.
pub fn say(text: &str) {
    eprintln!("bench: {text}");
}

/// How an operator is started.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    pub subject: Subject,
    pub programs: &'a Programs,
    pub kubeconfig: &'a Path,
    pub github: &'a str,
    pub workers: u16,
    /// Arguments of the experimenter for the operator.
    pub more: &'a [String],
    pub log: &'a Path,
}

/// A running operator; it is killed with this value.
#[derive(Debug)]
pub struct Running {
    child: Child,
    subject: Subject,
    health: SocketAddr,
    metrics: SocketAddr,
    webhooks: String,
    http: Http,
    /// Process id.
    pub pid: u32,
    /// From the start of the process until it said that it was ready.
    pub ready_after: Duration,
}

impl Running {
    /// Starts it and waits until it is ready.
    pub async fn start(start: Start<'_>) -> Result<Self> {
        let (health, metrics, webhooks) = (free()?, free()?, free()?);
        let log = File::create(start.log)?;
        let mut command = match start.subject {
            Subject::Operator => {
                let mut command = Command::new(&start.programs.operator);
                command
                    .args(["run", "--requests-per-minute", "0", "--github-url", start.github])
                    .args(["--health-addr", &health.to_string()])
                    .args(["--webhook-addr", &webhooks.to_string()])
                    .args(["--concurrency", &start.workers.to_string()])
                    .args(start.more);
                command
            }
            Subject::Peer => {
                let mut command = Command::new(&start.programs.peer);
                command
                    .args(["--github-url", start.github, "--workers", &start.workers.to_string()])
                    .args(["--health-probe-bind-address", &health.to_string()])
                    .args(["--metrics-bind-address", &metrics.to_string()])
                    .args(["--webhook-bind-address", &webhooks.to_string()]);
                command
            }
            Subject::Bare => bail!("the bare client is no process"),
        };
        let begun = Instant::now();
        let mut child = command
            .env("KUBECONFIG", start.kubeconfig)
            .env("GITHUB_TOKEN", "bench")
            .env("GITHUB_WEBHOOK_SECRET", SECRET)
            .env("WEBHOOK_SECRET", SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {}", start.subject.as_str()))?;
        let pid = child.id().context("the process ended at once")?;
        let http = Http::default();
        loop {
            if http.get(&format!("http://{health}/readyz")).await.is_ok() {
                break;
            }
            if let Some(status) = child.try_wait()? {
                let log = std::fs::read_to_string(start.log).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(5).collect();
                bail!("{} ended with {status}: {}", start.subject.as_str(), tail.join("\n"));
            }
            ensure!(begun.elapsed() < PATIENCE, "{} did not become ready", start.subject.as_str());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let ready_after = begun.elapsed();
        let metrics = if start.subject == Subject::Operator { health } else { metrics };
        let webhooks = format!("http://{webhooks}/webhooks/github.com");
        Ok(Self { child, subject: start.subject, health, metrics, webhooks, http, pid, ready_after })
    }

    /// Reconciles so far.
    pub async fn reconciles(&self) -> Result<f64> {
        let text = self.http.get(&format!("http://{}/metrics", self.metrics)).await?;
        let name = match self.subject {
            Subject::Operator => "testrun_reconciles_total{",
            _ => "controller_runtime_reconcile_total{",
        };
        Ok(sum(&text, name))
    }

    /// Sends it what GitHub delivers to webhooks.
    pub async fn deliver(&self, id: u64, body: String) -> Result<()> {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
        mac.update(body.as_bytes());
        let digest: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
        let request = http::Request::post(&self.webhooks)
            .header("content-type", "application/json")
            .header("x-github-event", "workflow_run")
            .header("x-github-delivery", format!("{id:08x}-0000-4000-8000-000000000000"))
            .header("x-hub-signature-256", format!("sha256={digest}"))
            .body(Full::from(body))?;
        self.http.request(request).await.map(drop)
    }

    /// Whether it says that it is ready.
    pub async fn ready(&self) -> bool {
        self.http.get(&format!("http://{}/readyz", self.health)).await.is_ok()
    }

    /// Ends it in order.
    pub async fn stop(mut self) -> Result<()> {
        run(Command::new("kill").args(["-TERM", &self.pid.to_string()])).await?;
        tokio::time::timeout(PATIENCE, self.child.wait()).await.context("it does not end")??;
        Ok(())
    }
}

/// Sum of the samples whose lines begin so.
pub fn sum(text: &str, name: &str) -> f64 {
    let values = text
        .lines()
        .filter(|l| l.starts_with(name))
        .filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok());
    values.sum()
}

fn free() -> Result<SocketAddr> {
    // Free a moment ago; nobody else on this machine takes it in between.
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// The scripted GitHub; it ends with this value.
#[derive(Debug)]
pub struct GitHub {
    served: Served,
    /// Address of its API.
    pub url: String,
    http: Http,
}

#[derive(Debug)]
enum Served {
    Process(Child),
    Task(JoinHandle<()>),
}

impl Drop for GitHub {
    fn drop(&mut self) {
        if let Served::Task(task) = &self.served {
            task.abort();
        }
    }
}

impl GitHub {
    /// Starts it as a process of its own, or in this one.
    pub async fn start(harness: Option<&Path>, size: Size, state: State) -> Result<Self> {
        let Some(harness) = harness else {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let url = format!("http://{}", listener.local_addr()?);
            let serve = Server::new(size, state).serve(listener);
            let served = Served::Task(tokio::spawn(async { drop(serve.await) }));
            return Ok(Self { served, url, http: Http::default() });
        };
        let mut child = Command::new(harness)
            .args([
                "github",
                "--jobs",
                &size.jobs.to_string(),
                "--repositories",
                &size.repositories.to_string(),
            ])
            .args(["--state", state.as_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let out = child.stdout.take().context("its output is a pipe")?;
        let url =
            BufReader::new(out).lines().next_line().await?.context("the scripted GitHub ended at once")?;
        Ok(Self { served: Served::Process(child), url, http: Http::default() })
    }

    /// Process id, where it has one of its own.
    pub fn pid(&self) -> Option<u32> {
        match &self.served {
            Served::Process(child) => child.id(),
            Served::Task(_) => None,
        }
    }

    /// What was asked so far.
    pub async fn counts(&self) -> Result<Counts> {
        Ok(serde_json::from_str(&self.http.get(&format!("{}/_bench/counts", self.url)).await?)?)
    }

    /// Moves one commit to another state.
    pub async fn move_to(&self, number: u32, state: State) -> Result<()> {
        let to = format!("{}/_bench/move/{}?from={number}&to={}", self.url, state.as_str(), number + 1);
        self.http.send(http::Method::POST, &to).await.map(drop)
    }

    /// What a webhook is sent of a commit.
    pub async fn delivery(&self, number: u32) -> Result<String> {
        self.http.get(&format!("{}/_bench/delivery/{number}", self.url)).await
    }

    /// Waits until nobody asks anything for a while.
    pub async fn quiet(&self, calm: Duration) -> Result<()> {
        let begun = Instant::now();
        let mut last = (self.counts().await?.total(), Instant::now());
        while last.1.elapsed() < calm {
            ensure!(begun.elapsed() < 4 * PATIENCE, "GitHub is asked without end");
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = self.counts().await?.total();
            if now != last.0 {
                last = (now, Instant::now());
            }
        }
        Ok(())
    }
}

/// A client for plain HTTP on this machine.
#[derive(Clone, Debug)]
struct Http(Client<HttpConnector, Full<Bytes>>);

impl Default for Http {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }
}

impl Http {
    async fn get(&self, url: &str) -> Result<String> {
        self.send(http::Method::GET, url).await
    }

    async fn send(&self, method: http::Method, url: &str) -> Result<String> {
        self.request(http::Request::builder().method(method).uri(url).body(Full::default())?).await
    }

    async fn request(&self, request: http::Request<Full<Bytes>>) -> Result<String> {
        let url = request.uri().clone();
        let response = self.0.request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "{url}: HTTP status {status}");
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}
