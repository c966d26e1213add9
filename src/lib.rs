//! Prometheus exporter for the connection and account statuses of Nectar.
//!
//! Data flows one way: `config` → `poll` → `nectar` → `model` → `fleet` → `metrics` → `server`. The ground that all
//! stand on: `clock`, `status`, `text`, `gzip`, `store`, `failure`, `observe`, `web`, `webconfig`. Beside them the
//! `simulator`, which knows only the ground, and `check`, which asks what a first poll would ask.

pub mod app;
pub mod check;
pub mod clock;
pub mod config;
pub mod failure;
pub mod fleet;
pub mod gzip;
pub mod log;
pub mod metrics;
pub mod model;
pub mod nectar;
pub mod observe;
pub mod poll;
pub mod reference;
pub mod server;
pub mod simulator;
pub mod status;
pub mod text;
pub mod web;
pub mod webconfig;
pub mod worker;
