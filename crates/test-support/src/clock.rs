//! A clock that only moves when a test moves it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use jiff::{SignedDuration, Timestamp};
use nectar_exporter::clock::Clock;
use tokio::sync::oneshot;

/// The wall clock of `clock`, in the form that the simulator takes.
pub fn wall(clock: &Arc<impl Clock + ?Sized>) -> impl Fn() -> Timestamp + Send + Sync + 'static {
    let clock = Arc::clone(clock);
    move || clock.now()
}

/// The time at which every test begins.
pub const START: &str = "2026-06-15T12:00:00Z";

/// Shows [`START`] until a test moves it.
pub struct TestClock(Mutex<State>);

struct State {
    now: Timestamp,
    passed: Duration,
    /// Waits up to this long end at once, and are recorded.
    patience: Duration,
    skipped: Vec<Duration>,
    sleepers: Vec<(Duration, oneshot::Sender<()>)>,
}

impl TestClock {
    /// A clock on which no wait ends by itself.
    pub fn new() -> Arc<Self> {
        Self::skipping(Duration::ZERO)
    }

    /// A clock on which waits up to `patience` end at once: those between attempts, not those between polls.
    pub fn skipping(patience: Duration) -> Arc<Self> {
        let now = START.parse().unwrap();
        Arc::new(Self(Mutex::new(State {
            now,
            passed: Duration::ZERO,
            patience,
            skipped: Vec::new(),
            sleepers: Vec::new(),
        })))
    }

    /// Lets time pass, and ends the waits that are over.
    pub fn advance(&self, duration: Duration) {
        let mut state = self.0.lock().unwrap();
        state.passed += duration;
        state.now += SignedDuration::try_from(duration).unwrap();
        let passed = state.passed;
        for (_, wake) in state.sleepers.extract_if(.., |(until, _)| *until <= passed) {
            let _ = wake.send(());
        }
    }

    /// Steps the wall clock alone, as an administrator or a time server does.
    pub fn step(&self, by: SignedDuration) {
        self.0.lock().unwrap().now += by;
    }

    /// The wall clock, in Unix seconds.
    pub fn wall_seconds(&self) -> i64 {
        self.now().as_second()
    }

    /// Whether there is a wait that has exactly this long left.
    pub fn is_awaited(&self, left: Duration) -> bool {
        let state = self.0.lock().unwrap();
        state.sleepers.iter().any(|(until, _)| *until == state.passed + left)
    }

    /// The waits that ended at once since the last call, in order.
    pub fn skipped(&self) -> Vec<Duration> {
        std::mem::take(&mut self.0.lock().unwrap().skipped)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().now
    }

    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap().passed
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut state = self.0.lock().unwrap();
        if duration <= state.patience {
            state.skipped.push(duration);
            return futures::future::ready(()).boxed();
        }
        let (wake, woken) = oneshot::channel();
        let until = state.passed + duration;
        state.sleepers.push((until, wake));
        async move {
            // If the clock is gone, the wait never ends.
            if woken.await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        .boxed()
    }
}
