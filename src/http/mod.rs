//! HTTP: listening, TLS, connections and their limits, the web configuration, routes and pages.

mod accept;
pub mod auth;
mod connection_limiter;
pub mod encoding;
pub mod handshake;
mod landing;
mod limits;
pub mod listen;
mod paths;
pub mod routes;
pub mod serve;
mod tracked;
pub mod web_config;
mod worklist;

pub use handshake::TlsMode;
pub use limits::Limits;
pub use listen::{BindError, ListenAddress, bind, bind_all};
pub use paths::{RESERVED_PATHS, WebPaths, is_path};
pub use serve::{Request, serve};
