//! Plain HTTP serving: sockets, limits, draining, answers.
//!
//! Knows `hyper`. Must not know a route, a metric or Nectar.

pub mod answer;
pub mod encoding;
pub mod listen;
pub mod serve;

pub use answer::{Answer, Body, Request};
pub use listen::{BindError, ListenAddress, bind};
pub use serve::{Limits, serve};
