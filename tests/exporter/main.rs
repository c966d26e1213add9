//! The whole exporter, tested through its front doors: sockets, flags, files, signals, Prometheus' own tools.

mod command_line;
mod failures;
mod fleet;
mod golden;
mod keys;
mod pages;
mod prometheus;
mod secrets;
mod server;
mod support;
mod truth;
