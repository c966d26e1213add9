//! What is told to whoever counts: requests, and polls.
//!
//! Must not know how they are counted, or who counts.

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
