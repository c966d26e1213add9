//! Time limits without waiting: tokio's clock, which a server's limits use, stands still until a test moves it.

use std::sync::mpsc::{Sender, channel};

use super::PATIENCE;

/// While this is there, tokio's clock stands still, but for `tokio::time::advance`. The test must have a runtime of one thread.
///
/// When [`PATIENCE`] is over, in real time, the clock runs again, and fast: a wait under a `tokio::time::timeout` then ends.
pub struct PausedTime(#[allow(dead_code, reason = "its end is what counts")] Sender<()>);

impl PausedTime {
    /// Stops the clock.
    pub fn new() -> Self {
        let (end, ended) = channel();
        tokio::time::pause();
        // A paused clock jumps to the next timer whenever there is nothing to do, but not while a blocking task runs.
        tokio::task::spawn_blocking(move || ended.recv_timeout(PATIENCE));
        Self(end)
    }
}
