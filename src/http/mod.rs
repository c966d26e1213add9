//! HTTP: listening, TLS, connections and their limits, the web configuration, routes and pages.
//!
//! What the simulated Nectar uses as well (all but `auth`, `landing`, `routes` and `web_config`) imports nothing of the exporter.

pub mod auth;
mod connections;
pub mod encoding;
pub mod handshake;
mod landing;
mod limits;
pub mod listen;
pub mod response;
pub mod routes;
pub mod serve;
mod tracked;
pub mod web_config;

pub use handshake::TlsMode;
pub use limits::Limits;
pub use listen::{BindError, ListenAddress, bind, bind_all};
pub use response::{Answer, Body, Request};
pub use serve::{serve, serve_with};
