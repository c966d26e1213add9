//! Responses in the API's form: JSON, with or without gzip, and errors with a `detail`.

use std::io::{self, Write};

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

/// A response that is not yet encoded.
#[derive(Debug)]
pub struct JsonResponse {
    pub status: StatusCode,
    /// Headers beyond the usual ones.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Vec<u8>,
}

impl JsonResponse {
    pub fn new(status: StatusCode, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// 200, with `value` as JSON.
    pub fn ok(value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::new(StatusCode::OK, body),
            Err(error) => Self::detail(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }

    /// An error, in the API's form.
    pub fn detail(status: StatusCode, detail: &str) -> Self {
        Self::new(status, serde_json::json!({ "detail": detail }).to_string())
    }

    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// The response without its body, and the bytes of the body.
    pub fn encode(self, takes_gzip: bool) -> (Response, Bytes) {
        let packed = takes_gzip.then(|| gzip(&self.body)).and_then(Result::ok);
        let mut head = head(self.status, packed.is_some());
        head.headers_mut().extend(self.headers);
        (head, packed.unwrap_or(self.body).into())
    }

    pub fn send(self, takes_gzip: bool) -> Response {
        let (head, body) = self.encode(takes_gzip);
        head.map(|_| Body::from(body))
    }
}

/// A response without its body.
pub fn head(status: StatusCode, is_gzip: bool) -> Response {
    let usual = [(CONTENT_TYPE, "application/json"), (VARY, "accept-encoding")];
    let encoding = is_gzip.then_some([(CONTENT_ENCODING, "gzip")]);
    match encoding {
        Some(encoding) => (status, usual, encoding).into_response(),
        None => (status, usual).into_response(),
    }
}

pub fn gzip(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish()
}

/// Whether gzip is named in `Accept-Encoding`, with a weight above 0.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| {
        let (coding, weight) = item.split_once(";q=").unwrap_or((item, "1"));
        coding.trim() == "gzip" && weight.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0)
    })
}
