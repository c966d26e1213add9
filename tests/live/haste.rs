//! A clock for an exporter that polls more often than it says: polls and scrapes on a busy machine may be late by some seconds, and the
//! data is still fresh by the interval that alerts and boards use.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use nectar_exporter::clock::{Clock, SharedClock};

/// How many times more often it polls.
const TIMES: u32 = 5;
/// The interval that it reports, for polls that are a second apart.
pub const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Another clock's time, with shorter waits.
pub struct Haste(pub SharedClock);

impl Clock for Haste {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration / TIMES)
    }
}
