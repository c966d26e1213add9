//! What the tests share: a clock that they move, an exporter that they start, a Nectar that sends what they want.

// Tests may panic when something is unexpected.
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

pub mod alone;
pub mod authority;
pub mod binary;
pub mod clock;
pub mod count;
pub mod fault_table;
pub mod front;
pub mod http;
pub mod mail;
pub mod program;
pub mod scrape;
pub mod scripted;
pub mod sockets;
pub mod stage;
pub mod stopped;

use std::path::PathBuf;
use std::time::Duration;

/// How long a test waits, in real time, for something that must happen. Nothing that works takes nearly as long, on any machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The path of a file or folder in the checkout.
pub fn in_checkout(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Compares a file of the checkout with what the code renders; with `UPDATE=1` it is rewritten instead.
pub fn assert_same_as_file(path: &str, actual: &str) {
    if let Some(difference) = differs_from_file(path, actual) {
        panic!("{difference}");
    }
}

/// Like [`assert_same_as_file`], but returns the difference instead of panicking.
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
