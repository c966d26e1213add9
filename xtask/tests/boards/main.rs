//! Tests of the boards that need no Grafana: their structure, their queries, and that each rule finds what it is for.
//! Also of the mixin and the Helm chart, which are made from boards and rules, and of `deploy/compose`, which shows them.

// Tests may stop at the first surprise.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod chart;
mod colours;
mod committed;
mod compose;
mod damage;
mod labels;
mod language;
mod legible;
mod links;
mod mixin;
mod names;
mod parsed;
mod replicas;
mod rules;
mod structure;
mod tables;
mod variables;
mod webhooks;
mod weeks;
