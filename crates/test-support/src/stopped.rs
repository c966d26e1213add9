//! Time limits without waiting: tokio's clock, by which a server's limits go, stands still until a test turns it.

use std::sync::mpsc::{Sender, channel};

use super::PATIENCE;

/// While this is there, tokio's clock stands still, but for `tokio::time::advance`. The test must have a runtime of one thread.
///
/// When [`PATIENCE`] is over, in real time, the clock goes on by itself, and fast: whoever waits in vain under a
/// `tokio::time::timeout` ends.
pub struct StoppedTime(#[allow(dead_code, reason = "its end is what counts")] Sender<()>);

impl StoppedTime {
    /// Stops it from now on.
    pub fn new() -> Self {
        let (end, ended) = channel();
        tokio::time::pause();
        // A paused clock leaps to the next timer whenever nobody has anything to do, but not while a blocking task runs.
        tokio::task::spawn_blocking(move || ended.recv_timeout(PATIENCE));
        Self(end)
    }
}
