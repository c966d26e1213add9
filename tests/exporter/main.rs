//! The whole exporter, tested from outside: sockets, flags, files, signals, Prometheus' own tools.

// Tests may stop at the first surprise.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod answers;
mod any_json;
mod chart;
mod check;
mod clock_steps;
mod command_line;
mod connections;
mod durations;
mod encodings;
mod failures;
mod faults;
mod first_minute;
mod fleet;
mod golden;
mod growth;
mod health;
mod keys;
mod log;
mod odd_values;
mod openmetrics;
mod packaging;
mod pages;
mod pagination;
mod politeness;
mod polling;
mod prometheus;
mod requests;
mod reuse;
mod secrets;
mod server;
mod shards;
mod slow_readers;
mod storage;
mod systemd;
mod tls;
mod truth;
mod visitors;
mod web_config;
mod webhook_visitors;
mod webhooks;
mod words;
mod worklist;
