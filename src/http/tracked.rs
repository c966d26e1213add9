//! A stream and a body that tell the connection limiter what their client does.
//!
//! They change nothing of what passes through.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connections::ConnectionGuard;
use super::handshake::Transport;
use super::response::Body;

/// Notes when bytes come in, and when all that was written is sent.
pub(super) struct TrackedIo {
    inner: Pin<Box<dyn Transport>>,
    guard: Arc<ConnectionGuard>,
    /// The last bytes that came in, as many as the end of a head has.
    last: [u8; 4],
}

impl TrackedIo {
    pub(super) fn new(inner: Pin<Box<dyn Transport>>, guard: Arc<ConnectionGuard>) -> Self {
        Self { inner, guard, last: [0; 4] }
    }
}

impl AsyncRead for TrackedIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = self.inner.as_mut().poll_read(cx, buf);
        let read = buf.filled().get(before..).unwrap_or_default();
        for byte in read.iter().skip(read.len().saturating_sub(4)) {
            let [_, a, b, c] = self.last;
            self.last = [a, b, c, *byte];
        }
        if !read.is_empty() {
            self.guard.received(self.last == *b"\r\n\r\n");
        }
        outcome
    }
}

impl AsyncWrite for TrackedIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.inner.as_mut().poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = self.inner.as_mut().poll_flush(cx);
        if outcome.is_ready() {
            self.guard.flushed();
        }
        outcome
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.as_mut().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.inner.as_mut().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

/// Notes when the last of it was written, or when it is given up.
pub(super) struct TrackedBody {
    pub(super) inner: Body,
    pub(super) guard: Arc<ConnectionGuard>,
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        self.guard.flushing();
    }
}
