//! The same laws on a PostgreSQL server, where Debian's package has one.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use testrun_operator::history::Place;
use tokio::process::{Child, Command};

use super::laws;
use crate::cluster::eventually;

/// A server of its own, on a port of loopback; it ends with this value.
struct Server {
    _child: Child,
    _dir: tempfile::TempDir,
    url: PathBuf,
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
        let data = dir.path().join("data");
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        let made = as_postgres(&bin.join("initdb"))
            .current_dir(dir.path())
            .args(["--auth=trust", "--username=testrun", "--no-sync", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .await
            .unwrap();
        assert!(made.success());
        let child = as_postgres(&bin.join("postgres"))
            .current_dir(dir.path())
            .arg("-D")
            .arg(&data)
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &port.to_string(),
                "-c",
                "fsync=off",
                "-c",
                "unix_socket_directories=",
            ])
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // It listens before it lets anybody in.
        let up = async || {
            let mut ready = Command::new(bin.join("pg_isready"));
            ready.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
            ready.status().await.unwrap().success().then_some(())
        };
        eventually(|| "the server to let somebody in", up).await;
        let url = dir.path().join("url");
        std::fs::write(&url, format!("postgres://testrun@127.0.0.1:{port}/postgres\n")).unwrap();
        Some(Self { _child: child, _dir: dir, url })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_laws_hold_on_a_server() {
    let Some(server) = Server::start().await else { return };
    laws::hold(&Place::Postgres(server.url.clone())).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures for minutes"]
async fn figures_on_a_server() {
    let Some(server) = Server::start().await else { return };
    super::figures::measure(&Place::Postgres(server.url.clone())).await;
}
