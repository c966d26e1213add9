//! The boards, proven without a Grafana: their structure, their language, and that each rule can find its fault.

// Tests may stop at the first surprise.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod colours;
mod committed;
mod damage;
mod labels;
mod language;
mod links;
mod names;
mod parsed;
mod replicas;
mod rules;
mod structure;
mod tables;
mod variables;
