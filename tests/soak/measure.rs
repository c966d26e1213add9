//! What this process uses, according to the kernel and the runtime, and whether that is more at the end than after warm-up.

use std::alloc::System;
use std::path::Path;
use std::time::{Duration, Instant};

use cap::Cap;
use tokio::runtime::Handle;

/// How long, in real time, everything may take to come to rest: clients keep an idle connection for 90 s, a thread lasts for 10 s.
const PATIENCE: Duration = Duration::from_secs(150);
/// How much more the last tenth may use than the first one after warm-up, in KiB. A leak of 17 bytes at each of the 16,000 polls
/// between them is 265 KiB. The fleet's size and the moment of measuring change the heap by less.
pub const MORE_HEAP: u64 = 256;
/// The same for resident memory, of which the allocator keeps pieces after bodies of 64 MiB.
pub const MORE_RESIDENT: u64 = 8 * 1024;

/// The system's allocator, which counts the bytes in use, without a limit.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// What is in use at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Alive on the exporter's own runtime.
    pub tasks: usize,
    /// Open in the whole process: the exporter, the simulator and the scrapers.
    pub descriptors: usize,
    /// Of the whole process, too.
    pub threads: u64,
}

impl Held {
    fn now(exporter: &Handle) -> Self {
        Self {
            tasks: exporter.metrics().num_alive_tasks(),
            descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count(),
            threads: status("Threads:"),
        }
    }
}

/// How rest is recognised: no sockets or threads beyond those that were there.
#[derive(Debug)]
pub struct Rest {
    pub sockets: usize,
    pub threads: u64,
}

impl Rest {
    /// As it is now.
    pub fn now() -> Self {
        Self { sockets: sockets(), threads: status("Threads:") }
    }

    /// Waits for rest, and returns what is in use then.
    pub async fn come(&self, exporter: &Handle) -> Held {
        let now = || (sockets(), status("Threads:"));
        let until = Instant::now() + PATIENCE;
        while now() != (self.sockets, self.threads) {
            assert!(Instant::now() < until, "the process never came to rest: {:?}, and not {self:?}", now());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // A task ends just after its socket, so the least of some readings counts.
        let mut least = Held::now(exporter);
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            least.tasks = least.tasks.min(Held::now(exporter).tasks);
        }
        least
    }

    /// Waits until exactly `held` is in use again; otherwise returns what is in use instead.
    pub async fn come_back_to(&self, held: Held, exporter: &Handle) -> Held {
        let until = Instant::now() + PATIENCE;
        while Held::now(exporter) != held && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Held::now(exporter)
    }
}

fn sockets() -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    // One that was closed between listing and reading is not counted.
    let targets = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    targets.filter(|target| is_socket(target)).count()
}

fn is_socket(target: &Path) -> bool {
    target.to_string_lossy().starts_with("socket:")
}

/// A number from `/proc/self/status`.
pub fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Bytes in use on the heap, and KiB that the kernel has given to the process, once per poll.
#[derive(Debug)]
pub struct Memory {
    heap: Vec<u64>,
    resident: Vec<u64>,
    polls: usize,
}

impl Memory {
    /// Space for all values, already written to, so that measuring takes no memory later.
    pub fn for_polls(polls: usize) -> Self {
        let [heap, resident] = [0, 1].map(|_| {
            let mut samples = vec![1; polls];
            samples.clear();
            samples
        });
        Self { heap, resident, polls }
    }

    pub fn sample(&mut self) {
        self.heap.push(HEAP.allocated() as u64 / 1024);
        self.resident.push(status("VmRSS:"));
    }

    /// The medians, in KiB, over this tenth of all polls, counted from 0.
    pub fn tenth(&self, number: usize) -> Taken {
        let length = self.polls / 10;
        let median = |samples: &[u64]| {
            let mut tenth = samples[number * length..(number + 1) * length].to_vec();
            tenth.sort_unstable();
            tenth[length / 2]
        };
        Taken { heap: median(&self.heap), resident: median(&self.resident) }
    }
}

/// Memory in KiB.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    pub heap: u64,
    pub resident: u64,
}
