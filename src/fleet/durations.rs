//! For how long connections had been in a status in which they were broken: a histogram over all companies.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::status::Documented;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// The upper limits of the buckets, in seconds: an hour, six hours, and days.
pub const LIMITS: [u64; 10] =
    [HOUR, 6 * HOUR, DAY, 2 * DAY, 3 * DAY, 5 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY];

/// What was observed so far, by status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durations {
    /// Since when it is observed; none if since the start of the program.
    pub since: Option<Timestamp>,
    by_status: BTreeMap<&'static str, Observed>,
}

/// The durations of one status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Observed {
    /// How many fell into each bucket, and last, how many were longer than all limits.
    pub counts: [u64; LIMITS.len() + 1],
    /// All together.
    pub sum: Duration,
}

impl Durations {
    /// What an earlier run of the program had observed.
    pub fn restored(
        since: Timestamp,
        by_status: impl IntoIterator<Item = (&'static Documented, Observed)>,
    ) -> Self {
        let by_status = by_status.into_iter().map(|(status, observed)| (status.value, observed));
        Self { since: Some(since), by_status: by_status.collect() }
    }

    /// Everything that was observed, by the word of the status.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Observed)> {
        self.by_status.iter().map(|(status, observed)| (*status, observed))
    }

    /// A connection left this status, in which it had been for `duration`.
    pub fn observe(&mut self, status: &'static Documented, duration: Duration) {
        let observed = self.by_status.entry(status.value).or_default();
        let bucket = LIMITS.partition_point(|limit| Duration::from_secs(*limit) < duration);
        if let Some(count) = observed.counts.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        observed.sum = observed.sum.saturating_add(duration);
    }

    /// What was observed of one status.
    pub fn of(&self, status: &Documented) -> Observed {
        self.by_status.get(status.value).copied().unwrap_or_default()
    }
}
