//! When a request is sent again, and how long to wait before.
//!
//! At most four attempts, with waits of 0.5 s doubling to 5 s, and jitter; `Retry-After` is obeyed up to five minutes.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use jiff::Timestamp;

use crate::failure::Reason;

/// A longer `Retry-After` counts as this much.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(5 * 60);

/// The waits left for one request: three of them at the start, together under 15 s whatever the jitter adds.
#[derive(Debug)]
pub struct Backoff(ExponentialBackoff);

impl Default for Backoff {
    fn default() -> Self {
        let waits = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(500))
            .with_factor(2.0)
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(3)
            .with_jitter();
        Self(waits.build())
    }
}

impl Backoff {
    /// How long to wait before the next attempt, after one that failed for `reason` and was asked to wait for `retry_after`; none if
    /// there is to be no further attempt.
    pub fn next_wait(&mut self, reason: Reason, retry_after: Option<Duration>) -> Option<Duration> {
        if !reason.is_transient() {
            return None;
        }
        let wait = self.0.next()?;
        Some(wait.max(retry_after.unwrap_or_default()))
    }

    /// Uses up one attempt without waiting. False if there is none left.
    pub fn use_attempt(&mut self) -> bool {
        self.0.next().is_some()
    }
}

/// Reads a `Retry-After` header: seconds, or an HTTP date, which is compared with `now`. A fraction, which some servers send, is
/// rounded up. None if it is negative or unreadable.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = if value.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        let seconds: f64 = value.parse().ok()?;
        // More digits than fit still mean "very long".
        Duration::try_from_secs_f64(seconds.ceil()).unwrap_or(MAX_RETRY_AFTER)
    } else {
        let date = httpdate::parse_http_date(value).ok()?;
        date.duration_since(SystemTime::from(now)).ok()?
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn how_long_a_server_asks_to_wait() {
        let now: Timestamp = "2026-06-15T12:05:00Z".parse().unwrap();
        for (value, seconds) in [
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("1.5", Some(2)),
            ("299.1", Some(300)),
            ("3600", Some(300)),
            ("99999999999999999999999999", Some(300)),
            ("-5", None),
            ("", None),
            (".", None),
            ("1.2.3", None),
            ("soon", None),
            ("1e3", None),
            ("Mon, 15 Jun 2026 12:05:42 GMT", Some(42)),
            ("Mon, 15 Jun 2026 13:05:42 GMT", Some(300)),
            ("Mon, 15 Jun 2026 12:04:00 GMT", None),
        ] {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value:?}");
        }
    }

    #[test]
    fn what_passes_is_tried_four_times_and_nothing_else_twice() {
        let attempts = |reason: Reason| {
            let mut backoff = Backoff::default();
            let waits: Vec<_> = std::iter::from_fn(|| backoff.next_wait(reason, None)).collect();
            assert!(waits.iter().sum::<Duration>() < Duration::from_secs(15), "{waits:?}");
            1 + waits.len()
        };
        for reason in Reason::ALL {
            let expected = if reason.is_transient() { 4 } else { 1 };
            assert_eq!(attempts(*reason), expected, "{}", reason.label());
        }
    }
}
