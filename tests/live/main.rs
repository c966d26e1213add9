//! The operating kit against real servers: a simulated Nectar, the exporter, Prometheus with our rules, Alertmanager with
//! our configuration, and a receiver that writes down what people would have been told.
//!
//! `world` starts it all (`servers`, `receiver`, `mail`, `haste`), `fleet` is what the simulated Nectar sends, `ask` asks Prometheus.
//! The tests: `alerts`; and for the boards `boards`, which compares them (`panels`) with the `truth` (`tally`), `hostile` and `happenings`.
//!
//! Only times are shortened. What is waited for is a message, never a span of time.

// Tests may stop at the first surprise.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod alerts;
mod ask;
mod boards;
mod fleet;
mod happenings;
mod haste;
mod hostile;
mod panels;
mod receiver;
mod runbooks;
mod servers;
mod tally;
mod truth;
mod world;
