//! Durations as Prometheus' users write them: `30s`, `5m`, `1h30m`, `7d`.

use std::time::Duration;

/// Longer ones are mistakes, and would overflow when added to times.
const MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Reads a duration above zero, of at most 366 days.
///
/// # Errors
/// In words, what the flag takes.
pub fn parse(text: &str) -> Result<Duration, String> {
    let fault = || "takes a duration above 0 and up to 366d, such as 30s, 5m, 1h30m or 7d".to_owned();
    let duration = humantime::parse_duration(text).map_err(|_| fault())?;
    if duration.is_zero() || duration > MAX { Err(fault()) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn durations_as_they_are_written() {
        for (text, seconds) in
            [("30s", 30), ("5m", 300), ("1h30m", 5_400), ("7d", 604_800), ("366d", 31_622_400)]
        {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "0s", "-1s", "1x", "367d", "99999999999999999999d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
