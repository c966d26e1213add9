//! The operating kit against real servers: a simulated Nectar, the exporter, Prometheus with our rules, Alertmanager with
//! our configuration, and a receiver that writes down what people would have been told.
//!
//! Only times are shortened. What is waited for is a message, never a span of time.

// Tests may stop at the first surprise.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod alerts;
mod boards;
mod receiver;
mod servers;
mod world;
