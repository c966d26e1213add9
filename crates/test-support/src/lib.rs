//! What the tests share: a clock they turn, an exporter they start, a Nectar that says what they want.

// Tests may stop at the first surprise.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::new_without_default,
    reason = "for the tests of this workspace alone"
)]

pub mod authority;
pub mod canned_nectar;
pub mod clock;
pub mod expected_metrics;
pub mod exporter;
pub mod exporter_process;
pub mod fault_scenario;
pub mod fault_table;
pub mod faulty_proxy;
pub mod http;
pub mod log;
pub mod mail;
pub mod own_process;
pub mod paused_time;
pub mod scrape;
pub mod sockets;
pub mod webhooks;

use std::future::IntoFuture;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long a test waits, in real time, for something that must happen. Nothing that is as it should be takes nearly as long, on any
/// machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Serves `app` on `listener` until `stop`.
pub fn serve(listener: TcpListener, app: Router, stop: CancellationToken) {
    let server = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned());
    tokio::spawn(server.into_future());
}

/// A file or folder of the checkout.
pub fn in_checkout(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Compares a file of the checkout with what the code makes of it now; with `UPDATE=1` it is rewritten instead.
pub fn assert_same_as_file(path: &str, actual: &str) {
    if let Some(difference) = differs_from_file(path, actual) {
        panic!("{difference}");
    }
}

/// As [`assert_same_as_file`], but says what differs instead of panicking.
pub fn differs_from_file(path: &str, actual: &str) -> Option<String> {
    let file = in_checkout(path);
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    if expected == actual {
        return None;
    }
    let differing = expected.lines().zip(actual.lines()).position(|(a, b)| a != b);
    let line = differing.unwrap_or_else(|| expected.lines().count().min(actual.lines().count()));
    Some(format!(
        "{path} differs from line {} on; if that is meant, run `make docs`\n  file: {:?}\n  code: {:?}",
        line + 1,
        expected.lines().nth(line),
        actual.lines().nth(line),
    ))
}
