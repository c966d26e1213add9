//! Which events came already: each counts once, however often it is delivered.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// An event is delivered again for hours if its first delivery failed.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// With more, the oldest are forgotten. That many take some four megabytes.
const MAX_IDS: usize = 100_000;

/// The ids of events that came lately, as hashes with a key of this process: two of them are the same once in billions.
#[derive(Debug, Default)]
pub struct SeenIds {
    hasher: RandomState,
    hashes: HashSet<u64>,
    /// When each came, by the monotonic clock; the oldest first.
    in_order: VecDeque<(Duration, u64)>,
}

impl SeenIds {
    /// Notes that this event came. False if it came before.
    pub fn insert(&mut self, id: &str, now: Duration) -> bool {
        let is_old = |at: Duration| now.saturating_sub(at) >= REMEMBERED;
        while self.in_order.front().is_some_and(|(at, _)| is_old(*at)) || self.in_order.len() >= MAX_IDS {
            let Some((_, forgotten)) = self.in_order.pop_front() else { break };
            self.hashes.remove(&forgotten);
        }
        let hash = self.hasher.hash_one(id);
        let is_new = self.hashes.insert(hash);
        if is_new {
            self.in_order.push_back((now, hash));
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_counts_once_in_a_day() {
        let mut seen = SeenIds::default();
        for (id, hour, is_new) in [
            ("a", 0, true),
            ("a", 0, false),
            ("b", 1, true),
            ("a", 23, false),
            ("a", 24, true),
            ("b", 24, false),
        ] {
            assert_eq!(seen.insert(id, Duration::from_secs(hour * 3600)), is_new, "{id} after {hour} hours");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut seen = SeenIds::default();
        for number in 0..=MAX_IDS {
            assert!(seen.insert(&number.to_string(), Duration::ZERO));
        }
        assert_eq!((seen.hashes.len(), seen.in_order.len()), (MAX_IDS, MAX_IDS));
        assert!(!seen.insert(&MAX_IDS.to_string(), Duration::ZERO));
        assert!(seen.insert("0", Duration::ZERO), "the oldest is forgotten");
    }
}
