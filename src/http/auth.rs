//! The web configuration applied to requests: a password where one is needed, and headers on every response.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::WWW_AUTHENTICATE;

use crate::http::Request;
use crate::http::web_config::ConfigReloader;
use crate::observe::{ObserveClients, Refusal};

/// The web configuration of a listener, if there is one. Cheap to clone.
#[derive(Clone)]
pub struct Auth {
    config: Option<Arc<ConfigReloader>>,
    observer: Arc<dyn ObserveClients>,
}

impl Auth {
    /// Protects what is under `config`; without one, it is open to everybody.
    pub fn new(config: Option<Arc<ConfigReloader>>, observer: Arc<dyn ObserveClients>) -> Self {
        Self { config, observer }
    }

    /// What `respond` makes of the request; or that a password is needed, unless the path `is_open`.
    pub async fn respond<F: Future<Output = Response>>(
        self,
        request: Request,
        is_open: bool,
        respond: impl FnOnce(Request) -> F,
    ) -> Response {
        let Some(config) = self.config else { return respond(request).await };
        let config = config.now();
        let mut response = if is_open || config.admits(request.headers()).await {
            respond(request).await
        } else {
            self.observer.refused(Refusal::Unauthorized);
            refused()
        };
        for (name, value) in &config.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("config", &self.config).finish_non_exhaustive()
    }
}

fn refused() -> Response {
    let text = "This needs a user's name and password.\n";
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Basic")], text).into_response()
}
