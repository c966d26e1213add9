//! A stream and a body that note in the room what their client does.
//!
//! They change nothing of what passes through. Must not know limits.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::answer::Body;
use super::door::Transport;
use super::room::Guest;

/// Notes when bytes come in, and when all that was written is sent.
pub(super) struct NotedStream {
    inner: Pin<Box<dyn Transport>>,
    guest: Arc<Guest>,
    /// The last bytes that came in, as many as the end of a head has.
    last: [u8; 4],
}

impl NotedStream {
    pub(super) fn new(inner: Pin<Box<dyn Transport>>, guest: Arc<Guest>) -> Self {
        Self { inner, guest, last: [0; 4] }
    }
}

impl AsyncRead for NotedStream {
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
            self.guest.sends(self.last == *b"\r\n\r\n");
        }
        outcome
    }
}

impl AsyncWrite for NotedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.inner.as_mut().poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = self.inner.as_mut().poll_flush(cx);
        if outcome.is_ready() {
            self.guest.has_taken();
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
pub(super) struct NotedBody {
    pub(super) inner: Body,
    pub(super) guest: Arc<Guest>,
}

impl HttpBody for NotedBody {
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

impl Drop for NotedBody {
    fn drop(&mut self) {
        self.guest.is_finishing();
    }
}
