//! kubectl as a library: the only client of this bench.

use super::error::Error;
use super::ports::random;
use super::process::Program;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

/// How long one call may take unless it is told otherwise.
const CALL_DEADLINE: Duration = Duration::from_secs(120);

/// kubectl with the identity of one kubeconfig.
#[derive(Debug, Clone)]
pub struct Kubectl {
    binary: PathBuf,
    kubeconfig: PathBuf,
    scratch: PathBuf,
    deadline: Duration,
}

impl Kubectl {
    pub(super) fn new(binary: &Path, kubeconfig: &Path, scratch: &Path) -> Self {
        Self {
            binary: binary.to_path_buf(),
            kubeconfig: kubeconfig.to_path_buf(),
            scratch: scratch.to_path_buf(),
            deadline: CALL_DEADLINE,
        }
    }

    /// The kubeconfig that the calls are made with.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The same with another limit for one call.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs kubectl and returns what came of it, success or not. It is an
    /// error only if kubectl cannot be run or takes too long.
    pub async fn run(&self, args: &[&str]) -> Result<Output, Error> {
        let program = Program::new(&self.binary)
            .args(args.iter().copied())
            .env("KUBECONFIG", self.kubeconfig.to_string_lossy())
            // What one control plane offers must not be remembered for another.
            .env("KUBECACHEDIR", self.cache().to_string_lossy())
            .env("KUBERC", "off");
        let mut command = tokio::process::Command::from(program.command());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| Error::path("start", &self.binary, e))?;
        // Held until the call is over: kubectl is killed when this closes,
        // also if this future is dropped half way.
        let lifeline = child.stdin.take();
        let output = tokio::time::timeout(self.deadline, child.wait_with_output()).await;
        drop(lifeline);
        match output {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(e)) => Err(Error::io(format!("wait for kubectl {}", args.join(" ")), e)),
            Err(_) => Err(Error::Timeout(format!(
                "kubectl {} took more than {} s",
                args.join(" "),
                self.deadline.as_secs()
            ))),
        }
    }

    /// Runs kubectl and returns its standard output; a failure of kubectl is
    /// an error that carries its standard error.
    pub async fn ok(&self, args: &[&str]) -> Result<String, Error> {
        let output = self.run(args).await?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Error::Kubectl {
            args: args.join(" "),
            code: output.status.code(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs kubectl with `-o json` and returns the parsed output.
    pub async fn json(&self, args: &[&str]) -> Result<serde_json::Value, Error> {
        let mut args = args.to_vec();
        args.extend(["-o", "json"]);
        let text = self.ok(&args).await?;
        serde_json::from_str(&text)
            .map_err(|e| Error::io(format!("parse the output of kubectl {}", args.join(" ")), e))
    }

    /// Applies manifests given as YAML or JSON text.
    pub async fn apply(&self, manifests: &str) -> Result<String, Error> {
        self.with_file(manifests, &["apply"]).await
    }

    /// Runs kubectl with the text as its `-f` file, e.g. `create` or `replace`.
    pub async fn with_file(&self, text: &str, args: &[&str]) -> Result<String, Error> {
        let path = self.scratch.join(format!("input-{:016x}", random()));
        tokio::fs::write(&path, text).await.map_err(|e| Error::path("write", &path, e))?;
        let file = path.to_string_lossy().into_owned();
        let mut args = args.to_vec();
        args.extend(["-f", &file]);
        let result = self.ok(&args).await;
        let _ = tokio::fs::remove_file(&path).await;
        result
    }

    fn cache(&self) -> PathBuf {
        self.scratch.join("kubectl-cache")
    }
}
