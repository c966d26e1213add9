//! What came of one request: a body, or the reason why not.
//!
//! Knows HTTP's statuses and `reqwest`'s errors. Must not know what is asked for, or whether it is asked again.

use std::error::Error;

use bytes::Bytes;
use reqwest::{Response, StatusCode};

use crate::failure::Reason;

/// A larger answer, unpacked, is not read: it would be no page of 500 connections.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// The whole body, unpacked.
///
/// # Errors
/// [`Reason::TooLarge`], or why it ended early.
pub async fn read_body(mut response: Response) -> Result<Bytes, Reason> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| reason_of(&error))? {
        if body.len().saturating_add(chunk.len()) > MAX_ANSWER_BYTES {
            return Err(Reason::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// Why there is no answer, or not all of it.
pub fn reason_of(error: &reqwest::Error) -> Reason {
    if error.is_timeout() {
        Reason::Timeout
    } else if error.is_connect() || error.is_request() || broke_off(error) {
        Reason::Connect
    } else if error.is_decode() || error.is_body() {
        Reason::Decode
    } else {
        Reason::Other
    }
}

/// Whether the connection broke: `reqwest` calls that and a corrupt encoding alike a decoding error.
fn broke_off(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<hyper::Error>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// What an answer with any other status than 200 says.
pub fn reason_of_status(status: StatusCode) -> Reason {
    match status.as_u16() {
        401 => Reason::Auth,
        403 => Reason::Forbidden,
        404 => Reason::NotFound,
        429 => Reason::RateLimited,
        400..=499 => Reason::ClientError,
        500..=599 => Reason::ServerError,
        200..=299 => Reason::Decode,
        _ => Reason::Other,
    }
}
