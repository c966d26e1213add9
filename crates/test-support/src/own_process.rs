//! Runs a test in a process of its own, which shares its log, descriptors and memory with no other test.

use std::process::{Command, Stdio};

/// Runs the ignored test `name` by itself, until it ends; panics if it fails. Returns its standard output and its log.
pub fn in_own_process(name: &str) -> (String, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let [said, log] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(said.contains("1 passed") && output.status.success(), "{name}:\n{said}\n{}", end_of(&log));
    (said, log)
}

/// The end of the log, where the panic is: that of a whole test is too long to read.
fn end_of(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let short = |line: &&str| line.chars().take(300).collect::<String>();
    lines[lines.len().saturating_sub(40)..].iter().map(short).collect::<Vec<_>>().join("\n")
}
