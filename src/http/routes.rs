//! The routes:
//!
//! | route | answers |
//! |---|---|
//! | `GET /metrics` (or as `--web.telemetry-path` has it) | the metrics; reads memory only |
//! | `GET /` | the landing page |
//! | `GET /-/healthy` | 200 while the process lives |
//! | `GET /-/ready` | 503 until the first good poll, then 200 |
//!
//! Each behind the prefix, where there is one; `/` then leads there. All but the last two may need a password; see [`Auth`].
//! Knows paths and content types.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{
    CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderValue, LOCATION, REFRESH, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use tracing::error;

use super::landing;
use super::response::{self, HTML, TEXT, answer};
use crate::clock::SharedClock;
use crate::http::encoding::accepts_gzip;
use crate::http::{Answer, Request};
use crate::metrics::Exposition;
use crate::metrics::text::CONTENT_TYPE as METRICS;
use crate::observe::{ObserveClients, Refusal};

/// Whether the process lives.
pub const HEALTHY: &str = "/-/healthy";
/// Whether there is something to scrape.
pub const READY: &str = "/-/ready";

/// What the page may load: its own style, and nothing else from anywhere.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'";

/// How often a browser asks for the page again, in seconds.
const REFRESH_EVERY: &str = "60";

/// What people can look at, and where.
#[derive(Debug, Clone)]
pub struct Pages {
    /// What all paths begin with, without a slash at its end; empty where they have no prefix.
    pub prefix: String,
    /// The same as it is reached from outside, where a proxy in front changes it.
    pub prefix_outside: String,
    /// Path of the metrics, behind the prefix.
    pub telemetry_path: String,
    /// Older data is not shown.
    pub max_data_age: Duration,
    /// Whether the fleet is made up.
    pub is_demo: bool,
}

impl Pages {
    /// The whole path of the metrics.
    pub fn metrics(&self) -> String {
        format!("{}{}", self.prefix, self.telemetry_path)
    }

    /// By the path as it was sent, and also with its escapes undone: clients differ in what they escape.
    fn route(&self, path: &str) -> Option<Route> {
        self.route_to(path).or_else(|| self.route_to(&percent_decode_str(path).decode_utf8().ok()?))
    }

    fn route_to(&self, path: &str) -> Option<Route> {
        match path.strip_prefix(&self.prefix) {
            // The metrics first: they may be served at `/`, and then there is no page.
            Some(path) if path == self.telemetry_path => Some(Route::Metrics),
            Some("/") => Some(Route::Landing),
            Some(HEALTHY) => Some(Route::Healthy),
            Some(READY) => Some(Route::Ready),
            Some("") => Some(Route::Elsewhere),
            None if path == "/" => Some(Route::Elsewhere),
            _ => None,
        }
    }
}

/// Answers requests. Cheap to clone.
#[derive(Clone)]
pub struct Routes(Arc<Inner>);

struct Inner {
    exposition: Exposition,
    clock: SharedClock,
    pages: Pages,
    observer: Arc<dyn ObserveClients>,
}

impl Routes {
    /// Routes that serve `exposition` and the pages.
    pub fn new(
        exposition: Exposition,
        clock: SharedClock,
        pages: Pages,
        observer: Arc<dyn ObserveClients>,
    ) -> Self {
        Self(Arc::new(Inner { exposition, clock, pages, observer }))
    }

    /// A request is refused for want of a password.
    pub(super) fn refuses(&self) {
        self.0.observer.refused(Refusal::Unauthorized);
    }

    /// Whether this path is for machines that have no password: health checks, which learn nothing about Nectar.
    pub fn is_open(&self, path: &str) -> bool {
        matches!(self.0.pages.route(path), Some(Route::Healthy | Route::Ready))
    }

    /// Answers one request.
    pub async fn answer(self, request: Request) -> Answer {
        let pages = &self.0.pages;
        let Some(route) = pages.route(request.uri().path()) else {
            self.0.observer.refused(Refusal::NotFound);
            let text = format!("Not found. The metrics and links are at {}/\n", pages.prefix);
            return answer(StatusCode::NOT_FOUND, TEXT, text);
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            self.0.observer.refused(Refusal::Method);
            return response::method_not_allowed(TEXT, "This path takes GET and HEAD.\n");
        }
        match route {
            Route::Metrics => self.metrics(&request).await,
            Route::Landing => self.landing(),
            Route::Healthy => answer(StatusCode::OK, TEXT, "Healthy.\n"),
            Route::Ready => self.ready(),
            Route::Elsewhere => elsewhere(&pages.prefix_outside),
        }
    }

    async fn metrics(&self, request: &Request) -> Answer {
        let zipped = accepts_gzip(request.headers());
        let body = match self.0.exposition.body(zipped).await {
            Ok(body) => body,
            Err(error) => return failed(error),
        };
        let mut answer = response::streamed(METRICS, body);
        let headers = answer.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        if zipped {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        answer
    }

    fn landing(&self) -> Answer {
        let Inner { exposition, clock, pages, .. } = self.0.as_ref();
        let page = landing::page(&exposition.fleet(), clock.now(), pages);
        let page = match page {
            Ok(page) => page,
            Err(error) => return failed(error),
        };
        let mut answer = answer(StatusCode::OK, HTML, page);
        let headers = answer.headers_mut();
        headers.insert(REFRESH, HeaderValue::from_static(REFRESH_EVERY));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        answer
    }

    fn ready(&self) -> Answer {
        if self.0.exposition.fleet().ready {
            answer(StatusCode::OK, TEXT, "Ready.\n")
        } else {
            answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, "Not ready: no good poll of Nectar yet.\n")
        }
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes").field("pages", &self.0.pages).finish_non_exhaustive()
    }
}

enum Route {
    Metrics,
    Landing,
    Healthy,
    Ready,
    /// The page, as a browser that is at the wrong slash wants it.
    Elsewhere,
}

fn elsewhere(prefix: &str) -> Answer {
    let mut answer = answer(StatusCode::FOUND, TEXT, format!("The page is at {prefix}/\n"));
    if let Ok(page) = HeaderValue::from_str(&format!("{prefix}/")) {
        answer.headers_mut().insert(LOCATION, page);
    }
    answer
}

fn failed(cause: impl Display) -> Answer {
    error!(msg = "An answer could not be written", error = %cause);
    answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "The answer could not be written; see the log.\n")
}
