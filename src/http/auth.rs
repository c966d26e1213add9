//! The web configuration applied to requests: a password where one is needed, and headers on every response.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::WWW_AUTHENTICATE;

use super::routes::Routes;
use crate::http::Request;
use crate::http::web_config::ConfigReloader;

/// The routes, and the web configuration that protects them, if there is one. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Auth {
    routes: Routes,
    config: Option<Arc<ConfigReloader>>,
}

impl Auth {
    /// `routes` under `config`; open to everybody without one.
    pub fn new(routes: Routes, config: Option<Arc<ConfigReloader>>) -> Self {
        Self { routes, config }
    }

    /// The response to one request, which may be that a password is needed.
    pub async fn respond(self, request: Request) -> Response {
        let Some(config) = self.config else { return self.routes.respond(request).await };
        let config = config.now();
        // Health checks come from machines that have no password, and learn nothing about Nectar.
        let is_open = self.routes.is_open(request.uri().path());
        let mut response = if is_open || config.admits(request.headers()).await {
            self.routes.respond(request).await
        } else {
            self.routes.refuses();
            refused()
        };
        for (name, value) in &config.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }
}

fn refused() -> Response {
    let text = "This needs a user's name and password.\n";
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Basic")], text).into_response()
}
