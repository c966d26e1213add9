//! The exporter, as a process of its own, which polls the simulated Nectar.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::api::{Api, KEY};
use super::bare::CONCURRENCY;
use super::fleet::PAGE;
use super::process::Process;

/// Longer than any poll of these fleets takes.
const PATIENCE: Duration = Duration::from_secs(300);
/// So long that no second poll comes while anything is measured.
pub const ONCE: Duration = Duration::from_secs(30 * 60);
/// So short that one poll follows the other.
pub const ALWAYS: Duration = Duration::from_millis(1);

/// A running exporter, which ends when this is dropped.
pub struct Exporter {
    child: Child,
    log: Receiver<String>,
    /// Where it is scraped.
    pub address: SocketAddr,
}

impl Exporter {
    /// Starts it, with a poll every `interval`; the first one is in progress.
    pub fn start(api: &Api, interval: Duration) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nectar-exporter"));
        // The caller's environment must not change its settings or its allocator.
        command.env_clear();
        command.env("NECTAR_API_KEY", KEY).arg(format!("--nectar.base-url={}", api.base));
        command.arg(format!("--nectar.poll-interval={}ms", interval.as_millis()));
        command.arg(format!("--nectar.page-size={PAGE}"));
        command.arg(format!("--nectar.max-concurrent-requests={CONCURRENCY}"));
        command.args(["--metrics.detail=connections", "--web.listen-address=127.0.0.1:0"]);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, log) = channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let line = wait_for(&log, "Listening on");
        let address = field(&line, "address").parse().unwrap();
        Self { child, log, address }
    }

    /// Like [`start`](Self::start), but its first poll is done, and it has nothing left to do.
    pub fn filled(api: &Api, interval: Duration) -> Self {
        let exporter = Self::start(api, interval);
        exporter.poll_finished();
        exporter.process().settled_cpu();
        exporter
    }

    /// Waits for the end of the next poll, and returns how long it took. Polls that ended before this was called count as well.
    pub fn poll_finished(&self) -> Duration {
        let line = wait_for(&self.log, "Poll finished");
        assert_eq!(field(&line, "failures"), "0", "{line}");
        Duration::from_secs_f64(field(&line, "seconds").parse().unwrap())
    }

    /// Like [`poll_finished`](Self::poll_finished), for this many polls.
    pub fn polls_finished(&self, polls: usize) -> Vec<Duration> {
        (0..polls).map(|_| self.poll_finished()).collect()
    }

    /// How many polls have ended that were not waited for.
    pub fn polls_meanwhile(&self) -> usize {
        let finished = self.log.try_iter().filter(|line| line.contains("Poll finished"));
        finished.inspect(|line| assert_eq!(field(line, "failures"), "0", "{line}")).count()
    }

    /// Its CPU and memory.
    pub fn process(&self) -> Process {
        Process::of(self.child.id())
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for(log: &Receiver<String>, text: &str) -> String {
    let mut seen = Vec::new();
    while let Ok(line) = log.recv_timeout(PATIENCE) {
        if line.contains(text) {
            return line;
        }
        seen.push(line);
    }
    panic!("the exporter never said {text:?}, only:\n{}", seen.join("\n"))
}

fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let name = format!("{name}=");
    line.split(' ').find_map(|word| word.strip_prefix(&name)).unwrap_or_else(|| panic!("no {name} in {line}"))
}
