//! Interfaces to whatever counts: requests, polls, statuses that ended, refused clients, and log lines that were dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use crate::failure::{Failure, Reason};
use crate::status::Documented;

/// An endpoint of Nectar's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Endpoint {
    /// `GET /company`
    Company,
    /// `GET /connection/company/{id}`
    Connections,
}

impl Endpoint {
    /// Both endpoints.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The value of the `endpoint` label.
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// Is told of every request to Nectar.
pub trait ObserveRequests: Send + Sync + 'static {
    /// A request ended after `took`, with an HTTP status or without a response. `failure` says why it gave nothing usable.
    fn finished(&self, endpoint: Endpoint, code: Option<u16>, took: Duration, failure: Option<Reason>);

    /// The same request is about to be sent again.
    fn retried(&self, endpoint: Endpoint);
}

/// Is told of every poll.
pub trait ObservePolls: Send + Sync + 'static {
    /// A poll ended after `took`. If it was not whole, `outcome` has the first cause.
    fn poll_ended(&self, took: Duration, outcome: Result<(), Failure>);
}

/// Is told of every status that a connection was seen to leave.
pub trait ObserveStatuses: Send + Sync + 'static {
    /// A connection left this status of a [broken](crate::status::Category::is_broken) category, in which it had been for `duration`.
    fn left(&self, status: &'static Documented, duration: Duration);
}

/// Why a client of ours did not get what it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Refusal {
    /// No user name and password, or wrong ones.
    Unauthorized,
    /// Nothing is served at this path.
    NotFound,
    /// This path does not take the method.
    #[strum(serialize = "method_not_allowed")]
    Method,
    /// Not a request in HTTP, or one with too large a head.
    Malformed,
    /// The two sides could not agree on TLS.
    Tls,
    /// It took too long to send its request, or to read the response.
    TooSlow,
    /// The limit of connections was reached, and this request had been unfinished for longest.
    NoPlace,
}

impl Refusal {
    /// All reasons.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The value of the `reason` label.
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// Is told of every client that does not get what it asked for.
pub trait ObserveClients: Send + Sync + 'static {
    /// A client was refused.
    fn refused(&self, refusal: Refusal);
}

/// An observer that counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Uncounted;

impl ObserveClients for Uncounted {
    fn refused(&self, _: Refusal) {}
}

impl ObserveStatuses for Uncounted {
    fn left(&self, _: &'static Documented, _: Duration) {}
}

impl ObserveRequests for Uncounted {
    fn finished(&self, _: Endpoint, _: Option<u16>, _: Duration, _: Option<Reason>) {}

    fn retried(&self, _: Endpoint) {}
}

/// The number of log lines dropped since the start. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct DroppedLines(Arc<AtomicU64>);

impl DroppedLines {
    /// Counts a dropped line.
    pub fn one_more(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many lines were dropped so far.
    pub fn number(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
