//! A JSON answer before it is encoded.
//!
//! Knows the API's content type and the shape of its errors. Must not know who asked for what.

use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, HeaderName, HeaderValue, VARY};
use serde::Serialize;

use crate::gzip;
use crate::web::Answer;
use crate::web::answer::{answer, whole};

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
        if takes_gzip && let Ok(packed) = gzip::member(&self.body) {
            self.body = packed;
            self.headers.push((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        }
        self.headers.push((VARY, HeaderValue::from_static("accept-encoding")));
        let mut answer = answer(self.status, JSON, "");
        answer.headers_mut().extend(self.headers);
        (answer, self.body)
    }
}

/// The answer with its body.
pub(super) fn fill(answer: Answer, body: Vec<u8>) -> Answer {
    answer.map(|_| whole(body))
}
