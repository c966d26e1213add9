//! HTTP serving: sockets, limits, draining, answers.
//!
//! Knows `hyper` and TLS. Must not know a route, a metric or Nectar.

pub mod answer;
pub mod door;
pub mod encoding;
mod limits;
pub mod listen;
mod noted;
mod room;
pub mod serve;

pub use answer::{Answer, Body, Request};
pub use door::Door;
pub use limits::Limits;
pub use listen::{BindError, ListenAddress, bind, bind_all};
pub use serve::{serve, serve_through};
