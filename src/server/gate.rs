//! Who may have which answer, and what every answer carries, by the web configuration.
//!
//! Knows which routes need no password. Must not know how passwords are checked, or TLS.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{HeaderValue, WWW_AUTHENTICATE};

use super::Server;
use crate::web::answer::{TEXT, answer};
use crate::web::{Answer, Request};
use crate::webconfig::Keeper;

/// A server, and what protects it, if anything does. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gate {
    server: Server,
    keeper: Option<Arc<Keeper>>,
}

impl Gate {
    /// `server` as `keeper` has it; open to everybody without one.
    pub fn new(server: Server, keeper: Option<Arc<Keeper>>) -> Self {
        Self { server, keeper }
    }

    /// Answers one request, or refuses to.
    pub async fn answer(self, request: Request) -> Answer {
        let Some(keeper) = self.keeper else { return self.server.answer(request).await };
        let protection = keeper.now();
        // Health checks come from machines that have no password, and learn nothing about Nectar.
        let is_open = self.server.is_open(request.uri().path());
        let mut answer = if is_open || protection.admits(request.headers()).await {
            self.server.answer(request).await
        } else {
            self.server.refuses();
            refused()
        };
        for (name, value) in &protection.headers {
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
