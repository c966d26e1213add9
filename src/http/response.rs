//! Requests and responses: their types, and the usual ways to make a response.

use std::io;

use bytes::Bytes;
use futures::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// A body that may break off while it is sent.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;
/// A request as it came in.
pub type Request = hyper::Request<Incoming>;
/// A response, ready to be sent.
pub type Answer = Response<Body>;

/// The content type of plain text.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// The content type of a page.
pub const HTML: &str = "text/html; charset=utf-8";

/// A body whose bytes are all there before it is sent.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A response with a status, a content type and a whole body.
pub fn answer(status: StatusCode, content_type: &'static str, bytes: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(whole(bytes));
    *response.status_mut() = status;
    with_headers(response, [(CONTENT_TYPE, content_type)])
}

/// A response whose body comes in chunks. Each is asked for when the client has taken those before it.
pub fn streamed<C>(content_type: &'static str, chunks: C) -> Answer
where
    C: Iterator<Item = io::Result<Bytes>> + Send + Unpin + 'static,
{
    let frames = stream::iter(chunks.map(|chunk| chunk.map(Frame::data)));
    let response = Response::new(StreamBody::new(frames).boxed_unsync());
    with_headers(response, [(CONTENT_TYPE, content_type)])
}

/// 405, naming what is allowed.
pub fn method_not_allowed(content_type: &'static str, bytes: impl Into<Bytes>) -> Answer {
    let response = answer(StatusCode::METHOD_NOT_ALLOWED, content_type, bytes);
    with_headers(response, [(ALLOW, "GET, HEAD")])
}

/// The response with these headers set.
pub fn with_headers(
    mut response: Answer,
    headers: impl IntoIterator<Item = (HeaderName, &'static str)>,
) -> Answer {
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
