//! A JSON answer before it is encoded.
//!
//! Knows the API's content type and the shape of its errors.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, HeaderName, HeaderValue, VARY};
use serde::Serialize;

use crate::gzip;
use crate::http::Answer;
use crate::http::response::{answer, whole};

/// The content type of every answer.
const JSON: &str = "application/json";

/// A status and a body, with what headers it needs beyond the usual.
#[derive(Debug)]
pub(super) struct Reply {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(status: StatusCode, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// 200, with `value` as JSON.
    pub(super) fn of(value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::json(StatusCode::OK, body),
            Err(error) => Self::detail(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }

    /// An error, in the API's form.
    pub(super) fn detail(status: StatusCode, detail: &str) -> Self {
        Self::json(status, serde_json::json!({ "detail": detail }).to_string())
    }

    /// The answer to send, and the bytes of its body, packed when the client takes that.
    pub(super) fn pack(mut self, takes_gzip: bool) -> (Answer, Vec<u8>) {
        let packed = takes_gzip.then(|| gzip::member(&self.body)).and_then(Result::ok);
        let mut answer = head(self.status, packed.is_some());
        answer.headers_mut().extend(self.headers);
        self.body = packed.unwrap_or(self.body);
        (answer, self.body)
    }
}

/// The answer without its body.
fn head(status: StatusCode, is_packed: bool) -> Answer {
    let mut answer = answer(status, JSON, "");
    let headers = answer.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if is_packed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer
}

/// The answer to send for a body that was packed ahead.
pub(super) fn packed_ahead(body: Bytes) -> Answer {
    fill(head(StatusCode::OK, true), body)
}

/// The answer with its body.
pub(super) fn fill(answer: Answer, body: impl Into<Bytes>) -> Answer {
    answer.map(|_| whole(body))
}
