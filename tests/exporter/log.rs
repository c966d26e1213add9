//! The log when nobody reads it.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nectar_simulator::{Plan, Simulator};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use test_support::PATIENCE;
use test_support::exporter::KEY;
use test_support::exporter_process::nectar_exporter;
use test_support::scrape::Scrape;

const SMALL: Plan = Plan { companies: 2, connections: 1, accounts: 0, seed: 1, speed: 0.0 };

/// A flag that makes the first poll say so many lines.
fn lines_at_the_first_poll(number: usize) -> String {
    // Each id that is left out in vain is named.
    let ids: Vec<String> = (0..number).map(|n| format!("not-there-{n}")).collect();
    format!("--nectar.exclude-company={}", ids.join(","))
}

/// A program whose standard error is read up to its address, and no further.
struct Unread {
    child: Child,
    _log: BufReader<ChildStderr>,
    url: String,
}

impl Unread {
    /// On one processor, if `alone`.
    fn start(base_url: &str, alone: bool) -> Self {
        // Many times what waits and what a pipe takes.
        let talk = lines_at_the_first_poll(6_000);
        let flags = [
            "--nectar.poll-interval=100ms",
            "--nectar.request-timeout=1h",
            "--web.listen-address=127.0.0.1:0",
            &talk,
        ];
        let mut command = nectar_exporter(&flags);
        command.args(["--nectar.base-url", base_url]).env("NECTAR_API_KEY", KEY);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = if alone { spawn_on_one_processor(command) } else { command.spawn().unwrap() };
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("address=") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ends");
        }
        let url = format!("http://{}", line.rsplit_once("address=").unwrap().1.trim());
        Self { child, _log: log, url }
    }

    async fn scrape(&self) -> Scrape {
        Scrape::read(&reqwest::get(format!("{}/metrics", self.url)).await.unwrap().text().await.unwrap())
    }

    /// Scrapes until `condition` holds.
    async fn until(&self, what: &str, condition: impl Fn(&Scrape) -> bool) {
        let began = Instant::now();
        while !condition(&self.scrape().await) {
            assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends it with a signal, and returns its exit code.
    fn end(mut self, signal: Signal) -> Option<i32> {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < PATIENCE, "{signal} does not end it");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A thread hands its processors on to what it starts.
fn spawn_on_one_processor(mut command: Command) -> Child {
    let starting = std::thread::spawn(move || {
        let this = Pid::from_raw(0);
        let allowed = sched_getaffinity(this).unwrap();
        let first = (0..CpuSet::count()).find(|&number| allowed.is_set(number).unwrap()).unwrap();
        let mut one = CpuSet::new();
        one.set(first).unwrap();
        sched_setaffinity(this, &one).unwrap();
        command.spawn().unwrap()
    });
    starting.join().unwrap()
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// A file that has reached the limit for files: the system's signal ends nothing.
#[tokio::test]
async fn a_log_file_that_may_not_grow_costs_lines_only() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let limited = r#"ulimit -f 8; exec "$0" "$@" 2>"$LOG""#;
    let mut command = Command::new("sh");
    command.args([
        "-c",
        limited,
        env!("CARGO_BIN_EXE_nectar-exporter"),
        "demo",
        "--nectar.poll-interval=10ms",
    ]);
    command.args(["--sim.companies=1", "--web.listen-address=127.0.0.1:0"]).env("LOG", &log);
    command.arg(lines_at_the_first_poll(200));
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    let address = loop {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        if let Some((_, rest)) = said.split_once("Listening on\" address=") {
            break rest.lines().next().unwrap().to_owned();
        }
        assert!(began.elapsed() < PATIENCE, "{said}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let url = format!("http://{address}/metrics");
    let dropped = loop {
        let scrape = Scrape::read(&reqwest::get(&url).await.unwrap().text().await.unwrap());
        let dropped = scrape.value("nectar_exporter_log_lines_dropped_total", &[]).unwrap();
        if dropped > 0.0 || began.elapsed() > PATIENCE {
            break dropped;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(dropped > 0.0, "no line is ever dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_holds_nothing_up() {
    let simulator = Simulator::new(&SMALL, KEY, Timestamp::now);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v2.2", listener.local_addr().unwrap());
    tokio::spawn(simulator.serve(vec![listener], CancellationToken::new()));
    for (signal, alone) in [(Signal::SIGTERM, false), (Signal::SIGINT, true)] {
        let program = Unread::start(&base_url, alone);
        let dropped = |scrape: &Scrape| scrape.value("nectar_exporter_log_lines_dropped_total", &[]);
        program.until("a line to be dropped", |scrape| dropped(scrape) > Some(0.0)).await;
        let polls = |scrape: &Scrape| scrape.value("nectar_exporter_polls_total", &[]);
        let before = polls(&program.scrape().await);
        program.until("one more poll", |scrape| polls(scrape) > before).await;
        assert_eq!(reqwest::get(format!("{}/-/ready", program.url)).await.unwrap().status(), 200);
        assert_eq!(program.end(signal), Some(0), "{signal}");
    }
}
