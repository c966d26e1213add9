//! Receives events from Nectar, which says through Svix when a connection has changed.
//!
//! An event is a reason to read its company now, and nothing else: nothing of its body becomes a metric, or is logged. Events can be
//! lost, doubled and out of order, and many do not name their company.
//!
//! Source of the rules: Nectar's page developer-guide/webhooks, and Svix' documentation.

pub mod event;
pub mod seen_ids;
pub mod signature;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::ALLOW;
use hyper::{HeaderMap, Method, StatusCode};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::clock::SharedClock;
use crate::http::{Limits, Request};
use crate::observe::{EventOutcome, EventRefusal, ObserveClients, ObserveEvents, Refusal};
use crate::poll::{Changed, ReadingRequests};
use crate::secret_file::Secret;
use event::Event;
use seen_ids::SeenIds;
use signature::Claims;

/// A larger body is refused. Those of Nectar have some kilobytes.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// For a body to arrive.
const BODY_TIME: Duration = Duration::from_secs(5);

/// How often the log says that a signature is wrong, at most.
const WARN_EVERY: Duration = Duration::from_secs(60 * 60);

/// How often the file with the secrets is read again.
const SECRET_EVERY: Duration = Duration::from_secs(10);

/// Limits on the clients of a listener for webhooks, beside one for scrapes that has the limits `web`: 64 connections for its 512. Together
/// with the largest body, they limit the memory that clients take.
pub fn limits(web: Limits) -> Limits {
    // Idle connections stay for longer than proxies keep theirs, which is a minute for many: an event that a proxy sends on one that is
    // just being closed would be answered with 502.
    let (connections, spares_answered) = ((web.connections / 8).max(1), false);
    Limits { connections, spares_answered, answer_time: Duration::from_secs(10), ..web }
}

/// Answers the requests of one listener. Cheap to clone.
#[derive(Clone)]
pub struct Receiver(Arc<Inner>);

struct Inner {
    path: String,
    secrets: Arc<Secret>,
    requests: ReadingRequests,
    clock: SharedClock,
    seen: Mutex<SeenIds>,
    events: Arc<dyn ObserveEvents>,
    clients: Arc<dyn ObserveClients>,
    /// When the log last said that a signature is wrong, by the monotonic clock.
    last_warning: Mutex<Option<Duration>>,
}

impl Receiver {
    /// Takes events at `path`, signed with one of `secrets`, and hands what they ask for to `requests`.
    pub fn new(
        path: String,
        secrets: Arc<Secret>,
        requests: ReadingRequests,
        clock: SharedClock,
        events: Arc<dyn ObserveEvents>,
        clients: Arc<dyn ObserveClients>,
    ) -> Self {
        let (seen, last_warning) = Default::default();
        Self(Arc::new(Inner { path, secrets, requests, clock, seen, events, clients, last_warning }))
    }

    /// The response to one request. It waits for its body, and for nothing of Nectar.
    pub async fn respond(self, request: Request) -> Response {
        if request.uri().path() != self.0.path {
            self.0.clients.refused(Refusal::NotFound);
            return (StatusCode::NOT_FOUND, "Not found.\n").into_response();
        }
        if *request.method() != Method::POST {
            self.0.clients.refused(Refusal::Method);
            return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")], "This path takes POST.\n")
                .into_response();
        }
        let (head, body) = request.into_parts();
        match self.take(&head.headers, body).await {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(refusal) => {
                self.0.events.refused(refusal);
                refused(refusal)
            }
        }
    }

    /// Takes one event.
    async fn take(&self, headers: &HeaderMap, body: Incoming) -> Result<(), EventRefusal> {
        let claims = Claims::read(headers).ok_or(EventRefusal::Malformed)?;
        // Before the body is read: who cannot get past this takes no memory.
        if !claims.is_recent(self.0.clock.now()) {
            return Err(EventRefusal::BadTime);
        }
        let reading = tokio::time::timeout(BODY_TIME, read(body));
        let body = reading.await.unwrap_or(Err(EventRefusal::Incomplete))?;
        if !claims.are_signed(&body, &self.0.secrets.current()) {
            self.warn_of_signature();
            return Err(EventRefusal::BadSignature);
        }
        let event = Event::read(&body);
        let outcome = self.outcome(claims.id, &event);
        self.0.events.arrived(event.event_type, outcome, self.0.clock.now());
        Ok(())
    }

    fn outcome(&self, id: &str, event: &Event) -> EventOutcome {
        let now = self.0.clock.monotonic();
        if !self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(id, now) {
            return EventOutcome::Duplicate;
        }
        if !event.event_type.is_of_connection() {
            return EventOutcome::Ignored;
        }
        let Event { company, connection, .. } = event;
        self.0.requests.ask(Changed { company: company.as_deref(), connection: connection.as_deref() })
    }

    /// Anybody can send requests: they must not fill the log.
    fn warn_of_signature(&self) {
        let now = self.0.clock.monotonic();
        let mut last = self.0.last_warning.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| now.saturating_sub(last) >= WARN_EVERY) {
            *last = Some(now);
            warn!(
                msg = "A webhook event does not have the right signature; for an hour, further ones are counted and not logged",
                advice =
                    "compare the file of --webhook.secret-file with the endpoint's signing secret in Svix",
            );
        }
    }
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("path", &self.0.path).finish_non_exhaustive()
    }
}

/// Reads the file with the secrets again, every few seconds until `stop`, so that a rotated one needs no restart.
pub async fn watch_secrets(secrets: Arc<Secret>, clock: SharedClock, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep(SECRET_EVERY) => { secrets.refresh().await; }
        }
    }
}

/// The whole body. Its place is as large as it can become, and is not moved. Each piece is copied into it: a piece keeps the buffer in
/// which it came, and a body that comes byte by byte would keep thousands of times its size.
async fn read<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Result<Vec<u8>, EventRefusal> {
    let fits = |bytes: &usize| *bytes <= MAX_BODY_BYTES;
    let announced = body.size_hint().upper().map_or(Ok(MAX_BODY_BYTES), usize::try_from);
    let length = announced.ok().filter(fits).ok_or(EventRefusal::TooLarge)?;
    let mut whole = Vec::with_capacity(length);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| EventRefusal::Malformed)?;
        let piece = frame.into_data().unwrap_or_default();
        if !fits(&whole.len().saturating_add(piece.len())) {
            return Err(EventRefusal::TooLarge);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

/// One line, without detail: who has no secret need not learn what is missing.
fn refused(refusal: EventRefusal) -> Response {
    let (status, text) = match refusal {
        EventRefusal::Malformed | EventRefusal::BadTime => (StatusCode::BAD_REQUEST, "Bad request.\n"),
        EventRefusal::BadSignature => (StatusCode::UNAUTHORIZED, "Unauthorized.\n"),
        EventRefusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Too large.\n"),
        EventRefusal::Incomplete => (StatusCode::REQUEST_TIMEOUT, "Too slow.\n"),
    };
    (status, text).into_response()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    /// A piece of a body, with its buffer.
    struct Piece {
        _buffer: Arc<()>,
        bytes: usize,
    }

    impl AsRef<[u8]> for Piece {
        fn as_ref(&self) -> &[u8] {
            b"12".get(..self.bytes).unwrap_or_default()
        }
    }

    /// A body without a length, in pieces of one or two bytes.
    #[tokio::test]
    async fn no_buffer_is_kept_for_a_few_bytes() {
        for (length, is_good) in
            [(0, true), (1, true), (MAX_BODY_BYTES, true), (MAX_BODY_BYTES + 1, false), (usize::MAX, false)]
        {
            let buffers = Arc::new(());
            let pieces = stream::unfold(length, |left| {
                assert_eq!(Arc::strong_count(&buffers), 1, "{left} bytes before the end");
                let piece = Piece { _buffer: Arc::clone(&buffers), bytes: left.min(2) };
                let next = (left > 0).then(|| (Frame::data(Bytes::from_owner(piece)), left - left.min(2)));
                std::future::ready(next.map(|(frame, left)| (Ok::<_, Infallible>(frame), left)))
            });
            let read = read(StreamBody::new(pieces)).await.map(|body| body.len());
            assert_eq!(read, if is_good { Ok(length) } else { Err(EventRefusal::TooLarge) });
        }
    }
}
