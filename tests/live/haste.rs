//! A clock for an exporter that polls more often than it says: a busy machine's polls and scrapes may be late by some seconds, and
//! its data is still fresh by the interval that alerts and boards go by.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use nectar_exporter::clock::{Clock, SharedClock};

/// So many times more often.
const TIMES: u32 = 5;
/// The interval that it says, for polls a second apart.
pub const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The time of another clock, by which waits are shorter than they ought to be.
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
