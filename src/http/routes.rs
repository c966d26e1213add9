//! The routes:
//!
//! | route | response |
//! |---|---|
//! | `GET /metrics` (or as `--web.telemetry-path` has it) | the metrics; reads memory only |
//! | `GET /` | the landing page |
//! | `GET /worklist` | the logins that somebody must act on, as a page or as CSV; none at `--metrics.detail=none` |
//! | `GET /-/healthy` | 200 while the process lives |
//! | `GET /-/ready` | 503 until there is a fleet to show, then 200 |
//!
//! Each behind the prefix, where there is one; `/` then leads there. All but the last two may need a password; see [`Auth`](super::auth::Auth).

use std::fmt::{self, Display};
use std::sync::Arc;

use axum::body::Body;
use axum::response::{Html, IntoResponse, Response};
use futures::stream;
use hyper::header::{
    ALLOW, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, REFRESH, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, StatusCode};
use tracing::error;

use super::paths::{Route, WebPaths};
use super::worklist::Worklist;
use super::{accept, landing};
use crate::clock::SharedClock;
use crate::http::Request;
use crate::http::encoding::accepts_gzip;
use crate::metrics::{Detail, Exposition};
use crate::observe::{ObserveClients, Refusal};
use crate::worker::SpawnError;

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
    paths: WebPaths,
    /// None where nothing is shown of single connections.
    worklist: Option<Worklist>,
    is_demo: bool,
    observer: Arc<dyn ObserveClients>,
}

impl Routes {
    /// Routes that serve `exposition` and the pages, which say of a demo that it is one.
    ///
    /// # Errors
    /// [`SpawnError`], if the system gives no thread to make the worklist on.
    pub fn new(
        exposition: Exposition,
        clock: SharedClock,
        paths: WebPaths,
        is_demo: bool,
        observer: Arc<dyn ObserveClients>,
    ) -> Result<Self, SpawnError> {
        let has_worklist = exposition.detail() != Detail::None;
        let worklist =
            || Worklist::start(exposition.clone(), Arc::clone(&clock), paths.has_landing(), is_demo);
        let worklist = has_worklist.then(worklist).transpose()?;
        Ok(Self(Arc::new(Inner { exposition, clock, paths, worklist, is_demo, observer })))
    }

    /// Whether this path is for machines that have no password: health checks, which learn nothing about Nectar.
    pub fn is_open(&self, path: &str) -> bool {
        matches!(self.0.paths.route(path), Some(Route::Healthy | Route::Ready))
    }

    /// The response to one request.
    pub async fn respond(self, request: Request) -> Response {
        let paths = &self.0.paths;
        let Some(route) = paths.route(request.uri().path()) else { return self.not_found() };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            self.0.observer.refused(Refusal::Method);
            let text = "This path takes GET and HEAD.\n";
            return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")], text).into_response();
        }
        match route {
            Route::Metrics => self.metrics(&request).await,
            Route::Landing => self.landing(),
            Route::Worklist => match &self.0.worklist {
                Some(worklist) => worklist.respond(&request).await.unwrap_or_else(failed),
                None => self.not_found(),
            },
            Route::Healthy => "Healthy.\n".into_response(),
            Route::Ready => self.ready(),
            Route::RedirectToLanding => redirect_to_landing(&paths.prefix_outside),
        }
    }

    fn not_found(&self) -> Response {
        self.0.observer.refused(Refusal::NotFound);
        let text = format!("Not found. The metrics and links are at {}/\n", self.0.paths.prefix_outside);
        (StatusCode::NOT_FOUND, text).into_response()
    }

    async fn metrics(&self, request: &Request) -> Response {
        let zipped = accepts_gzip(request.headers());
        let format = accept::format(request.headers());
        let body = match self.0.exposition.body(format, zipped).await {
            Ok(body) => body,
            Err(error) => return failed(error),
        };
        let headers = [(CONTENT_TYPE, format.content_type()), (VARY, "Accept, Accept-Encoding")];
        // Each chunk is asked for when the client has taken those before it.
        let mut response = (headers, Body::from_stream(stream::iter(body))).into_response();
        if zipped {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }

    fn landing(&self) -> Response {
        let Inner { exposition, clock, paths, worklist, is_demo, .. } = self.0.as_ref();
        let headers = [
            (REFRESH, REFRESH_EVERY),
            (CONTENT_SECURITY_POLICY, PAGE_POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        match landing::page(
            &exposition.published_fleet(),
            clock.now(),
            exposition.max_data_age(),
            &paths.telemetry_path,
            worklist.is_some(),
            *is_demo,
        ) {
            Ok(page) => (headers, Html(page)).into_response(),
            Err(error) => failed(error),
        }
    }

    fn ready(&self) -> Response {
        if self.0.exposition.published_fleet().ready {
            "Ready.\n".into_response()
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "Not ready: no good poll of Nectar yet.\n").into_response()
        }
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes").field("paths", &self.0.paths).finish_non_exhaustive()
    }
}

fn redirect_to_landing(prefix: &str) -> Response {
    let mut response = (StatusCode::FOUND, format!("The page is at {prefix}/\n")).into_response();
    if let Ok(page) = HeaderValue::from_str(&format!("{prefix}/")) {
        response.headers_mut().insert(LOCATION, page);
    }
    response
}

fn failed(cause: impl Display) -> Response {
    error!(msg = "A response could not be written", error = %cause);
    (StatusCode::INTERNAL_SERVER_ERROR, "The response could not be written; see the log.\n").into_response()
}
