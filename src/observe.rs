//! What is told to whoever counts: requests, polls, clients that are turned away, and log lines that nobody reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use crate::failure::{Failure, Reason};

/// A route of Nectar's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Endpoint {
    /// `GET /company`
    Company,
    /// `GET /connection/company/{id}`
    Connections,
}

impl Endpoint {
    /// Both.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The value of the `endpoint` label.
    pub fn label(self) -> &'static str {
        self.into()
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

/// Why a client of ours does not get what it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Refusal {
    /// No user's name and password, or wrong ones.
    Unauthorized,
    /// Nothing is served at this path.
    NotFound,
    /// Nothing is served to this method.
    #[strum(serialize = "method_not_allowed")]
    Method,
    /// What came is no request of HTTP, or has too large a head.
    Malformed,
    /// The two sides could not agree on TLS.
    Tls,
    /// It took too long, to ask or to take its answer.
    TooSlow,
    /// All places were taken, and it had been unfinished for longest.
    NoPlace,
}

impl Refusal {
    /// Every one.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The value of the `reason` label.
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// Told of every client that does not get what it asked for.
pub trait ObserveClients: Send + Sync + 'static {
    /// One more.
    fn refused(&self, refusal: Refusal);
}

/// Told, and forgets it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Uncounted;

impl ObserveClients for Uncounted {
    fn refused(&self, _: Refusal) {}
}

impl ObserveRequests for Uncounted {
    fn finished(&self, _: Endpoint, _: Option<u16>, _: Duration, _: Option<Reason>) {}

    fn retried(&self, _: Endpoint) {}
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
