//! Prometheus exporter for the connection and account statuses of Nectar.
//!
//! `app` puts the parts together. `poll` asks `nectar`, which decodes into the `model`, and writes the `fleet`; `metrics` renders the
//! fleet, and `http` serves what was rendered. `storage` keeps the fleet over a restart. `webhook` takes Nectar's events, which ask
//! `poll` for readings. `config` makes the settings of each from the flags. `clock`, `status`, `sanitize`, `failure`, `observe`, `log`,
//! `secret_file`, `shard` and `worker` are used throughout. `check` asks what a first poll would ask, and
//! `health` a running exporter whether it is ready; `systemd` is told how it is. The simulated Nectar of the demo is
//! a crate of its own, which only the program starts.

#![deny(clippy::disallowed_types)]

pub mod app;
pub mod check;
pub mod clock;
pub mod config;
pub mod failure;
pub mod fleet;
pub mod health;
pub mod http;
pub mod log;
pub mod metrics;
pub mod model;
pub mod nectar;
pub mod observe;
pub mod poll;
pub mod reload;
pub mod sanitize;
pub mod secret_file;
pub mod shard;
pub mod storage;
pub mod systemd;
pub mod webhook;
pub mod worker;

pub use nectar_status as status;
