//! The kubectl plugin as a process: what it prints and what it exits with.

mod artifacts;
mod attest;
mod bundles;
pub mod cluster;
pub mod examples;
mod files;
mod oneshot;
mod reference;
mod rerun;
mod watch;

use std::path::PathBuf;
use std::process::Stdio;

use testkit::github as fake;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The documented exit codes.
pub const PASSED: i32 = 0;
pub const FAILED: i32 = 1;
pub const UNDECIDED: i32 = 2;
pub const UNREADABLE: i32 = 3;
pub const USAGE: i32 = 64;

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// A command line whose environment holds nothing but what a test puts there.
pub struct Cli {
    command: Command,
    input: Option<String>,
}

impl Cli {
    pub fn new(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-testrun"));
        command.env_clear().args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        Self { command, input: None }
    }

    /// With a token for a replayed GitHub.
    pub fn on(self, gh: &fake::GitHub) -> Self {
        let url = gh.url().to_owned();
        self.env("GITHUB_API_URL", &url).env("GITHUB_TOKEN", fake::TOKEN)
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn input(mut self, text: &str) -> Self {
        self.input = Some(text.to_owned());
        self
    }

    pub async fn run(mut self) -> Ran {
        if self.input.is_some() {
            self.command.stdin(Stdio::piped());
        }
        let mut child = self.command.spawn().unwrap();
        if let Some(text) = self.input {
            let sent = child.stdin.take().unwrap().write_all(text.as_bytes()).await;
            // One that refuses its arguments may have ended before it read anything.
            assert!(sent.is_ok() || sent.is_err_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe));
        }
        let output = tokio::time::timeout(std::time::Duration::from_secs(120), child.wait_with_output())
            .await
            .expect("it ends")
            .unwrap();
        Ran {
            code: output.status.code().expect("it ends by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}
