//! Limits on clients: connections, sizes and times.

use std::time::Duration;

/// Limits on what clients may take up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections open at once. A further one takes the place of the one that has been idle or unfinished for longest.
    pub connections: usize,
    /// Whether those that are being answered go last then. Not where requests have bodies: who sends one slowly would keep others out.
    pub spares_answered: bool,
    /// Bytes of request line and headers together; more is answered with 431.
    pub header_bytes: usize,
    /// For a TLS handshake, and for the head of a request to arrive, from its first byte; for the first request,
    /// from the handshake.
    pub header_time: Duration,
    /// For an idle connection to be used again.
    pub idle_time: Duration,
    /// For which a client may take nothing of a response.
    pub write_time: Duration,
    /// For a client to take all of a response.
    pub answer_time: Duration,
    /// For requests under way when the program is told to stop.
    pub drain_time: Duration,
}

impl Default for Limits {
    /// The idle time is longer than usual scrape intervals, so that a scraper finds its connection again.
    fn default() -> Self {
        Self {
            connections: 512,
            spares_answered: true,
            header_bytes: 16 * 1024,
            header_time: Duration::from_secs(5),
            idle_time: Duration::from_secs(330),
            write_time: Duration::from_secs(30),
            answer_time: Duration::from_secs(120),
            drain_time: Duration::from_secs(4),
        }
    }
}

/// Descriptors that are needed for other things than clients: polling, the log, certificates.
const OTHER_DESCRIPTORS: u64 = 128;

impl Limits {
    /// The same, with no more connections than a process with so many `descriptors` can have.
    #[must_use]
    pub fn within(self, descriptors: u64) -> Self {
        let most = usize::try_from(descriptors.saturating_sub(OTHER_DESCRIPTORS)).unwrap_or(usize::MAX);
        Self { connections: self.connections.min(most).max(1), ..self }
    }
}
