//! Limits that all requests of the program share: a pause that Nectar asks of one holds for all, and retries are few. Nothing waits
//! beyond the end of the poll, or of the reading that an event asked for.
//!
//! Source of the rules: Nectar's documentation asks clients to wait after a 429.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::SharedClock;

/// Retries that a poll may use without a good response: enough for a hiccup, and few compared with a thousand companies.
const RETRIES: u32 = 40;

/// The limits on the requests of one poll or reading. Clones share all of it but the deadline.
#[derive(Debug, Clone)]
pub struct Pacing {
    clock: SharedClock,
    state: Arc<Mutex<State>>,
    /// When the poll or reading ends, by the monotonic clock.
    deadline: Duration,
}

#[derive(Debug)]
struct State {
    /// No request is sent before this, by the monotonic clock.
    paused_until: Duration,
    retries_left: u32,
}

impl Pacing {
    /// No pause, all retries left, and no deadline.
    pub fn new(clock: SharedClock) -> Self {
        let state = State { paused_until: Duration::ZERO, retries_left: RETRIES };
        Self { clock, state: Arc::new(Mutex::new(state)), deadline: Duration::MAX }
    }

    /// The same limits, for what ends at `deadline` by the monotonic clock.
    #[must_use]
    pub fn until(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// Makes all retries available again.
    pub fn renew_retries(&self) {
        self.state().retries_left = RETRIES;
    }

    /// Whether there is more time than `wait` before the deadline.
    pub fn has_time_for(&self, wait: Duration) -> bool {
        self.clock.monotonic().saturating_add(wait) < self.deadline
    }

    /// Pauses all requests for `wait` from now on. If the pause in progress is longer, it stays.
    pub fn pause(&self, wait: Duration) {
        let until = self.clock.monotonic().saturating_add(wait);
        let mut state = self.state();
        state.paused_until = state.paused_until.max(until);
    }

    /// Whether the pause ends before the deadline.
    pub fn pause_ends_in_time(&self) -> bool {
        self.state().paused_until < self.deadline
    }

    /// Waits until the pause in progress is over, if there is one. Returns false at once if the deadline comes before that.
    pub async fn wait_out_pause(&self) -> bool {
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
    pub fn regain_retry(&self) {
        let mut state = self.state();
        state.retries_left = state.retries_left.saturating_add(1).min(RETRIES);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Poll;

    use futures::future::BoxFuture;
    use futures::{FutureExt, poll};
    use jiff::Timestamp;
    use tokio::time::{Instant, advance};

    use super::*;
    use crate::clock::Clock;

    /// tokio's clock, which these tests turn.
    struct Turned(Instant);

    impl Clock for Turned {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn monotonic(&self) -> Duration {
            self.0.elapsed()
        }

        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            tokio::time::sleep(duration).boxed()
        }
    }

    /// A poll that has begun, and ends after ten minutes.
    fn pacing() -> Pacing {
        Pacing::new(Arc::new(Turned(Instant::now()))).until(Duration::from_secs(600))
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_for_all_until_it_is_over() {
        let pacing = pacing();
        assert!(pacing.wait_out_pause().await, "there is none");
        pacing.pause(Duration::from_secs(60));
        let mut waiting = Box::pin(pacing.wait_out_pause());
        assert!(poll!(&mut waiting).is_pending());
        advance(Duration::from_secs(50)).await;
        // A longer one makes those wait longer who wait already; a shorter one changes nothing.
        pacing.pause(Duration::from_secs(30));
        pacing.pause(Duration::from_secs(1));
        advance(Duration::from_secs(29)).await;
        assert!(poll!(&mut waiting).is_pending());
        advance(Duration::from_secs(1)).await;
        assert_eq!(poll!(&mut waiting), Poll::Ready(true));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_what_comes_after_the_poll() {
        let pacing = pacing();
        for (wait, has_time) in [(0, true), (599, true), (600, false), (u64::MAX, false)] {
            assert_eq!(pacing.has_time_for(Duration::from_secs(wait)), has_time, "{wait}");
        }
        pacing.pause(Duration::from_secs(600));
        assert!(!pacing.pause_ends_in_time());
        assert_eq!(pacing.wait_out_pause().now_or_never(), Some(false), "at once");
        let longer = pacing.until(Duration::from_secs(601));
        assert!(longer.pause_ends_in_time() && longer.wait_out_pause().await);
    }

    #[tokio::test(start_paused = true)]
    async fn retries_are_few_and_good_answers_earn_more() {
        let pacing = pacing();
        let spent = |pacing: &Pacing| std::iter::from_fn(|| pacing.may_retry().then_some(())).count();
        assert_eq!(spent(&pacing), 40);
        pacing.regain_retry();
        assert_eq!(spent(&pacing), 1);
        (0..50).for_each(|_| pacing.regain_retry());
        assert_eq!(spent(&pacing), 40, "no more than at first");
        let longer = pacing.until(Duration::from_secs(601));
        assert_eq!(spent(&longer), 0, "shared by all");
        pacing.renew_retries();
        assert_eq!(spent(&longer), 40);
    }
}
