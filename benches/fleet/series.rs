//! What many runs come to: median, percentile; and the moment of each run.

use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The middle one.
pub fn median(runs: &[Duration]) -> Duration {
    percentile(runs, 50)
}

/// The smallest that at least `percent` of all runs do not exceed.
pub fn percentile(runs: &[Duration], percent: usize) -> Duration {
    let mut sorted = runs.to_vec();
    sorted.sort();
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}

/// One duration as so many times another.
pub fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

/// Waits until the wall clock shows another second: nothing that a server keeps for the second under way is of use to
/// it in the next run.
pub fn next_second() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let left = Duration::from_secs(1) - Duration::from_nanos(u64::from(now.subsec_nanos()));
    // A little later, so that no two clocks disagree.
    sleep(left + Duration::from_millis(20));
}
