//! What a metric is: name, type, unit, labels, help. Its number of labels is part of its Rust type.

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Goes up and down.
    Gauge,
    /// Only goes up, from 0 at the start of the process.
    Counter,
    /// Counts observations in buckets.
    Histogram,
}

impl Type {
    /// The word of the text format.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// What the value is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// 1, or 0.
    Flag,
    /// A point in time.
    UnixSeconds,
    /// A duration.
    Seconds,
}

impl Unit {
    /// In words, for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Flag => "0 or 1",
            Self::UnixSeconds => "Unix seconds",
            Self::Seconds => "seconds",
        }
    }
}

/// Under which circumstances a metric is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// About the fleet: from the first good poll on.
    Fleet,
    /// About one connection: with `--metrics.detail` `connections` or `accounts`.
    Connection,
    /// About one account: with `--metrics.detail=accounts`.
    Account,
    /// About the exporter: from the first scrape on.
    Exporter,
}

/// A metric with `N` labels.
#[derive(Debug)]
pub struct Metric<const N: usize> {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// What the value is measured in.
    pub unit: Unit,
    /// When it is there.
    pub group: Group,
    /// Its labels, in the order in which values are given.
    pub labels: [&'static str; N],
    /// The help text.
    pub help: &'static str,
}

/// A metric, however many labels it has.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// What the value is measured in.
    pub unit: Unit,
    /// When it is there.
    pub group: Group,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// The help text.
    pub help: &'static str,
}

impl<const N: usize> Metric<N> {
    /// The metric without its number of labels.
    pub(super) const fn entry(&'static self) -> Entry {
        Entry {
            name: self.name,
            kind: self.kind,
            unit: self.unit,
            group: self.group,
            labels: &self.labels,
            help: self.help,
        }
    }
}

/// A metric, for the tables of the catalogue.
pub(super) const fn metric<const N: usize>(
    group: Group,
    kind: Type,
    unit: Unit,
    name: &'static str,
    labels: [&'static str; N],
    help: &'static str,
) -> Metric<N> {
    Metric { name, kind, unit, group, labels, help }
}
