//! Durations as Prometheus' users write them: `30s`, `5m`, `1h30m`, `7d`.

use std::time::Duration;

/// Longer ones are a slip of the finger, and would overflow sums with times.
const MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Reads a duration above zero, of at most 366 days.
///
/// # Errors
/// What the flag takes, in words.
pub fn parse(text: &str) -> Result<Duration, String> {
    let fault = || "takes a duration above 0 and up to 366d, such as 30s, 5m, 1h30m or 7d".to_owned();
    let duration = humantime::parse_duration(text).map_err(|_| fault())?;
    if duration.is_zero() || duration > MAX { Err(fault()) } else { Ok(duration) }
}
