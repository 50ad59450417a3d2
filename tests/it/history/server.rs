//! A PostgreSQL server of Debian's package.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use testrun_operator::history::Place;
use tokio::process::{Child, ChildStdin, Command};

use crate::cluster::eventually;

/// A server of its own, on a port of loopback; it ends with this value.
pub struct Server {
    bin: PathBuf,
    dir: tempfile::TempDir,
    port: u16,
    /// With what keeps it alive.
    child: Option<(Child, ChildStdin)>,
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
fn as_postgres(command: impl FnOnce(&Path) -> Command, program: &Path) -> Command {
    let root = std::fs::metadata("/proc/self").map(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if !root.unwrap_or(false) {
        return command(program);
    }
    let mut command = command(Path::new("setpriv"));
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

impl Server {
    pub async fn start() -> Option<Self> {
        let Some(bin) = programs() else {
            println!("skipped: no PostgreSQL server is installed");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let port = testkit::controlplane::free_port().unwrap();
        let made = as_postgres(|program| Command::new(program), &bin.join("initdb"))
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

    pub fn place(&self) -> Place {
        Place::Postgres(self.dir.path().join("url"))
    }

    pub async fn run(&mut self) {
        let port = self.port.to_string();
        let bound = |program: &Path| Command::from(testkit::bound(program));
        let mut child = as_postgres(bound, &self.bin.join("postgres"))
            .current_dir(self.dir.path())
            .args(["-D", "data", "-h", "127.0.0.1", "-p", &port])
            .args(["-c", "fsync=off", "-c", "unix_socket_directories="])
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lifeline = child.stdin.take().unwrap();
        self.child = Some((child, lifeline));
        // It listens before it lets anybody in.
        let up = async || {
            let mut ready = Command::new(self.bin.join("pg_isready"));
            ready.args(["-q", "-h", "127.0.0.1", "-p", &port]);
            ready.status().await.unwrap().success().then_some(())
        };
        eventually(|| "the server to let somebody in", up).await;
    }

    /// At once, with all its connections.
    pub async fn kill(&mut self) {
        let (mut child, _lifeline) = self.child.take().unwrap();
        let pid = child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-QUIT", &pid]).status().await.unwrap().success());
        child.wait().await.unwrap();
        let listens = async || tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.err();
        eventually(|| "the server to be gone", listens).await;
    }
}
