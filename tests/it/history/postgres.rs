//! The same laws on a PostgreSQL server, where Debian's package has one.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;
use testrun_operator::history::{History, Of, Place};
use testrun_operator::runtime::metrics::Metrics;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::broken::{long, records, value};
use super::laws::{self, asked};
use crate::cluster::eventually;
use crate::controller::bench::{Bench, QUICK};
use crate::controller::{green, red};

/// A server of its own, on a port of loopback; it ends with this value.
struct Server {
    bin: PathBuf,
    dir: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
}

/// The programs of the newest version that is installed.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut all: Vec<PathBuf> = versions.filter_map(|v| Some(v.ok()?.path().join("bin"))).collect();
    all.retain(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file());
    all.sort();
    all.pop()
}

/// A command as a user that the server lets start it: it never runs as root.
fn as_postgres(program: &Path) -> Command {
    let root = std::fs::metadata("/proc/self").map(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if !root.unwrap_or(false) {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

impl Server {
    async fn start() -> Option<Self> {
        let Some(bin) = programs() else {
            println!("skipped: no PostgreSQL server is installed");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let made = as_postgres(&bin.join("initdb"))
            .current_dir(dir.path())
            .args(["--auth=trust", "--username=testrun", "--no-sync", "-D", "data"])
            .stdout(Stdio::null())
            .status()
            .await
            .unwrap();
        assert!(made.success());
        let url = format!("postgres://testrun@127.0.0.1:{port}/postgres\n");
        std::fs::write(dir.path().join("url"), url).unwrap();
        let mut server = Self { bin, dir, port, child: None };
        server.run().await;
        Some(server)
    }

    fn place(&self) -> Place {
        Place::Postgres(self.dir.path().join("url"))
    }

    async fn run(&mut self) {
        let port = self.port.to_string();
        let child = as_postgres(&self.bin.join("postgres"))
            .current_dir(self.dir.path())
            .args(["-D", "data", "-h", "127.0.0.1", "-p", &port])
            .args(["-c", "fsync=off", "-c", "unix_socket_directories="])
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        self.child = Some(child);
        // It listens before it lets anybody in.
        let up = async || {
            let mut ready = Command::new(self.bin.join("pg_isready"));
            ready.args(["-q", "-h", "127.0.0.1", "-p", &port]);
            ready.status().await.unwrap().success().then_some(())
        };
        eventually(|| "the server to let somebody in", up).await;
    }

    /// At once, with all its connections.
    async fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        let pid = child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-QUIT", &pid]).status().await.unwrap().success());
        child.wait().await.unwrap();
        let listens = async || tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.err();
        eventually(|| "the server to be gone", listens).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_laws_hold_on_a_server() {
    let Some(server) = Server::start().await else { return };
    laws::hold(&server.place()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_for_a_while_keeps_no_verdict_and_has_it_all_in_the_end() {
    let Some(mut server) = Server::start().await else { return };
    let (metrics, stop) = (Metrics::new(), CancellationToken::new());
    let (history, task) = History::start(server.place(), long(), metrics.clone(), stop.clone());
    let bench = Bench::start_recording("pggone", QUICK, red(), history.clone()).await;
    bench.create("a", json!({})).await;
    bench.reason("a", "RequiredFailed").await;
    let counted = async |outcome: &str| {
        let some = async || (records(&metrics, outcome) > 0.0).then_some(());
        eventually(|| format!("a record that is {outcome}"), some).await;
    };
    counted("stored").await;
    server.kill().await;
    bench.script.say(green());
    bench.reason("a", "AllRequiredSucceeded").await;
    counted("failed").await;
    assert_eq!(value(&metrics, "testrun_history_usable"), 0.0);
    server.run().await;
    let namespace = bench.namespace.clone();
    let found = async || {
        let commits = history.store()?.page(&asked(&namespace, Of::Commits, 10, None)).await.ok()?.commits;
        commits.first().filter(|c| c.verdicts.iter().any(|v| v.verdict == "passed")).map(|c| c.results)
    };
    assert_eq!(eventually(|| "the verdict of meanwhile", found).await, 1);
    bench.stop().await;
    stop.cancel();
    task.unwrap().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures for minutes"]
async fn figures_on_a_server() {
    let Some(server) = Server::start().await else { return };
    super::figures::measure(&server.place()).await;
}
