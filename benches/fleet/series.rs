//! Statistics of many runs: median, percentile. Also when a run may begin.

use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The median.
pub fn median(runs: &[Duration]) -> Duration {
    percentile(runs, 50)
}

/// The smallest run that is at least as long as `percent` per cent of all runs.
pub fn percentile(runs: &[Duration], percent: usize) -> Duration {
    let mut sorted = runs.to_vec();
    sorted.sort();
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}

/// How many times `to` fits into `of`.
pub fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

/// Waits for the next second of the wall clock: what a server caches for the current second is of no use to it in the next run.
pub fn next_second() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let left = Duration::from_secs(1) - Duration::from_nanos(u64::from(now.subsec_nanos()));
    // A little later, so that all clocks agree on the second.
    sleep(left + Duration::from_millis(20));
}
