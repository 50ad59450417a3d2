//! TLS for the listener, with a certificate that may be renewed while it runs.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

/// Between two looks at the files. Certificates are renewed days before they end.
const INTERVAL: Duration = Duration::from_secs(60);
/// Longest handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Handshakes at a time; more wait in the listener's queue.
const AT_ONCE: usize = 128;

/// A certificate with its key, as it is now.
#[derive(Clone)]
pub struct Tls(watch::Receiver<Arc<ServerConfig>>);

/// Where the certificate and its key are, both in PEM.
#[derive(Clone, Debug)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Tls {
    /// Reads the files, and reads them again while the process runs. A change that cannot be used is told
    /// and changes nothing.
    pub fn follow(files: Files, end: CancellationToken) -> anyhow::Result<Self> {
        let (mut text, config) = read(&files)?;
        let (sender, receiver) = watch::channel(config);
        tokio::spawn(async move {
            while end.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_some() {
                let reading = files.clone();
                let Ok(result) = tokio::task::spawn_blocking(move || read(&reading)).await else { continue };
                match result {
                    Ok((new, _)) if new == text => {}
                    Ok((new, config)) => {
                        text = new;
                        sender.send_replace(config);
                        tracing::info!("a renewed certificate is in use");
                    }
                    Err(error) => tracing::warn!("the renewed certificate is not used: {error:#}"),
                }
            }
        });
        Ok(Self(receiver))
    }

    /// A listener that speaks TLS.
    pub fn over(self, tcp: TcpListener) -> TlsListener {
        TlsListener { tcp, tls: self, handshakes: JoinSet::new() }
    }
}

type Pem = (Vec<u8>, Vec<u8>);

fn read(files: &Files) -> anyhow::Result<(Pem, Arc<ServerConfig>)> {
    let bytes =
        |path: &Path| std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()));
    let (certificate, key) = (bytes(&files.certificate)?, bytes(&files.key)?);
    let chain = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<Vec<_>, _>>()
        .ok()
        .filter(|chain| !chain.is_empty())
        .with_context(|| format!("{} has no certificate in PEM", files.certificate.display()))?;
    // What is wrong with a key is not told: it might be part of it.
    let private = PrivateKeyDer::from_pem_slice(&key)
        .ok()
        .with_context(|| format!("{} has no private key in PEM", files.key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .with_context(|| {
            format!("{} and {} do not belong together", files.certificate.display(), files.key.display())
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(((certificate, key), Arc::new(config)))
}

type Handshake = Option<(TlsStream<TcpStream>, SocketAddr)>;

/// Accepts connections whose handshake succeeded; a slow one keeps nobody waiting.
pub struct TlsListener {
    tcp: TcpListener,
    tls: Tls,
    handshakes: JoinSet<Handshake>,
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(connection)) = done {
                        return connection;
                    }
                }
                accepted = self.tcp.accept(), if self.handshakes.len() < AT_ONCE => match accepted {
                    Ok((stream, address)) => {
                        let acceptor = TlsAcceptor::from(self.tls.0.borrow().clone());
                        self.handshakes.spawn(async move {
                            let done = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
                            Some((done.ok()?.ok()?, address))
                        });
                    }
                    // Out of file descriptors, most likely: it passes.
                    Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
