//! What a metric is: name, type, unit, labels, help. Its number of labels is part of its Rust type.

use std::ops::Deref;

use strum::IntoStaticStr;

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
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
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// What the value is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Unit {
    /// A number of things.
    Count,
    /// 1, or 0.
    #[strum(serialize = "0 or 1")]
    Flag,
    /// A point in time.
    #[strum(serialize = "Unix seconds")]
    UnixSeconds,
    /// A duration.
    Seconds,
}

impl Unit {
    /// In words, for people.
    pub fn word(self) -> &'static str {
        self.into()
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

/// What a metric is declared as.
#[derive(Debug, Clone, Copy)]
pub struct Desc {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// What the value is measured in.
    pub unit: Unit,
    /// When it is there.
    pub group: Group,
    /// Its labels, in the order in which values are given.
    pub labels: &'static [&'static str],
    /// The help text.
    pub help: &'static str,
}

/// A metric with `N` labels: whoever writes a sample gives as many values, or it does not compile.
#[derive(Debug)]
pub struct Metric<const N: usize>(pub Desc);

impl<const N: usize> Deref for Metric<N> {
    type Target = Desc;

    fn deref(&self) -> &Desc {
        &self.0
    }
}
