//! The routes:
//!
//! | route | answers |
//! |---|---|
//! | `GET /metrics` (or as `--web.telemetry-path` has it) | the metrics; reads memory only |
//! | `GET /` | the landing page |
//! | `GET /-/healthy` | 200 while the process lives |
//! | `GET /-/ready` | 503 until the first good poll, then 200 |
//!
//! All but the last two may need a password; see [`Gate`]. Knows paths and content types. Must not know Nectar, or polling.

mod gate;
mod landing;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::error;

use crate::clock::SharedClock;
use crate::fleet::FleetReader;
use crate::metrics::Exposition;
use crate::metrics::text::CONTENT_TYPE as METRICS;
use crate::web::answer::{self, HTML, TEXT, answer};
use crate::web::encoding::{accepts_gzip, gzip};
use crate::web::{Answer, Request};

pub use gate::Gate;

/// Whether the process lives.
pub const HEALTHY: &str = "/-/healthy";
/// Whether there is something to scrape.
pub const READY: &str = "/-/ready";

/// Scrapes at once: each holds its whole text until the client has taken it, and a large fleet's is large.
const SCRAPES_AT_ONCE: usize = 8;

/// What the page may load: its own style, and nothing else from anywhere.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'";

/// Answers requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Server(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    exposition: Exposition,
    fleet: FleetReader,
    clock: SharedClock,
    telemetry_path: String,
    max_data_age: Duration,
    scrapes: Arc<Semaphore>,
}

impl Server {
    /// A server that shows `fleet` and `exposition`.
    pub fn new(
        exposition: Exposition,
        fleet: FleetReader,
        clock: SharedClock,
        telemetry_path: String,
        max_data_age: Duration,
    ) -> Self {
        let scrapes = Arc::new(Semaphore::new(SCRAPES_AT_ONCE));
        Self(Arc::new(Inner { exposition, fleet, clock, telemetry_path, max_data_age, scrapes }))
    }

    /// Answers one request.
    pub async fn answer(self, request: Request) -> Answer {
        let path = request.uri().path();
        // The metrics first: they may be served at `/`, and then there is no page.
        let route = match path {
            _ if path == self.0.telemetry_path => Route::Metrics,
            "/" => Route::Landing,
            HEALTHY => Route::Healthy,
            READY => Route::Ready,
            _ => return answer(StatusCode::NOT_FOUND, TEXT, "Not found. The metrics and links are at /\n"),
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return answer::method_not_allowed(TEXT, "This path takes GET and HEAD.\n");
        }
        match route {
            Route::Metrics => self.metrics(accepts_gzip(request.headers())).await,
            Route::Landing => self.landing(),
            Route::Healthy => answer(StatusCode::OK, TEXT, "Healthy.\n"),
            Route::Ready => self.ready(),
        }
    }

    async fn metrics(&self, zipped: bool) -> Answer {
        let Ok(place) = Arc::clone(&self.0.scrapes).acquire_owned().await else {
            return failed("the server is closing");
        };
        let exposition = self.0.exposition.clone();
        // The place goes along: a client that leaves early frees it only when its text is gone.
        let written = tokio::task::spawn_blocking(move || {
            let text = exposition.render().into_bytes();
            let text = if zipped { gzip(&text) } else { Ok(text) };
            text.map(|text| Bytes::from_owner(Scrape { text, _place: place }))
        });
        let bytes = match written.await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => return failed(error),
            Err(error) => return failed(error),
        };
        let mut answer = answer(StatusCode::OK, METRICS, bytes);
        let headers = answer.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        if zipped {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        answer
    }

    fn landing(&self) -> Answer {
        let Inner { fleet, clock, telemetry_path, max_data_age, .. } = self.0.as_ref();
        let page = landing::page(&fleet.now(), clock.now(), *max_data_age, telemetry_path);
        let page = match page {
            Ok(page) => page,
            Err(error) => return failed(error),
        };
        let mut answer = answer(StatusCode::OK, HTML, page);
        let headers = answer.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        answer
    }

    fn ready(&self) -> Answer {
        if self.0.fleet.now().ready {
            answer(StatusCode::OK, TEXT, "Ready.\n")
        } else {
            answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, "Not ready: no good poll of Nectar yet.\n")
        }
    }
}

enum Route {
    Metrics,
    Landing,
    Healthy,
    Ready,
}

/// A scrape's bytes, and its place among those at once.
struct Scrape {
    text: Vec<u8>,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Scrape {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

fn failed(cause: impl Display) -> Answer {
    error!(msg = "An answer could not be written", error = %cause);
    answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "The answer could not be written; see the log.\n")
}
