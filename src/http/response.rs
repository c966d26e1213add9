//! What a route answers with.
//!
//! Knows header names and body types.

use std::io;

use bytes::Bytes;
use futures::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

/// A body that may fail on its way, as a broken one does.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;
/// A request as it came in.
pub type Request = hyper::Request<Incoming>;
/// An answer, ready to be sent.
pub type Answer = Response<Body>;

/// The content type of plain words.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// The content type of a page.
pub const HTML: &str = "text/html; charset=utf-8";

/// A body that is there, whole.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An answer with a status, a content type and a whole body.
pub fn answer(status: StatusCode, content_type: &'static str, bytes: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(whole(bytes));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// An answer whose body comes in chunks, each asked for when the client has taken those before.
pub fn streamed<C>(content_type: &'static str, chunks: C) -> Answer
where
    C: Iterator<Item = io::Result<Bytes>> + Send + Unpin + 'static,
{
    let frames = stream::iter(chunks.map(|chunk| chunk.map(Frame::data)));
    let mut answer = Response::new(StreamBody::new(frames).boxed_unsync());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// 405, naming what is allowed.
pub fn method_not_allowed(content_type: &'static str, bytes: impl Into<Bytes>) -> Answer {
    let mut answer = answer(StatusCode::METHOD_NOT_ALLOWED, content_type, bytes);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}
