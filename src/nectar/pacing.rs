//! Limits that all requests of the program share: a pause that Nectar asks of one holds for all, retries are few, and nothing waits
//! beyond the end of the poll.
//!
//! Source of the rules: Nectar's documentation asks clients to wait after a 429.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::SharedClock;

/// Retries that a poll may use without a good response: enough for a hiccup, and few compared with a thousand companies.
const RETRIES: u32 = 40;

/// Shared by all requests of a client.
#[derive(Debug)]
pub struct Pacing {
    clock: SharedClock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// No request is sent before this, by the monotonic clock.
    paused_until: Duration,
    retries_left: u32,
    /// When the poll in progress ends, by the monotonic clock.
    deadline: Duration,
}

impl Pacing {
    /// No pause, and all retries left.
    pub fn new(clock: SharedClock) -> Self {
        let state = State { paused_until: Duration::ZERO, retries_left: RETRIES, deadline: Duration::MAX };
        Self { clock, state: Mutex::new(state) }
    }

    /// Begins a poll that ends at `deadline`, by the monotonic clock. All retries are available again.
    pub fn begin_poll(&self, deadline: Duration) {
        let mut state = self.state();
        state.retries_left = RETRIES;
        state.deadline = deadline;
    }

    /// Whether the poll goes on for longer than `wait`.
    pub fn has_time_for(&self, wait: Duration) -> bool {
        self.clock.monotonic().saturating_add(wait) < self.state().deadline
    }

    /// Pauses all requests for `wait` from now on. If the pause in progress is longer, it stays.
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

    /// Waits until the pause in progress is over, if there is one. Returns false at once if the poll ends before that.
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

    /// Takes one retry, if one is left. Without this limit, an API that fails would get four times the requests.
    pub fn may_retry(&self) -> bool {
        let mut state = self.state();
        let left = state.retries_left.checked_sub(1);
        state.retries_left = left.unwrap_or_default();
        left.is_some()
    }

    /// A good response: Nectar can bear one more retry.
    pub fn answered(&self) {
        let mut state = self.state();
        state.retries_left = state.retries_left.saturating_add(1).min(RETRIES);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
