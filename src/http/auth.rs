//! The web configuration applied to requests: a password where one is needed, and headers on every response.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::WWW_AUTHENTICATE;

use super::routes::Routes;
use crate::http::response::{TEXT, answer, with_headers};
use crate::http::web_config::ConfigReloader;
use crate::http::{Answer, Request};

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

    /// Answers one request, or refuses to.
    pub async fn answer(self, request: Request) -> Answer {
        let Some(config) = self.config else { return self.routes.answer(request).await };
        let config = config.now();
        // Health checks come from machines that have no password, and learn nothing about Nectar.
        let is_open = self.routes.is_open(request.uri().path());
        let mut response = if is_open || config.admits(request.headers()).await {
            self.routes.answer(request).await
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

fn refused() -> Answer {
    let response = answer(StatusCode::UNAUTHORIZED, TEXT, "This needs a user's name and password.\n");
    with_headers(response, [(WWW_AUTHENTICATE, "Basic")])
}
