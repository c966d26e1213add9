//! Faults on demand: what a test wants to go wrong, and for which requests.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;

use super::page::Order;
use super::query::ApiRequest;
use super::response::{self, JsonResponse};
use super::wire::SECRET;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This status code, with a `detail` in the body.
    Status(u16),
    /// This status code, and this text as `Retry-After`.
    StatusRetryAfter(u16, String),
    /// The normal response, this much later.
    Delay(Duration),
    /// No response at all.
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
    /// 200 and the head of a response; then the connection breaks before the body.
    NoBody,
    /// 200 and the head of a response, and then nothing.
    Silent,
    /// 200, and a body of which a byte comes every 200 ms, for ever.
    Trickle,
    /// 200, and an endless body, as fast as it is read.
    Endless,
    /// Each page after the first repeats the last row of the one before; the last rows are never shown.
    Overlap,
    /// After the first page, rows at the front move to the end: the reader misses some, and gets others twice.
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
    fn holds(&self, api_request: &ApiRequest) -> bool {
        let company = |wanted: &str| api_request.page_of().filter(|(id, _)| id.eq_ignore_ascii_case(wanted));
        match self {
            Self::Everything => true,
            Self::Ping => *api_request == ApiRequest::Ping,
            Self::CompanyList => *api_request == ApiRequest::CompanyList,
            Self::Company(id) => company(id).is_some(),
            Self::Page(id, page) => company(id).is_some_and(|(_, number)| number == u64::from(*page)),
        }
    }
}

#[derive(Debug)]
struct Entry {
    scope: Scope,
    fault: Fault,
    /// Requests that the fault is still for; none if it is for all.
    left: Option<u32>,
}

/// The faults that are set. A request gets the first one, in the order of setting, that matches it and is not used up.
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

    /// Removes all faults. Requests that hang already go on hanging.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn add(&self, entry: Entry) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// The fault that this request gets, counted as used.
    pub(crate) fn take(&self, api_request: &ApiRequest) -> Option<Fault> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = entries.iter().position(|entry| entry.scope.holds(api_request))?;
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

/// What a fault does to a request.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The normal response comes this much later.
    Wait(Duration),
    /// Another response comes.
    Replace(JsonResponse),
    /// Another response comes, whose body is a stream.
    Stream(Response),
    /// Lists are in this order.
    Reorder(Order),
    /// Half of the JSON comes, as a whole body.
    Truncate,
    /// The connection breaks after half of the body.
    BreakOff,
}

impl Fault {
    pub(crate) fn effect(&self) -> Effect {
        let ok = |body: Vec<u8>| Effect::Replace(JsonResponse::new(StatusCode::OK, body));
        let stream = |body| {
            let headers = [("content-type", "application/json"), ("x-quoted", SECRET)];
            Effect::Stream((headers, body).into_response())
        };
        match self {
            Self::Status(code) => Effect::Replace(failure(*code)),
            Self::StatusRetryAfter(code, wait) => {
                Effect::Replace(failure(*code).with_header(RETRY_AFTER, wait))
            }
            Self::Delay(span) => Effect::Wait(*span),
            Self::Hang => Effect::Wait(Duration::MAX),
            Self::BrokenBody => Effect::BreakOff,
            Self::TruncatedJson => Effect::Truncate,
            Self::WrongJson => ok(br#"{"data":{"items":[]},"next":null}"#.to_vec()),
            Self::Body(text) => ok(text.clone().into()),
            Self::Bytes(bytes) => ok(bytes.clone()),
            Self::Packed(bytes) => {
                Effect::Stream(response::head(StatusCode::OK, true).map(|_| bytes.clone().into()))
            }
            Self::NoBody => stream(breaking(Bytes::new())),
            Self::Silent => stream(drip(Duration::MAX, b" ")),
            Self::Trickle => stream(drip(Duration::from_millis(200), b" ")),
            Self::Endless => stream(drip(Duration::ZERO, &[b' '; 64 * 1024])),
            Self::Overlap => Effect::Reorder(Order::Overlapping),
            Self::RowsMove => Effect::Reorder(Order::Moving),
            Self::Redirect(target) => Effect::Replace(failure(302).with_header(LOCATION, target)),
        }
    }
}

fn failure(code: u16) -> JsonResponse {
    // Informational codes are no final responses; hyper would give up on them.
    let status = StatusCode::from_u16(code).ok().filter(|status| !status.is_informational());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = status.canonical_reason().unwrap_or("Something is wrong");
    // Nectar says why in free text, and may quote a login there.
    JsonResponse::detail(status, &format!("{reason}, {SECRET}.login@mail.example"))
}

/// An endless body: `drop` after each `wait`.
fn drip(wait: Duration, drop: &'static [u8]) -> Body {
    Body::from_stream(stream::unfold((), move |()| async move {
        if wait > Duration::ZERO {
            tokio::time::sleep(wait).await;
        }
        Some((Ok::<_, io::Error>(Bytes::from_static(drop)), ()))
    }))
}

/// A body that fails after `start`.
pub fn breaking(start: Bytes) -> Body {
    Body::from_stream(stream::unfold(Some(start), |start| async {
        match start {
            Some(start) => Some((Ok(start), None)),
            None => {
                // A pause, so that what was written before goes out before the connection breaks.
                tokio::time::sleep(Duration::from_millis(10)).await;
                Some((Err(io::Error::from(io::ErrorKind::BrokenPipe)), None))
            }
        }
    }))
}
