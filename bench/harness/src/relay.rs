//! A relay in front of the API server that counts bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A relay; it ends with this value.
#[derive(Debug)]
pub struct Relay {
    /// Where it listens.
    pub address: SocketAddr,
    /// Bytes from the clients.
    pub sent: Arc<AtomicU64>,
    /// Bytes to the clients.
    pub received: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Passes connections on to a port of this machine, as they are: what is encrypted stays so.
    pub async fn to(port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (sent, received) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let counters = (sent.clone(), received.clone());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (sent, received) = counters.clone();
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    let (mut from_client, mut to_client) = client.into_split();
                    let (mut from_server, mut to_server) = server.into_split();
                    tokio::join!(
                        pass(&mut from_client, &mut to_server, &sent),
                        pass(&mut from_server, &mut to_client, &received)
                    );
                });
            }
        });
        Ok(Self { address, sent, received, task })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Until either side ends.
async fn pass(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    count: &AtomicU64,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        count.fetch_add(n as u64, Ordering::Relaxed);
        let Some(data) = buffer.get(..n) else { return };
        if to.write_all(data).await.is_err() {
            return;
        }
    }
    // A failure means that it is closed already.
    let _ = to.shutdown().await;
}
