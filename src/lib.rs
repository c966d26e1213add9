//! Prometheus exporter for the connection and account statuses of Nectar.
//!
//! Data flows one way: `config` → `poll` → `nectar` → `model` → `fleet` → `metrics` → `http`. All of them use `clock`, `status`,
//! `text`, `failure` and `observe`. `check` is apart from these: it asks what a first poll would ask. The simulated Nectar of
//! the demo is a crate of its own, which only the program starts.

#![deny(clippy::disallowed_methods)]

pub mod app;
pub mod check;
pub mod clock;
pub mod config;
pub mod failure;
pub mod fleet;
pub mod http;
pub mod log;
pub mod metrics;
pub mod model;
pub mod nectar;
pub mod observe;
pub mod poll;
pub mod text;
pub mod worker;

pub use nectar_status as status;
