//! What all requests of the program owe Nectar together: a pause that one was asked for holds for all, retries are few, and nobody
//! waits for what would come after the poll has ended.
//!
//! Source of the rules: Nectar's documentation asks clients to answer 429 with waiting.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::SharedClock;

/// Retries that one poll may spend without a good answer: enough for a hiccup, and few beside a thousand companies.
const RETRIES: u32 = 40;

/// Shared by all requests of a client.
#[derive(Debug)]
pub struct Pacing {
    clock: SharedClock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// By the monotonic clock: nobody asks before.
    paused_until: Duration,
    retries_left: u32,
    /// By the monotonic clock: when the poll under way ends.
    deadline: Duration,
}

impl Pacing {
    /// No pause, and all retries left.
    pub fn new(clock: SharedClock) -> Self {
        let state = State { paused_until: Duration::ZERO, retries_left: RETRIES, deadline: Duration::MAX };
        Self { clock, state: Mutex::new(state) }
    }

    /// A new poll has all retries again. It ends at `deadline`, by the monotonic clock.
    pub fn begin_poll(&self, deadline: Duration) {
        let mut state = self.state();
        state.retries_left = RETRIES;
        state.deadline = deadline;
    }

    /// Whether the poll goes on for longer than this.
    pub fn has_time_for(&self, wait: Duration) -> bool {
        self.clock.monotonic().saturating_add(wait) < self.state().deadline
    }

    /// Nobody asks for `wait` from now on. A longer pause that is under way stays.
    pub fn pause(&self, wait: Duration) {
        let until = self.clock.monotonic().saturating_add(wait);
        let mut state = self.state();
        state.paused_until = state.paused_until.max(until);
    }

    /// Whether the poll goes on for longer than the pause.
    pub fn pause_ends_in_time(&self) -> bool {
        let state = self.state();
        state.paused_until < state.deadline
    }

    /// Completes when there is no pause, or when the one under way is over. False, and at once, where the poll ends before.
    pub async fn pause_is_over(&self) -> bool {
        loop {
            let until = self.state().paused_until;
            let left = until.saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                return true;
            }
            if !self.pause_ends_in_time() {
                return false;
            }
            self.clock.sleep(left).await;
            let mut state = self.state();
            if state.paused_until == until {
                state.paused_until = Duration::ZERO;
            }
        }
    }

    /// Whether one more retry may be sent. Without this, an API that fails would get four times the requests.
    pub fn may_retry(&self) -> bool {
        let mut state = self.state();
        let left = state.retries_left.checked_sub(1);
        state.retries_left = left.unwrap_or_default();
        left.is_some()
    }

    /// A good answer: Nectar can bear one more retry.
    pub fn answered(&self) {
        let mut state = self.state();
        state.retries_left = state.retries_left.saturating_add(1).min(RETRIES);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
