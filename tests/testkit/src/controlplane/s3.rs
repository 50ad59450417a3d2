//! A real server of S3, for what is kept outside of the cluster.
//!
//! It checks signatures, and its buckets are folders of a temporary directory, so that a test sees what was written
//! without asking the server.

use super::binaries::Binaries;
use super::error::Error;
use super::ports::free_port;
use super::process::{OwnedDir, Program, Supervised};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// How long it may take to listen.
const START: Duration = Duration::from_secs(60);
/// Who may use it.
const KEY: (&str, &str) = ("testrun", "a-secret-of-the-tests");

/// A server with one bucket; it ends with this value.
#[derive(Debug)]
pub struct S3 {
    binary: PathBuf,
    port: u16,
    server: Option<Supervised>,
    dir: OwnedDir,
}

impl S3 {
    /// The bucket that is there.
    pub const BUCKET: &str = "ci-artifacts";

    /// Starts it, and builds it before that where it was not yet.
    pub async fn start() -> Result<Self, Error> {
        let binary = tokio::task::spawn_blocking(Binaries::s3)
            .await
            .map_err(|error| Error::Build(error.to_string()))??;
        let dir = OwnedDir::create("testkit-s3-")?;
        for name in [format!("buckets/{}", Self::BUCKET), "metadata".to_owned()] {
            let path = dir.path().join(&name);
            fs::create_dir_all(&path).map_err(|e| Error::path("create", &path, e))?;
        }
        let mut s3 = Self { binary, port: free_port()?, server: None, dir };
        s3.run().await?;
        Ok(s3)
    }

    /// Starts it again after [`S3::stop`], with what it had.
    pub async fn run(&mut self) -> Result<(), Error> {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let server = Program::new(&self.binary)
            .args(["--quiet".to_owned(), format!("--port=127.0.0.1:{}", self.port)])
            // Not every folder for temporary files has attributes.
            .args(["posix".to_owned(), format!("--sidecar={}", path("metadata")), path("buckets")])
            .env("ROOT_ACCESS_KEY", KEY.0)
            .env("ROOT_SECRET_KEY", KEY.1)
            .clean_env()
            .spawn(&self.dir.path().join("s3.log"))?;
        let server = self.server.insert(server);
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            server.check()?;
            if begun.elapsed() > START {
                return Err(Error::Server(format!("the S3 server does not listen:\n{}", server.log_tail())));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Kills it.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The environment of who may use it.
    pub fn env(&self) -> [(&'static str, &'static str); 2] {
        [("AWS_ACCESS_KEY_ID", KEY.0), ("AWS_SECRET_ACCESS_KEY", KEY.1)]
    }

    /// The folder in which objects of the bucket are, by their keys.
    pub fn folder(&self) -> PathBuf {
        self.dir.path().join("buckets").join(Self::BUCKET)
    }
}
