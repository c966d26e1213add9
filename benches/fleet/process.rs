//! What a process has used: CPU and memory, from the kernel's clocks and `/proc`.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

/// A running process.
#[derive(Debug, Clone, Copy)]
pub struct Process(i32);

impl Process {
    /// The process with this id.
    pub fn of(id: u32) -> Self {
        Self(i32::try_from(id).unwrap())
    }

    /// All CPU time it has used, to the nanosecond, including threads that have ended.
    pub fn cpu(self) -> Duration {
        clock_getcpuclockid(Pid::from_raw(self.0)).unwrap().now().unwrap().into()
    }

    /// Like [`cpu`](Self::cpu), once it has nothing more to do: late work belongs to what caused it.
    pub fn settled_cpu(self) -> Duration {
        let mut used = self.cpu();
        for _ in 0..50 {
            sleep(Duration::from_millis(100));
            let before = std::mem::replace(&mut used, self.cpu());
            if used - before < Duration::from_millis(2) {
                return used;
            }
        }
        panic!("process {} comes to no rest", self.0)
    }

    /// Resident memory now, in MiB.
    pub fn memory(self) -> f64 {
        self.status("VmRSS:")
    }

    /// The peak of it since the start, or since [`forget_peak`](Self::forget_peak), in MiB.
    pub fn memory_peak(self) -> f64 {
        self.status("VmHWM:")
    }

    /// Starts a new peak.
    pub fn forget_peak(self) {
        fs::write(format!("/proc/{}/clear_refs", self.0), "5").unwrap();
    }

    /// Stops it until [`go_on`](Self::go_on).
    pub fn pause(self) {
        kill(Pid::from_raw(self.0), Signal::SIGSTOP).unwrap();
    }

    /// Continues it after [`pause`](Self::pause).
    pub fn go_on(self) {
        kill(Pid::from_raw(self.0), Signal::SIGCONT).unwrap();
    }

    fn status(self, name: &str) -> f64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let kib: f64 = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        kib / 1024.0
    }
}
