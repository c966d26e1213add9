//! Prometheus exporter for the connection and account statuses of Nectar.

pub mod clock;
pub mod status;
pub mod web;
