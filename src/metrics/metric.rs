//! What a metric is: name, type, unit, labels, help. The number of its labels is part of its Rust type.

use std::ops::Deref;

use strum::IntoStaticStr;

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Type {
    /// Goes up and down.
    Gauge,
    /// Only goes up, from 0 at the start of the process or from what was restored then.
    Counter,
    /// Counts observations in buckets.
    Histogram,
}

impl Type {
    /// The type's name in the text format.
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
    /// The unit in words, for people.
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// When a metric is served.
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
    /// About what is stored: from the first scrape on, with `--storage.path`.
    Storage,
    /// About webhooks: from the first scrape on, with `--webhook.listen-address`.
    Webhook,
}

/// The declaration of a metric.
#[derive(Debug, Clone, Copy)]
pub struct Desc {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// What the value is measured in.
    pub unit: Unit,
    /// When it is served.
    pub group: Group,
    /// Its labels, in the order in which values are given.
    pub labels: &'static [&'static str],
    /// The help text.
    pub help: &'static str,
}

/// A metric with `N` labels: a sample with another number of values does not compile.
#[derive(Debug)]
pub struct Metric<const N: usize>(pub Desc);

impl<const N: usize> Deref for Metric<N> {
    type Target = Desc;

    fn deref(&self) -> &Desc {
        &self.0
    }
}
