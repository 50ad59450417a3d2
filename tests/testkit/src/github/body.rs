//! Bodies that misbehave, and connections that can be reset.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Interval;

/// A body in pieces, with pauses between them, that may end in an error.
pub struct Pieces {
    pieces: VecDeque<Bytes>,
    pause: Option<Interval>,
    broken: bool,
    claimed: Option<u64>,
}

impl Pieces {
    /// The first half of the content, then the connection is cut.
    pub fn truncated(content: Bytes) -> Self {
        let half = content.slice(..content.len() / 2);
        Self { pieces: [half].into(), pause: None, broken: true, claimed: Some(content.len() as u64) }
    }

    /// The content, `size` bytes at a time.
    pub fn slow(content: Bytes, size: usize, pause: Duration) -> Self {
        let pieces = content.chunks(size.max(1)).map(Bytes::copy_from_slice).collect();
        let pause = tokio::time::interval(pause.max(Duration::from_millis(1)));
        Self { pieces, pause: Some(pause), broken: false, claimed: None }
    }

    /// The content and then spaces, up to `size` bytes.
    pub fn oversized(content: Bytes, size: usize) -> Self {
        let spaces = Bytes::from(vec![b' '; 1 << 16]);
        let mut left = size.saturating_sub(content.len());
        let mut pieces = VecDeque::from([content]);
        while left > 0 {
            let piece = spaces.slice(..left.min(spaces.len()));
            left -= piece.len();
            pieces.push_back(piece);
        }
        Self { pieces, pause: None, broken: false, claimed: None }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(pause) = &mut self.pause
            && pause.poll_tick(context).is_pending()
        {
            return Poll::Pending;
        }
        match self.pieces.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None if self.broken => Poll::Ready(Some(Err(io::Error::other("cut on purpose")))),
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.claimed.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// A listener whose connections can be reset from inside a handler.
pub struct Resettable(pub TcpListener);

impl Listener for Resettable {
    type Io = Wire;
    type Addr = Reset;

    async fn accept(&mut self) -> (Wire, Reset) {
        loop {
            if let Ok((stream, _)) = self.0.accept().await {
                let _ = stream.set_nodelay(true);
                let reset = Reset::default();
                return (Wire { stream, reset: reset.clone() }, reset);
            }
            // Out of descriptors, most likely: let others finish.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn local_addr(&self) -> io::Result<Reset> {
        Ok(Reset::default())
    }
}

/// The order to reset a connection.
#[derive(Clone, Debug, Default)]
pub struct Reset(Arc<AtomicBool>);

impl Reset {
    /// The next byte that is written resets the connection instead.
    pub fn order(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, Resettable>> for Reset {
    fn connect_info(stream: IncomingStream<'_, Resettable>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A connection.
pub struct Wire {
    stream: TcpStream,
    reset: Reset,
}

impl Wire {
    fn check(&self) -> io::Result<()> {
        if self.reset.0.load(Ordering::SeqCst) {
            self.stream.set_zero_linger()?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
