//! What a route answers with.
//!
//! Knows header names and body types. Must not know sockets or routes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

/// Some bytes of a body, where they lie.
pub type Chunk = Box<dyn Buf + Send>;
/// A body that may fail on its way, as a broken one does.
pub type Body = UnsyncBoxBody<Chunk, io::Error>;
/// A request as it came in.
pub type Request = hyper::Request<Incoming>;
/// An answer, ready to be sent.
pub type Answer = Response<Body>;

/// The content type of plain words.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// The content type of a page.
pub const HTML: &str = "text/html; charset=utf-8";

/// Bytes as a chunk.
pub fn chunk(bytes: Bytes) -> Chunk {
    Box::new(bytes)
}

/// A body that is there, whole.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(chunk(bytes.into())).map_err(|never| match never {}).boxed_unsync()
}

/// An answer with a status, a content type and a whole body.
pub fn answer(status: StatusCode, content_type: &'static str, bytes: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(whole(bytes));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// An answer whose body of `len` bytes comes in chunks, each asked for when the client has taken those before.
pub fn streamed<C>(content_type: &'static str, len: u64, chunks: C) -> Answer
where
    C: Iterator<Item = io::Result<Chunk>> + Send + Unpin + 'static,
{
    let mut answer = Response::new(Streamed { left: len, chunks }.boxed_unsync());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

struct Streamed<C> {
    left: u64,
    chunks: C,
}

impl<C: Iterator<Item = io::Result<Chunk>> + Unpin> hyper::body::Body for Streamed<C> {
    type Data = Chunk;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Chunk>>>> {
        let Some(chunk) = self.chunks.next().transpose()? else { return Poll::Ready(None) };
        self.left = self.left.saturating_sub(u64::try_from(chunk.remaining()).unwrap_or(u64::MAX));
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// 405, naming what is allowed.
pub fn method_not_allowed(content_type: &'static str, bytes: impl Into<Bytes>) -> Answer {
    let mut answer = answer(StatusCode::METHOD_NOT_ALLOWED, content_type, bytes);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}
