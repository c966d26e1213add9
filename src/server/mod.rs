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
mod held;
mod landing;
mod scrapes;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, StatusCode};
use tracing::error;

use crate::clock::SharedClock;
use crate::fleet::FleetReader;
use crate::metrics::Exposition;
use crate::metrics::text::CONTENT_TYPE as METRICS;
use crate::web::answer::{self, HTML, TEXT, answer};
use crate::web::encoding::accepts_gzip;
use crate::web::{Answer, Hangup, Lane, Request};
use scrapes::Scrapes;

pub use gate::Gate;

/// Whether the process lives.
pub const HEALTHY: &str = "/-/healthy";
/// Whether there is something to scrape.
pub const READY: &str = "/-/ready";

/// What the page may load: its own style, and nothing else from anywhere.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'";

/// Answers requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Server(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    scrapes: Scrapes,
    fleet: FleetReader,
    clock: SharedClock,
    telemetry_path: String,
    max_data_age: Duration,
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
        let scrapes = Scrapes::new(exposition, Arc::clone(&clock));
        Self(Arc::new(Inner { scrapes, fleet, clock, telemetry_path, max_data_age }))
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
            Route::Metrics => self.metrics(&request).await,
            Route::Landing => self.landing(),
            Route::Healthy => answer(StatusCode::OK, TEXT, "Healthy.\n"),
            Route::Ready => self.ready(),
        }
    }

    async fn metrics(&self, request: &Request) -> Answer {
        let zipped = accepts_gzip(request.headers());
        let body = match self.0.scrapes.body(zipped, Hangup::of(request), Lane::of(request)).await {
            Ok(body) => body,
            Err(error) => return failed(error),
        };
        let mut answer = answer::streamed(METRICS, body.len(), body);
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

fn failed(cause: impl Display) -> Answer {
    error!(msg = "An answer could not be written", error = %cause);
    answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "The answer could not be written; see the log.\n")
}
