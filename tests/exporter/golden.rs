//! Golden scrapes of the whole program: `tests/golden/CASE/` has the bodies that Nectar serves, the flags if any,
//! and `expected.prom`, the whole scrape after one poll, but for what differs from machine to machine.
//!
//! `UPDATE=1 make test` rewrites them. Each case shows one idea, named by its folder.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use test_support::canned_nectar::Bodies;
use test_support::exporter::Exporter;
use test_support::scrape::Scrape;
use test_support::{differs_from_file, in_checkout};

/// Families whose values are the machine's own.
const OF_THE_MACHINE: [&str; 2] = ["process_", "nectar_exporter_build_info"];

#[tokio::test]
async fn golden_scrapes() {
    let mut cases: Vec<_> =
        std::fs::read_dir(in_checkout("tests/golden")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 12, "cases are gone");
    let mut differing = Vec::new();
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        println!("case {name}");
        let text = scrape_of(&case).await;
        promtool_finds_nothing(name, &text);
        Scrape::read(&text);
        let file = format!("tests/golden/{name}/expected.prom");
        differing.extend(differs_from_file(&file, &without_machine(&text)));
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

async fn scrape_of(case: &Path) -> String {
    let flags = std::fs::read_to_string(case.join("flags")).unwrap_or_default();
    let flags: Vec<&str> = flags.lines().collect();
    let program = Exporter::scripted(Bodies::from_folder(case), &flags).await;
    program.after_polls(1).await;
    program.until("the first good poll", |scrape| scrape.value("nectar_up", &[]) == Some(1.0)).await;
    program.text().await
}

fn without_machine(text: &str) -> String {
    let is_ours = |line: &&str| {
        let name = line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ");
        !OF_THE_MACHINE.iter().any(|prefix| name.starts_with(prefix))
    };
    text.lines().filter(is_ours).map(|line| format!("{line}\n")).collect()
}

/// `promtool check metrics` must be silent.
pub fn promtool_finds_nothing(what: &str, text: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is needed: install Debian's package prometheus");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "promtool on {what}: {said}");
}
