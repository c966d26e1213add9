//! What is told to whoever counts: requests, polls, and log lines that nobody reads.
//!
//! Must not know how they are counted, or who counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::failure::{Failure, Reason};

/// A route of Nectar's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `GET /company`
    Company,
    /// `GET /connection/company/{id}`
    Connections,
}

impl Endpoint {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Company, Self::Connections];

    /// The value of the `endpoint` label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Connections => "connections",
        }
    }
}

/// Told of every request.
pub trait ObserveRequests: Send + Sync + 'static {
    /// A request ended: with an HTTP status or without an answer, after `took`, and why it gave nothing usable.
    fn finished(&self, endpoint: Endpoint, code: Option<u16>, took: Duration, failure: Option<Reason>);

    /// The same request is about to be sent again.
    fn retried(&self, endpoint: Endpoint);
}

/// Told of every poll.
pub trait ObservePolls: Send + Sync + 'static {
    /// A poll ended after `took`: whole, or not, with the first cause.
    fn poll_ended(&self, took: Duration, outcome: Result<(), Failure>);
}

/// How many lines of the log were dropped since the start. Shared by its clones.
#[derive(Debug, Clone, Default)]
pub struct DroppedLines(Arc<AtomicU64>);

impl DroppedLines {
    /// A line was dropped.
    pub fn one_more(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So far.
    pub fn number(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
