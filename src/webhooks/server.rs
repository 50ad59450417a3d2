//! The listener: bounded in connections, and in the time that a peer may take.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Receiver;

/// Longest life of a connection; GitHub makes a new one.
const LIFE: Duration = Duration::from_secs(120);
/// Pause after the system refused a connection, for want of file descriptors.
const REFUSED: Duration = Duration::from_millis(100);

/// Listens; an error names the address and the setting.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        anyhow::anyhow!("cannot listen on {address} for webhooks: {error}; set --webhook-addr")
    })
}

/// Receives until the token is cancelled, then ends what is under way.
pub async fn serve(listener: TcpListener, receiver: Receiver, end: CancellationToken) {
    let limits = receiver.limits();
    let places = Arc::new(Semaphore::new(limits.connections.max(1)));
    let open = TaskTracker::new();
    let mut refused = false;
    while let Some(Ok(place)) = end.run_until_cancelled(places.clone().acquire_owned()).await {
        let stream = match end.run_until_cancelled(listener.accept()).await {
            None => break,
            Some(Ok((stream, _))) => {
                refused = false;
                stream
            }
            Some(Err(error)) => {
                // Once each time that it begins: it is tried ten times a second.
                if !std::mem::replace(&mut refused, true) {
                    tracing::warn!("no connection for webhooks can be taken, which is tried again: {error}");
                }
                tokio::time::sleep(REFUSED).await;
                continue;
            }
        };
        let (receiver, end) = (receiver.clone(), end.clone());
        open.spawn(async move {
            let service = service_fn(move |request| {
                let receiver = receiver.clone();
                async move { Ok::<_, std::convert::Infallible>(receiver.receive(request).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.headers)
                .max_buf_size(64 << 10)
                .serve_connection(TokioIo::new(stream), service);
            tokio::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => Some(ended),
                () = tokio::time::sleep(LIFE) => None,
                () = end.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    tokio::time::timeout(limits.time, connection.as_mut()).await.ok()
                }
            };
            if let Some(Err(error)) = ended {
                tracing::debug!("a connection for webhooks broke off: {error}");
            }
            drop(place);
        });
    }
    open.close();
    open.wait().await;
}
