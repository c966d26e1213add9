//! Rules, routes and boards against real servers: a simulated Nectar, the exporter, Prometheus with the shipped rules, Alertmanager
//! with the shipped configuration, and a receiver that records what people would have been told.
//!
//! `world` starts everything (`servers`, `receiver`, `mail`, `haste`), `fleet` is what the simulated Nectar sends, `ask` queries
//! Prometheus. The tests are `alerts`, and for the boards `boards`, which compares them (`panels`) with the `truth` (`tally`),
//! `hostile` and `happenings`; `shards`, and `openmetrics`.
//!
//! Only times are shortened. Tests wait for a message, never for time to pass.

// Tests may panic when something is unexpected.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod alerts;
mod ask;
mod boards;
mod fleet;
mod happenings;
mod haste;
mod hostile;
mod openmetrics;
mod panels;
mod receiver;
mod runbooks;
mod servers;
mod shards;
mod tally;
mod trend;
mod truth;
mod world;
