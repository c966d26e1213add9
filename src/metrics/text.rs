//! Prometheus' text format 0.0.4: families, samples, escaping.
//!
//! Source: the page "Exposition formats" of Prometheus' documentation.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};

use super::metric::{Metric, Type};
use super::number::{push_seconds, push_whole};

/// The exact content type of what [`Text`] writes.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The two lines above a family's samples.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// The family's name. No two families have the same.
    pub name: &'static str,
    help: &'static str,
    kind: Type,
}

impl Head {
    fn of<const N: usize>(metric: &Metric<N>) -> Self {
        Self { name: metric.name, help: metric.help, kind: metric.kind }
    }

    /// Its HELP and TYPE lines.
    pub fn lines(self) -> String {
        let Self { name, help, kind } = self;
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        format!("# HELP {name} {help}\n# TYPE {name} {}\n", kind.word())
    }
}

/// The samples of a family, or some of them.
#[derive(Debug)]
pub enum Samples<'a> {
    /// As they are to be sent.
    Written(&'a str),
    /// Without their values, which change with the clock.
    Aging(Aging),
}

/// Bytes that are enough for most ages in seconds, with the space before and the line end behind.
const VALUE_CHARS: usize = 24;

/// Lines whose values are ages.
#[derive(Debug, Default, PartialEq)]
pub struct Aging {
    /// All lines without their values, one after the other.
    beginnings: String,
    /// Where each line's value is inserted, and the time that its age counts from.
    lines: Vec<(usize, Timestamp)>,
}

impl Aging {
    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Writes the lines with their ages at `now`, in seconds. A time in the future has age 0.
    pub fn write(&self, now: Timestamp, out: &mut String) {
        out.reserve(self.beginnings.len() + self.lines.len() * VALUE_CHARS);
        let mut begin = 0;
        for (end, since) in &self.lines {
            out.push_str(self.beginnings.get(begin..*end).unwrap_or_default());
            end_line(out, |out| push_seconds(out, now.duration_since(*since).max(SignedDuration::ZERO)));
            begin = *end;
        }
    }
}

/// Families as text, while they are written. All lines are in one buffer, which can be used again.
#[derive(Debug, Default)]
pub struct Text {
    lines: String,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    head: Head,
    /// Where its lines begin.
    begin: usize,
    aging: Option<Aging>,
}

impl Text {
    /// Begins a family.
    pub fn family<'a, const N: usize>(&'a mut self, metric: &'a Metric<N>) -> Family<'a, N> {
        self.begin(metric, None);
        Family { out: &mut self.lines, metric }
    }

    /// Writes a family of ages: the labels of each sample, and since when it ages.
    pub fn ages<'a, const N: usize>(
        &mut self,
        metric: &Metric<N>,
        samples: impl Iterator<Item = ([&'a str; N], Timestamp)>,
    ) {
        let mut aging = Aging::default();
        for (labels, since) in samples {
            Family { out: &mut aging.beginnings, metric }.series(labels);
            aging.lines.push((aging.beginnings.len(), since));
        }
        // Kept for long, so the spare capacity is freed.
        aging.beginnings.shrink_to_fit();
        aging.lines.shrink_to_fit();
        self.begin(metric, Some(aging));
    }

    fn begin<const N: usize>(&mut self, metric: &Metric<N>, aging: Option<Aging>) {
        self.parts.push(Part { head: Head::of(metric), begin: self.lines.len(), aging });
    }

    /// All families in their order, also those without samples.
    pub fn families(&mut self) -> impl Iterator<Item = (Head, Samples<'_>)> {
        let Self { lines, parts } = self;
        let ends = parts.iter().skip(1).map(|part| part.begin).chain([lines.len()]);
        let ends: Vec<usize> = ends.collect();
        let lines = &*lines;
        parts.drain(..).zip(ends).map(move |(Part { head, begin, aging }, end)| {
            let written = || Samples::Written(lines.get(begin..end).unwrap_or_default());
            (head, aging.map_or_else(written, Samples::Aging))
        })
    }

    /// Heads and samples. Families of ages are left out, as are those without samples.
    pub fn into_string_without_ages(mut self) -> String {
        let mut text = String::new();
        for (head, samples) in self.families() {
            if let Samples::Written(samples) = samples
                && !samples.is_empty()
            {
                text += &head.lines();
                text += samples;
            }
        }
        text
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
        self.series(labels);
        // Writing to a string cannot fail.
        end_line(self.out, |out| write!(out, "{value}").unwrap_or_default());
    }

    /// Writes what a sample begins with: name and labels.
    fn series(&mut self, labels: [&str; N]) {
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
    }

    /// Writes a count.
    pub fn count(&mut self, labels: [&str; N], count: u64) {
        self.series(labels);
        end_line(self.out, |out| push_whole(out, count));
    }

    /// Writes a time as Unix seconds, if there is one. Microseconds are what a float of this size still holds.
    pub fn time(&mut self, labels: [&str; N], time: Option<Timestamp>) {
        if let Some(time) = time {
            let since_epoch = SignedDuration::from_micros(time.as_microsecond());
            self.series(labels);
            end_line(self.out, |out| push_seconds(out, since_epoch));
        }
    }
}

fn end_line(out: &mut String, value: impl FnOnce(&mut String)) {
    out.push(' ');
    value(out);
    out.push('\n');
}

fn push_escaped(out: &mut String, value: &str) {
    let mut rest = value;
    while let Some(place) = rest.find(['\\', '"', '\n']) {
        let (plain, special) = rest.split_at(place);
        out.push_str(plain);
        let mut chars = special.chars();
        match chars.next() {
            Some('\n') => out.push_str("\\n"),
            Some(c) => out.extend(['\\', c]),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}
