//! The figures of a soak, and which promises they break.

use std::fmt::Write;

use crate::measure::{Held, MORE_HEAP, MORE_RESIDENT, Taken};

/// Everything that is reported at the end.
#[derive(Debug)]
pub struct Report {
    pub warm: Held,
    pub end: Held,
    /// Of the tenth after warm-up, and of the last.
    pub memory: [Taken; 2],
    /// Panics anywhere in the process.
    pub panics: u64,
    /// What was done, and how often.
    pub done: Vec<(&'static str, u64)>,
    /// What must have been done at least this often.
    pub due: Vec<(&'static str, u64)>,
}

impl Report {
    /// As a table.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for (what, number) in &self.done {
            let _ = writeln!(text, "{what:<28}{number:>12}");
        }
        let _ = writeln!(text, "\n{:<28}{:>12}{:>12}", "held", "warmed up", "at the end");
        for (what, [warm, end]) in self.held() {
            let _ = writeln!(text, "{what:<28}{warm:>12}{end:>12}");
        }
        for (what, [warm, end], _) in self.memory() {
            let _ = writeln!(text, "{what:<28}{warm:>12}{end:>12}");
        }
        text
    }

    /// Which promises are broken.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (what, [warm, end]) in self.held() {
            if warm != end {
                faults.push(format!("{what}: {warm} after warm-up, {end} at the end"));
            }
        }
        for (what, [warm, end], more) in self.memory() {
            if end > warm + more {
                faults.push(format!("{what}: {} more, and {more} may be", end - warm));
            }
        }
        if self.panics > 0 {
            faults.push(format!("panics: {}", self.panics));
        }
        for (what, least) in &self.due {
            let number = self.done.iter().find(|(known, _)| known == what).map_or(0, |(_, number)| *number);
            if number < *least {
                faults.push(format!("{what}: {number}, and {least} are due"));
            }
        }
        faults
    }

    fn held(&self) -> [(&'static str, [u64; 2]); 3] {
        let [warm, end] = [self.warm, self.end];
        [
            ("tasks of the exporter", [warm.tasks, end.tasks].map(|tasks| tasks as u64)),
            ("descriptors", [warm.descriptors, end.descriptors].map(|number| number as u64)),
            ("threads", [warm.threads, end.threads]),
        ]
    }

    /// What may grow, and by how much.
    fn memory(&self) -> [(&'static str, [u64; 2], u64); 2] {
        [
            ("heap, median, KiB", self.memory.map(|taken| taken.heap), MORE_HEAP),
            ("resident, median, KiB", self.memory.map(|taken| taken.resident), MORE_RESIDENT),
        ]
    }
}
