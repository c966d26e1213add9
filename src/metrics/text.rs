//! Prometheus' text format 0.0.4 and OpenMetrics 1.0: families, samples, escaping.
//!
//! They differ in the heads of families and in counters: all other lines are the same. Sources: the page "Exposition formats" of
//! Prometheus' documentation, and the specification of OpenMetrics 1.0.0.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};

use super::metric::{Metric, Type};
use super::number::{push_seconds, push_whole};

/// A format that scrapes can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Prometheus' text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// Both formats.
    pub const ALL: [Self; 2] = [Self::Text, Self::OpenMetrics];

    /// The exact content type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The line behind all families.
    pub fn end(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::OpenMetrics => "# EOF\n",
        }
    }

    /// The HELP and TYPE lines of a family. In OpenMetrics, the family of a counter is called what its samples are without `_total`.
    pub fn head(self, name: &str, help: &str, kind: &str) -> String {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let (name, help) = match self {
            Self::Text => (name, help),
            Self::OpenMetrics => (family(name, kind), help.replace('"', "\\\"")),
        };
        format!("# HELP {name} {help}\n# TYPE {name} {kind}\n")
    }
}

/// The name of a family in OpenMetrics.
pub fn family<'a>(name: &'a str, kind: &str) -> &'a str {
    let counter = name.strip_suffix("_total").filter(|_| kind == Type::Counter.word());
    counter.unwrap_or(name)
}

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
    pub fn lines(self, format: Format) -> String {
        format.head(self.name, self.help, self.kind.word())
    }
}

/// The samples of a family, or some of them.
#[derive(Debug)]
pub enum Samples<'a> {
    /// As they are to be sent: in the text format, and in OpenMetrics where that differs.
    Written(&'a str, Option<String>),
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
    /// Its lines in OpenMetrics, where these differ.
    openmetrics: Option<String>,
}

impl Text {
    /// Begins a family.
    pub fn family<'a, const N: usize>(&'a mut self, metric: &'a Metric<N>) -> Family<'a, N> {
        let is_counter = metric.kind == Type::Counter;
        let begin = self.lines.len();
        self.parts.push(Part {
            head: Head::of(metric),
            begin,
            aging: None,
            openmetrics: is_counter.then(String::new),
        });
        let openmetrics = self.parts.last_mut().and_then(|part| part.openmetrics.as_mut());
        Family { out: &mut self.lines, openmetrics, metric }
    }

    /// Writes a family of ages: the labels of each sample, and since when it ages.
    pub fn ages<'a, const N: usize>(
        &mut self,
        metric: &Metric<N>,
        samples: impl Iterator<Item = ([&'a str; N], Timestamp)>,
    ) {
        let mut aging = Aging::default();
        for (labels, since) in samples {
            push_series(&mut aging.beginnings, metric.name, metric.labels, labels);
            aging.lines.push((aging.beginnings.len(), since));
        }
        // Kept for long, so the spare capacity is freed.
        aging.beginnings.shrink_to_fit();
        aging.lines.shrink_to_fit();
        let begin = self.lines.len();
        self.parts.push(Part { head: Head::of(metric), begin, aging: Some(aging), openmetrics: None });
    }

    /// All families in their order, also those without samples.
    pub fn families(&mut self) -> impl Iterator<Item = (Head, Samples<'_>)> {
        let Self { lines, parts } = self;
        let ends = parts.iter().skip(1).map(|part| part.begin).chain([lines.len()]);
        let ends: Vec<usize> = ends.collect();
        let lines = &*lines;
        parts.drain(..).zip(ends).map(move |(Part { head, begin, aging, openmetrics }, end)| {
            let written = || Samples::Written(lines.get(begin..end).unwrap_or_default(), openmetrics);
            (head, aging.map_or_else(written, Samples::Aging))
        })
    }

    /// Heads and samples. Families of ages are left out, as are those without samples.
    pub fn into_string_without_ages(mut self, format: Format) -> String {
        let mut text = String::new();
        for (head, samples) in self.families() {
            if let Samples::Written(samples, openmetrics) = samples
                && !samples.is_empty()
            {
                text += &head.lines(format);
                text += openmetrics.as_deref().filter(|_| format == Format::OpenMetrics).unwrap_or(samples);
            }
        }
        text
    }
}

/// One family while its samples are written.
#[derive(Debug)]
pub struct Family<'a, const N: usize> {
    out: &'a mut String,
    /// In OpenMetrics, counters say since when they count.
    openmetrics: Option<&'a mut String>,
    metric: &'a Metric<N>,
}

impl<const N: usize> Family<'_, N> {
    /// Writes one sample; `labels` in the order in which the catalogue names them.
    pub fn sample(&mut self, labels: [&str; N], value: f64) {
        // Writing to a string cannot fail.
        self.line(labels, |out| write!(out, "{value}").unwrap_or_default());
    }

    /// Writes a count.
    pub fn count(&mut self, labels: [&str; N], count: u64) {
        self.line(labels, |out| push_whole(out, count));
    }

    /// Writes a time as Unix seconds, if there is one.
    pub fn time(&mut self, labels: [&str; N], time: Option<Timestamp>) {
        if let Some(time) = time {
            self.line(labels, |out| push_time(out, time));
        }
    }

    /// Says since when the counter with these labels counts, behind its sample.
    pub fn created(&mut self, labels: [&str; N], since: Timestamp) {
        if let Some(out) = &mut self.openmetrics {
            let name = family(self.metric.name, self.metric.kind.word());
            push_series(out, &format!("{name}_created"), self.metric.labels, labels);
            end_line(out, |out| push_time(out, since));
        }
    }

    fn line(&mut self, labels: [&str; N], value: impl FnOnce(&mut String)) {
        let begin = self.out.len();
        push_series(self.out, self.metric.name, self.metric.labels, labels);
        end_line(self.out, value);
        if let Some(openmetrics) = &mut self.openmetrics {
            openmetrics.push_str(self.out.get(begin..).unwrap_or_default());
        }
    }
}

/// Writes what a sample begins with: name and labels.
pub fn push_series<'a>(
    out: &mut String,
    name: &str,
    labels: &[&str],
    values: impl IntoIterator<Item = &'a str>,
) {
    out.push_str(name);
    let mut separator = '{';
    for (name, value) in labels.iter().zip(values) {
        out.push(separator);
        out.push_str(name);
        out.push_str("=\"");
        push_escaped(out, value);
        out.push('"');
        separator = ',';
    }
    if separator == ',' {
        out.push('}');
    }
}

/// Writes a time as Unix seconds. Microseconds are what a float of this size still holds.
pub fn push_time(out: &mut String, time: Timestamp) {
    push_seconds(out, SignedDuration::from_micros(time.as_microsecond()));
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
