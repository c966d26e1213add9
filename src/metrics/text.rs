//! Prometheus' text format 0.0.4: families, samples, escaping.
//!
//! Source: the page "Exposition formats" of Prometheus' documentation. Must not know which metrics there are.

use std::fmt::Write;

use jiff::Timestamp;

use super::metric::Metric;

/// The exact content type of what [`Text`] writes.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics as text, growing.
#[derive(Debug, Default)]
pub struct Text {
    out: String,
}

impl Text {
    /// Begins a family. Its header is written with its first sample: a family without samples leaves no trace.
    pub fn family<'a, const N: usize>(&'a mut self, metric: &'a Metric<N>) -> Family<'a, N> {
        Family { out: &mut self.out, metric, begun: false }
    }

    /// Adds families that are text already.
    pub fn append(&mut self, families: &str) {
        self.out.push_str(families);
    }

    /// All of it.
    pub fn into_string(self) -> String {
        self.out
    }
}

/// One family while its samples are written.
#[derive(Debug)]
pub struct Family<'a, const N: usize> {
    out: &'a mut String,
    metric: &'a Metric<N>,
    begun: bool,
}

impl<const N: usize> Family<'_, N> {
    /// Writes one sample; `labels` in the order in which the catalogue names them.
    pub fn sample(&mut self, labels: [&str; N], value: f64) {
        if !self.begun {
            self.begun = true;
            self.header();
        }
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

    fn header(&mut self) {
        let Metric { name, help, .. } = self.metric;
        let kind = self.metric.kind.word();
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}");
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
