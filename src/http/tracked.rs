//! A stream and a body that tell the connection limiter what their client does, and change nothing of what passes through.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body as HttpBody;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection_limiter::ConnectionGuard;
use super::handshake::Transport;

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

/// The body, which notes when the last of it was written, or when it is given up.
pub(super) fn tracked_body(
    body: Body,
    guard: Arc<ConnectionGuard>,
) -> impl HttpBody<Data = Bytes, Error = axum::Error> {
    let end = BodyEnd(guard);
    // Nothing is mapped: the closure is dropped with the body.
    body.map_err(move |error| {
        let _ = &end;
        error
    })
}

struct BodyEnd(Arc<ConnectionGuard>);

impl Drop for BodyEnd {
    fn drop(&mut self) {
        self.0.flushing();
    }
}
