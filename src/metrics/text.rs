//! Prometheus' text format 0.0.4: families, samples, escaping.
//!
//! Source: the page "Exposition formats" of Prometheus' documentation. Must not know which metrics there are.

use std::fmt::Write;

use jiff::Timestamp;

use super::metric::{Metric, Type};

/// The exact content type of what [`Text`] writes.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What stands above a family's samples.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// The family's name. No two families have the same.
    pub name: &'static str,
    help: &'static str,
    kind: Type,
}

impl Head {
    /// Its two lines.
    pub fn lines(self) -> String {
        let Self { name, help, kind } = self;
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        format!("# HELP {name} {help}\n# TYPE {name} {}\n", kind.word())
    }
}

/// A family's samples, or some of them.
#[derive(Debug)]
pub struct Part {
    /// What is to stand above them.
    pub head: Head,
    /// The lines. None: they are filled in later.
    pub samples: Option<String>,
}

/// Families as text, growing.
#[derive(Debug, Default)]
pub struct Text {
    finished: Vec<Part>,
    begun: Option<Part>,
}

impl Text {
    /// Begins a family.
    pub fn family<'a, const N: usize>(&'a mut self, metric: &'a Metric<N>) -> Family<'a, N> {
        let samples = self.begin(metric).samples.insert(String::new());
        Family { out: samples, metric }
    }

    /// Leaves a place for a family that is filled in later.
    pub fn leave_place<const N: usize>(&mut self, metric: &Metric<N>) {
        self.begin(metric);
    }

    fn begin<const N: usize>(&mut self, metric: &Metric<N>) -> &mut Part {
        self.finished.extend(self.begun.take());
        let head = Head { name: metric.name, help: metric.help, kind: metric.kind };
        self.begun.insert(Part { head, samples: None })
    }

    /// All families that were begun, in their order, also those without samples.
    pub fn into_parts(mut self) -> Vec<Part> {
        self.finished.extend(self.begun);
        self.finished
    }

    /// All of it, as it is to be sent.
    pub fn into_string(self) -> String {
        self.into_parts().into_iter().map(Part::into_string).collect()
    }
}

impl Part {
    /// Head and samples. A family without samples leaves no trace.
    pub fn into_string(self) -> String {
        match self.samples {
            Some(samples) if !samples.is_empty() => self.head.lines() + &samples,
            _ => String::new(),
        }
    }
}

/// One family while its samples are written.
#[derive(Debug)]
pub struct Family<'a, const N: usize> {
    out: &'a mut String,
    metric: &'a Metric<N>,
}

impl<const N: usize> Family<'_, N> {
    /// Writes one sample; `labels` in the order in which the catalogue names them.
    pub fn sample(&mut self, labels: [&str; N], value: f64) {
        self.out.push_str(self.metric.name);
        let mut separator = '{';
        for (name, value) in self.metric.labels.iter().zip(labels) {
            self.out.push(separator);
            self.out.push_str(name);
            self.out.push_str("=\"");
            push_escaped(self.out, value);
            self.out.push('"');
            separator = ',';
        }
        if separator == ',' {
            self.out.push('}');
        }
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, " {value}");
    }

    /// Writes a count.
    pub fn count(&mut self, labels: [&str; N], count: u64) {
        self.sample(labels, number(count));
    }

    /// Writes a time as Unix seconds, if there is one.
    pub fn time(&mut self, labels: [&str; N], time: Option<Timestamp>) {
        if let Some(time) = time {
            self.sample(labels, unix_seconds(time));
        }
    }
}

fn push_escaped(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}

/// A count as a sample value. Above 2^53, which no fleet reaches, the nearest one.
#[allow(clippy::as_conversions)]
fn number(count: u64) -> f64 {
    count as f64
}

/// Microseconds are what a float of this size still holds.
#[allow(clippy::as_conversions)]
fn unix_seconds(time: Timestamp) -> f64 {
    time.as_microsecond() as f64 / 1e6
}
