//! A real oauth2-proxy, to stand before what people open in a browser.

use super::binaries::Binaries;
use super::error::Error;
use super::ports::free_port;
use super::process::{OwnedDir, Program, Supervised};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// How long it may take to listen; it asks the provider before that.
const START: Duration = Duration::from_secs(60);

/// A proxy on a port of loopback; it ends with this value.
#[derive(Debug)]
pub struct OidcProxy {
    server: Supervised,
    _dir: OwnedDir,
}

impl OidcProxy {
    /// A port for it, which its own arguments have to tell.
    pub fn port() -> Result<u16, Error> {
        free_port()
    }

    /// Starts it, and builds it before that where it was not yet. The arguments make it listen on the port.
    pub async fn start(port: u16, args: &[String], env: &[(&str, &str)]) -> Result<Self, Error> {
        let binary = tokio::task::spawn_blocking(Binaries::oidc_proxy)
            .await
            .map_err(|error| Error::Build(error.to_string()))??;
        let dir = OwnedDir::create("testkit-proxy-")?;
        let mut program = Program::new(&binary).args(args.iter().cloned()).clean_env();
        for (name, value) in env {
            program = program.env(name, *value);
        }
        let server = program.spawn(&dir.path().join("proxy.log"))?;
        let mut proxy = Self { server, _dir: dir };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            proxy.server.check()?;
            if begun.elapsed() > START {
                return Err(Error::Server(format!("the proxy does not listen:\n{}", proxy.log())));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(proxy)
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        self.server.log_tail()
    }
}
