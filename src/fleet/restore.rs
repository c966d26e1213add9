//! Takes over the fleet that an earlier run of the program has stored.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::durations::Durations;
use super::writer::{CLOCK_DRIFT, note_clock};
use super::{CompanyState, Fleet, FleetWriter, Moment};

/// When a fleet was stored, and when it is restored.
#[derive(Debug, Clone, Copy)]
pub struct Restoring {
    /// When it was stored, by the wall clock.
    pub stored: Timestamp,
    /// Now.
    pub now: Moment,
    /// Whether nothing newer than what was stored was ever shown. If something was, counters would fall, and whoever reads them would
    /// take that for a start at 0, and add all that they had counted before: so they start at 0.
    pub is_whole: bool,
}

impl FleetWriter {
    /// The fleet is what an earlier run has stored, until readings replace it. To be done before the first poll. What it says of the age at
    /// the clock's origin is the age when it was stored.
    pub fn restore(&self, mut fleet: Fleet, restoring: Restoring) {
        fleet.companies.values_mut().for_each(|state| restore_company(Arc::make_mut(state), restoring));
        note_clock(&mut fleet, restoring.now);
        if !restoring.is_whole {
            fleet.durations = Durations::default();
        }
        (fleet.ready, fleet.restored, fleet.last_poll) = (true, true, None);
        let _lock = self.write_lock();
        self.change(|current| std::mem::replace(current, fleet));
    }
}

fn restore_company(state: &mut CompanyState, Restoring { stored, now, is_whole }: Restoring) {
    if !is_whole {
        Arc::make_mut(&mut state.changes).begin_again(now.wall);
        state.is_counted = true;
    }
    // The next reading replaces it, whenever it begins.
    state.begun_monotonic = Duration::ZERO;
    let passed = now.wall.duration_since(stored);
    // A clock that shows an earlier time than it did then was set back. It is not known how much time has passed, so the snapshot is as old
    // as can be.
    let is_set_back = passed < SignedDuration::ZERO.saturating_sub(CLOCK_DRIFT);
    let passed = if is_set_back { SignedDuration::MAX } else { passed.max(SignedDuration::ZERO) };
    let since_origin = SignedDuration::try_from(now.monotonic).unwrap_or(SignedDuration::MAX);
    state.age_at_origin = state.age_at_origin.saturating_add(passed).saturating_sub(since_origin);
}
