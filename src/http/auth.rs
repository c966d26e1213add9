//! Who may have which answer, and what every answer carries, by the web configuration.
//!
//! Knows which routes need no password.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{HeaderValue, WWW_AUTHENTICATE};

use super::routes::Routes;
use crate::http::response::{TEXT, answer};
use crate::http::web_config::ConfigReloader;
use crate::http::{Answer, Request};

/// The routes, and the web configuration that protects them, if there is one. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Auth {
    routes: Routes,
    config: Option<Arc<ConfigReloader>>,
}

impl Auth {
    /// `routes` as `config` has it; open to everybody without one.
    pub fn new(routes: Routes, config: Option<Arc<ConfigReloader>>) -> Self {
        Self { routes, config }
    }

    /// Answers one request, or refuses to.
    pub async fn answer(self, request: Request) -> Answer {
        let Some(config) = self.config else { return self.routes.answer(request).await };
        let config = config.now();
        // Health checks come from machines that have no password, and learn nothing about Nectar.
        let is_open = self.routes.is_open(request.uri().path());
        let mut answer = if is_open || config.admits(request.headers()).await {
            self.routes.answer(request).await
        } else {
            self.routes.refuses();
            refused()
        };
        for (name, value) in &config.headers {
            answer.headers_mut().insert(name, value.clone());
        }
        answer
    }
}

fn refused() -> Answer {
    let mut answer = answer(StatusCode::UNAUTHORIZED, TEXT, "This needs a user's name and password.\n");
    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
    answer
}
