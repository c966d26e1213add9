//! Neither memory nor sockets grow, whatever goes wrong how often.
//!
//! Counted in a process of its own, in which a simulated Nectar lives too: a socket left open counts from either side.

use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use test_support::PATIENCE;
use test_support::fault_scenario::FaultScenario;
use test_support::fault_table::{self, At, Row, Wrong};
use test_support::own_process::in_own_process;
use test_support::paused_time::PausedTime;

/// So many polls meet each fault.
const POLLS: u32 = 20;
/// Fewer for faults whose bodies are large, many megabytes each, and for those that are timed out four times in each poll.
const POLLS_OF_COSTLY: u32 = 2;
/// What the allocator may keep for itself.
const MARGIN_BYTES: u64 = 8 * 1024 * 1024;

#[test]
fn memory_and_sockets_do_not_grow() {
    let (said, _) = in_own_process("growth::many_polls_of_each_fault");
    // Read with --nocapture.
    println!("{said}");
}

#[test]
#[ignore = "run by memory_and_sockets_do_not_grow, in a process of its own"]
fn many_polls_of_each_fault() {
    let (slow, fast): (Vec<Row>, Vec<Row>) = fault_table::all().into_iter().partition(|row| row.is_slow);
    let of = |fits: fn(&Wrong) -> bool| fast.iter().filter(|row| fits(&row.wrong)).cloned().collect();
    Runtime::new().unwrap().block_on(async {
        stays(of(|wrong| matches!(wrong, Wrong::Answer(_)))).await;
        stays(of(|wrong| matches!(wrong, Wrong::Connection(_) | Wrong::Absence))).await;
        stays(of(|wrong| matches!(wrong, Wrong::Certificate(_)))).await;
    });
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let _stopped = PausedTime::new();
        stays(slow).await;
    });
}

async fn stays(rows: Vec<Row>) {
    let flags = ["--nectar.max-concurrent-requests=1"];
    let mut watched = Watched { stage: FaultScenario::for_row(&rows[0], &flags).await, polls: 0 };
    watched.polls(1).await;
    // Once before anything is counted: what is allocated once for all is no growth.
    watched.meet(&rows, 1).await;
    let (open, memory) = (settled(open_descriptors).await, resident_bytes());
    watched.meet(&rows, POLLS).await;
    until_no_more_than(open).await;
    let grown = resident_bytes().saturating_sub(memory);
    println!("{} faults, {open} descriptors before and no more after, {grown} bytes more", rows.len());
    assert!(grown <= MARGIN_BYTES, "{grown} bytes more after {}", rows[0].name);
}

struct Watched {
    stage: FaultScenario,
    polls: u32,
}

impl Watched {
    /// Each fault for some polls, and a good one at the end.
    async fn meet(&mut self, rows: &[Row], polls: u32) {
        for row in rows {
            let is_costly = row.is_slow || row.reason == "too_large" || row.name.contains("levels deep");
            let polls = if is_costly { polls.min(POLLS_OF_COSTLY) } else { polls };
            self.stage.spoil(&row.wrong, At::Everything, "").await;
            self.polls(polls).await;
            self.stage.mend().await;
        }
        self.polls(1).await;
        let scrape = self.stage.program.scrape().await;
        assert_eq!(scrape.value("nectar_up", &[]), Some(1.0), "after {}", rows[0].name);
    }

    async fn polls(&mut self, polls: u32) {
        for _ in 0..polls {
            // The first poll begins by itself.
            if self.polls > 0 {
                self.stage.program.clock.advance(Duration::from_secs(5 * 60));
            }
            self.polls += 1;
            self.stage.after_polls(self.polls).await;
        }
    }
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// A number that has stood still for some readings: the other side of a closed connection closes a moment later. Should it be
/// taken too early, it is too high by a few.
async fn settled(read: fn() -> usize) -> usize {
    let mut last = read();
    let mut same = 0;
    while same < 20 {
        a_moment().await;
        let now = read();
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    last
}

async fn until_no_more_than(open: usize) {
    let began = Instant::now();
    while open_descriptors() > open {
        let now = open_descriptors();
        assert!(began.elapsed() < PATIENCE, "{open} descriptors before, {now} after");
        a_moment().await;
    }
}

/// Not by tokio's clock, which may stand still.
async fn a_moment() {
    tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(5))).await.unwrap();
}
