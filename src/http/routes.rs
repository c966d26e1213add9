//! The routes:
//!
//! | route | response |
//! |---|---|
//! | `GET /metrics` (or as `--web.telemetry-path` has it) | the metrics; reads memory only |
//! | `GET /` | the landing page |
//! | `GET /-/healthy` | 200 while the process lives |
//! | `GET /-/ready` | 503 until the first good poll, then 200 |
//!
//! Each behind the prefix, where there is one; `/` then leads there. All but the last two may need a password; see [`Auth`].

use std::fmt::{self, Display};
use std::sync::Arc;

use hyper::header::{
    CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderValue, LOCATION, REFRESH, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, StatusCode};
use tracing::error;

use super::landing;
use super::pages::{Pages, Route};
use super::response::{self, HTML, TEXT, answer};
use crate::clock::SharedClock;
use crate::http::encoding::accepts_gzip;
use crate::http::{Answer, Request};
use crate::metrics::Exposition;
use crate::metrics::text::CONTENT_TYPE as METRICS;
use crate::observe::{ObserveClients, Refusal};

/// The page may load its own style, and nothing else from anywhere.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'";

/// How often a browser asks for the page again, in seconds.
const REFRESH_EVERY: &str = "60";

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

    /// Counts a request that is refused because its password is missing or wrong.
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
        let coding = zipped.then_some((CONTENT_ENCODING, "gzip"));
        let headers = [(VARY, "Accept-Encoding")].into_iter().chain(coding);
        response::with_headers(response::streamed(METRICS, body), headers)
    }

    fn landing(&self) -> Answer {
        let Inner { exposition, clock, pages, .. } = self.0.as_ref();
        let page = match landing::page(&exposition.fleet(), clock.now(), pages) {
            Ok(page) => page,
            Err(error) => return failed(error),
        };
        let headers = [
            (REFRESH, REFRESH_EVERY),
            (CONTENT_SECURITY_POLICY, PAGE_POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        response::with_headers(answer(StatusCode::OK, HTML, page), headers)
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

fn elsewhere(prefix: &str) -> Answer {
    let mut response = answer(StatusCode::FOUND, TEXT, format!("The page is at {prefix}/\n"));
    if let Ok(page) = HeaderValue::from_str(&format!("{prefix}/")) {
        response.headers_mut().insert(LOCATION, page);
    }
    response
}

fn failed(cause: impl Display) -> Answer {
    error!(msg = "A response could not be written", error = %cause);
    answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "The response could not be written; see the log.\n")
}
