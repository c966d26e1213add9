//! The API key: refused, rotated, taken away.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use nectar_simulator::{Fault, Plan, Scope, Simulator};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use test_support::authority::Authority;
use test_support::clock::{TestClock, wall};
use test_support::exporter::Exporter;
use test_support::exporter_process::{Running, nectar_exporter};
use test_support::http;
use test_support::log::Log;
use test_support::paused_time::PausedTime;
use test_support::scrape::Scrape;

const SMALL: Plan = Plan { companies: 3, connections: 4, accounts: 1, seed: 7, speed: 0.0 };

/// An exporter whose key file is in a folder of its own, and a simulator that accepts what the file holds.
async fn with_key_file() -> (Exporter, Simulator, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "first-key\n").unwrap();
    let flag = format!("--nectar.api-key-file={}", folder.path().join("key").display());
    let clock = TestClock::skipping(Duration::from_secs(60));
    let simulator = Simulator::new(&SMALL, "first-key", wall(&clock));
    let program = Exporter::against(&simulator, &[&flag], clock).await;
    (program, simulator, folder)
}

fn is_whole(scrape: &Scrape) -> bool {
    scrape.value("nectar_up", &[]) == Some(1.0)
}

#[tokio::test]
async fn a_rotated_key_needs_no_restart() {
    let (program, simulator, folder) = with_key_file().await;
    let file = folder.path().join("key");
    assert!(is_whole(&program.after_polls(1).await));

    // Nectar drops the old key before the file has the new one: refused, and said so.
    simulator.accept_key("second-key");
    let refused = program.next_poll().await;
    assert_eq!(refused.value("nectar_exporter_poll_failures_total", &[("reason", "auth")]), Some(1.0));
    let refusals = refused.sum("nectar_api_request_failures_total", &[("reason", "auth")]);
    assert_eq!(refusals, 1.0, "the same key is not tried again");

    std::fs::write(&file, "\u{feff}  second-key\r\n").unwrap();
    let taken_up = program.next_poll().await;
    assert!(is_whole(&taken_up));
    let refusals = taken_up.sum("nectar_api_request_failures_total", &[("reason", "auth")]);
    assert_eq!(refusals, 1.0, "the file is read before the old key is tried");

    for left in ["", "\n \n", "two\nlines"] {
        std::fs::write(&file, left).unwrap();
        assert!(is_whole(&program.next_poll().await), "{left:?}: the old key stays");
    }
    std::fs::remove_file(&file).unwrap();
    assert!(is_whole(&program.next_poll().await), "no file: the old key stays");
}

/// The second poll has begun with the old key and waits; meanwhile the key is rotated. Then time goes on.
async fn rotated_during_a_poll(meanwhile: impl Fn(&Simulator)) -> Scrape {
    let (program, simulator, folder) = with_key_file().await;
    program.after_polls(1).await;
    let wait = Fault::StatusRetryAfter(503, "200".to_owned());
    simulator.faults().set_times(Scope::CompanyList, wait, 1);
    program.clock.advance(Duration::from_secs(300));
    let code = [("endpoint", "company"), ("code", "503")];
    program
        .until("the refusal", |scrape| scrape.value("nectar_api_requests_total", &code) == Some(1.0))
        .await;
    simulator.accept_key("second-key");
    std::fs::write(folder.path().join("key"), "second-key").unwrap();
    meanwhile(&simulator);
    program.clock.advance(Duration::from_secs(200));
    program.after_polls(2).await
}

#[tokio::test]
async fn a_key_rotated_during_a_poll_is_taken_up_after_the_refusal() {
    let scrape = rotated_during_a_poll(|_| {}).await;
    assert_eq!(scrape.sum("nectar_api_request_failures_total", &[("reason", "auth")]), 1.0);
    assert!(is_whole(&scrape));
}

/// Four attempts for one request, whatever they were spent on.
#[tokio::test]
async fn a_rotated_key_is_no_fifth_attempt() {
    // The refused key meets no fault: 401 is judged first.
    let failing = |simulator: &Simulator| simulator.faults().set(Scope::CompanyList, Fault::Status(500));
    let scrape = rotated_during_a_poll(failing).await;
    let sent = scrape.sum("nectar_api_requests_total", &[("endpoint", "company")]);
    assert_eq!(sent, 1.0 + 4.0, "one in the first poll, four in the second");
}

/// As [`with_key_file`], in a process of its own that has polled once, and polls often.
async fn running_with_key_file() -> (Running, Simulator, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "first-key").unwrap();
    let simulator = Simulator::new(&SMALL, "first-key", Timestamp::now);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("--nectar.base-url=http://{}/v2.2", listener.local_addr().unwrap());
    tokio::spawn(simulator.clone().serve(vec![listener], CancellationToken::new()));
    let key = format!("--nectar.api-key-file={}", file.display());
    let flags = [&*base_url, &*key, "--nectar.poll-interval=100ms", "--web.listen-address=127.0.0.1:0"];
    let mut running = Running::start(&mut nectar_exporter(&flags));
    running.wait_for("Poll finished");
    (running, simulator, folder)
}

/// To open a pipe that nobody writes to blocks for ever: so it is not opened.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_that_becomes_a_pipe_keeps_nobody_waiting() {
    let (mut running, simulator, folder) = running_with_key_file().await;
    let file = folder.path().join("key");

    // Put in its place at once: no poll finds nothing there.
    let other = folder.path().join("other");
    assert!(std::process::Command::new("mkfifo").arg(&other).status().unwrap().success());
    std::fs::rename(&other, &file).unwrap();
    assert!(running.wait_for("no longer usable").contains("is no file any more"));
    for _ in 0..2 {
        assert!(running.wait_for("Poll finished").contains("failures=0"), "the old key stays");
    }

    std::fs::write(&other, "second-key").unwrap();
    std::fs::rename(&other, &file).unwrap();
    simulator.accept_key("second-key");
    running.wait_for("The API key file has a new key");
    running.signal("TERM");
    assert_eq!(running.end(), Some(0));
    assert_eq!(running.log.iter().filter(|line| line.contains("no longer usable")).count(), 1);
}

/// A lease makes whoever opens the file wait, as a mount that hangs does.
const LEASE: &str = r#"
import fcntl, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = open(sys.argv[1], "r+")
try:
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    print("taken", flush=True)
except OSError:
    print("not to be had", flush=True)
sys.stdin.read()
"#;

#[tokio::test]
async fn a_key_file_that_cannot_be_opened_any_more_keeps_nobody_waiting() {
    let log = Log::begin();
    let (program, simulator, folder) = with_key_file().await;
    program.after_polls(1).await;

    // Anew in its place: nobody has it open, or there would be no lease.
    let other = folder.path().join("other");
    std::fs::write(&other, "second-key").unwrap();
    let mut command = std::process::Command::new("python3");
    let command = command.args(["-c", LEASE]).arg(&other).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = command.spawn().unwrap();
    let mut said = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
    if said.trim() != "taken" {
        eprintln!("not tried: this file system has no leases");
        holder.kill().unwrap();
        holder.wait().unwrap();
        return;
    }
    std::fs::rename(&other, folder.path().join("key")).unwrap();
    let _stopped = PausedTime::new();
    program.clock.advance(Duration::from_secs(300));
    while polls(&program).await < 2.0 {
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert!(is_whole(&program.scrape().await), "the old key stays");
    assert!(log.line_with("no longer usable").contains("on a mount that hangs"));

    simulator.accept_key("second-key");
    drop(holder.stdin.take());
    holder.wait().unwrap();
    assert!(is_whole(&program.next_poll().await));
    log.line_with("The API key file has a new key");
}

async fn polls(program: &Exporter) -> f64 {
    program.scrape().await.sum("nectar_exporter_polls_total", &[])
}

/// SIGHUP ends nobody: files are read again, and it is said which.
#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_reads_files_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "first-key").unwrap();
    let key = format!("--nectar.api-key-file={}", file.display());
    let certificates = folder.path().join("ca.pem");
    std::fs::write(&certificates, Authority::new().pem()).unwrap();
    let trusted = format!("--nectar.ca-file={}", certificates.display());
    // Polls once, and no file is read again before this test says so.
    let refusing = http::always("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n", b"");
    let url = format!("--nectar.base-url=http://{refusing}");
    let flags = [&*url, &*key, &*trusted, "--web.listen-address=127.0.0.1:0"];
    let mut running = Running::start(&mut nectar_exporter(&flags));
    running.wait_for("Poll finished");
    running.signal("HUP");
    assert!(running.wait_for("SIGHUP").contains("ca_file=\"not read again: that takes a restart\""));
    std::fs::write(&file, "second-key").unwrap();
    running.signal("HUP");
    running.wait_for("The API key file has a new key");
    assert!(running.wait_for("SIGHUP: files were read again").contains("api_key_file=\"new, and in force\""));
    running.signal("HUP");
    assert!(running.wait_for("SIGHUP: files were read again").contains("api_key_file=unchanged"));
    std::fs::remove_file(&file).unwrap();
    running.signal("HUP");
    assert!(running.wait_for("SIGHUP: files were read again").contains("api_key_file=\"not usable"));
    running.signal("TERM");
    assert_eq!(running.end(), Some(0));
}

/// Which keys are odd stands beside the rule, in src/nectar/key.rs.
#[tokio::test]
async fn an_odd_key_is_hinted_at_when_it_is_refused() {
    for (key, hint) in [("\"sim-secret\"", Some("stands in quotes")), ("sim-other", None)] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), key).unwrap();
        let flag = format!("--nectar.api-key-file={}", folder.path().join("key").display());
        let (log, clock) = (Log::begin(), TestClock::new());
        let simulator = Simulator::new(&SMALL, "sim-secret", wall(&clock));
        Exporter::against(&simulator, &[&flag], clock).await.after_polls(1).await;
        let line = log.line_with("reason=auth");
        assert_eq!(line.contains("hint="), hint.is_some(), "{line}");
        assert!(line.contains(hint.unwrap_or_default()) && !line.contains("sim-"), "{line}");
    }
}
