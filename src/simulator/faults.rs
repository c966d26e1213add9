//! Faults on demand: what a test wants to go wrong, and for which requests.
//!
//! Knows which fault a request meets, and how each one spoils an answer.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Response, StatusCode};

use super::page::Order;
use super::query::Asked;
use super::record::SECRET;
use super::reply::Reply;
use crate::http::response::{answer, whole};
use crate::http::{Answer, Body};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This status code, with a `detail`.
    Status(u16),
    /// This status code, and `Retry-After` word for word.
    StatusRetryAfter(u16, String),
    /// The normal answer, this much later.
    Delay(Duration),
    /// No answer at all.
    Hang,
    /// The connection breaks after half of the body that `Content-Length` promised.
    BrokenBody,
    /// Half of the JSON, as a whole body.
    TruncatedJson,
    /// Valid JSON of another shape.
    WrongJson,
    /// This body instead, with 200.
    Body(String),
    /// These bytes instead, with 200.
    Bytes(Vec<u8>),
    /// These bytes instead, with 200, said to be packed with gzip.
    Packed(Vec<u8>),
    /// 200 and the head of an answer, and the connection breaks before its body.
    NoBody,
    /// 200 and the head of an answer, and then nothing.
    Silent,
    /// 200, and a body of which a byte comes every fifth of a second, for ever.
    Trickle,
    /// 200, and a body without end, as fast as it is taken.
    Endless,
    /// Each page after the first repeats the last row of the one before; the last rows are never shown.
    Overlap,
    /// After the first page, rows at the front move to the end: the reader misses some, and meets others twice.
    RowsMove,
    /// 302 to this address.
    Redirect(String),
}

/// Which requests a fault is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every request that carries the key.
    Everything,
    /// `GET /ping`.
    Ping,
    /// `GET /company`.
    CompanyList,
    /// All pages of the company with this id.
    Company(String),
    /// One page of the company with this id.
    Page(String, u32),
}

impl Scope {
    fn holds(&self, asked: &Asked) -> bool {
        let company = |wanted: &str| asked.page_of().filter(|(id, _)| id.eq_ignore_ascii_case(wanted));
        match self {
            Self::Everything => true,
            Self::Ping => *asked == Asked::Ping,
            Self::CompanyList => *asked == Asked::CompanyList,
            Self::Company(id) => company(id).is_some(),
            Self::Page(id, page) => company(id).is_some_and(|(_, asked)| asked == u64::from(*page)),
        }
    }
}

#[derive(Debug)]
struct Entry {
    scope: Scope,
    fault: Fault,
    /// Requests that it is still for; none when it is for all.
    left: Option<u32>,
}

/// The faults that are set. The first one set that fits a request, and is not used up, is the one it meets.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Entry>>);

impl Faults {
    /// Sets a fault that stays until [`clear`](Self::clear).
    pub fn set(&self, scope: Scope, fault: Fault) {
        self.add(Entry { scope, fault, left: None });
    }

    /// Sets a fault for the next `times` requests in its scope.
    pub fn set_times(&self, scope: Scope, fault: Fault, times: u32) {
        if times > 0 {
            self.add(Entry { scope, fault, left: Some(times) });
        }
    }

    /// Takes all faults away. What hangs already stays hanging.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn add(&self, entry: Entry) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// The fault that this request meets, counted as used.
    pub(super) fn take(&self, asked: &Asked) -> Option<Fault> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = entries.iter().position(|entry| entry.scope.holds(asked))?;
        let entry = entries.get_mut(at)?;
        let fault = entry.fault.clone();
        if let Some(left) = &mut entry.left {
            *left -= 1;
            if *left == 0 {
                entries.remove(at);
            }
        }
        Some(fault)
    }
}

impl Fault {
    /// The answer that takes the place of the normal one.
    pub(super) fn instead(&self) -> Option<Reply> {
        match self {
            Self::Status(code) => Some(failure(*code)),
            Self::StatusRetryAfter(code, wait) => Some(with_header(failure(*code), RETRY_AFTER, wait)),
            Self::WrongJson => Some(Reply::json(StatusCode::OK, r#"{"data":{"items":[]},"next":null}"#)),
            Self::Body(text) => Some(Reply::json(StatusCode::OK, text.clone())),
            Self::Bytes(bytes) => Some(Reply::json(StatusCode::OK, bytes.clone())),
            Self::Redirect(target) => Some(with_header(failure(302), LOCATION, target)),
            Self::Delay(_)
            | Self::Hang
            | Self::BrokenBody
            | Self::TruncatedJson
            | Self::Packed(_)
            | Self::NoBody
            | Self::Silent
            | Self::Trickle
            | Self::Endless
            | Self::Overlap
            | Self::RowsMove => None,
        }
    }

    /// The answer that takes the place of the normal one where its body is no plain list of bytes.
    pub(super) fn stream_instead(&self) -> Option<Answer> {
        let body = match self {
            Self::Packed(bytes) => whole(bytes.clone()),
            Self::NoBody => breaking(Bytes::new()),
            Self::Silent => drip(Duration::MAX, b" "),
            Self::Trickle => drip(Duration::from_millis(200), b" "),
            Self::Endless => drip(Duration::ZERO, &[b' '; 64 * 1024]),
            _ => return None,
        };
        let mut answer = answer(StatusCode::OK, "application/json", "").map(|_| body);
        answer.headers_mut().insert("x-quoted", HeaderValue::from_static(SECRET));
        if let Self::Packed(_) = self {
            answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Some(answer)
    }

    /// How lists behave under it.
    pub(super) fn order(&self) -> Order {
        match self {
            Self::Overlap => Order::Overlapping,
            Self::RowsMove => Order::Moving,
            _ => Order::Steady,
        }
    }
}

fn failure(code: u16) -> Reply {
    // Informational codes are no answers; hyper would give up on them.
    let status = StatusCode::from_u16(code).ok().filter(|status| !status.is_informational());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = status.canonical_reason().unwrap_or("Something is wrong");
    // Nectar says why in free text, and may quote a login there.
    Reply::detail(status, &format!("{reason}, {SECRET}.login@mail.example"))
}

fn with_header(mut reply: Reply, name: HeaderName, value: &str) -> Reply {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers.push((name, value));
    }
    reply
}

/// The answer with its head whole, and the connection breaking within its body.
pub(super) fn break_within(bytes: &[u8], answer: Answer) -> Answer {
    let (mut head, _) = answer.into_parts();
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
    Response::from_parts(head, breaking(Bytes::copy_from_slice(half)))
}

/// A body without end: `drop` after each `wait`.
fn drip(wait: Duration, drop: &'static [u8]) -> Body {
    let frames = stream::unfold((), move |()| async move {
        if wait > Duration::ZERO {
            tokio::time::sleep(wait).await;
        }
        Some((Ok(Frame::data(Bytes::from_static(drop))), ()))
    });
    StreamBody::new(frames).boxed_unsync()
}

/// A body that fails after `half`.
fn breaking(half: Bytes) -> Body {
    let frames = stream::unfold(Some(half), |half| async {
        match half {
            Some(half) => Some((Ok(Frame::data(half)), None)),
            None => {
                // A pause, so that what was written before goes out before the connection breaks.
                tokio::time::sleep(Duration::from_millis(10)).await;
                Some((Err(io::Error::from(io::ErrorKind::BrokenPipe)), None))
            }
        }
    });
    StreamBody::new(frames).boxed_unsync()
}
