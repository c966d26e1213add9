//! What a client tells whoever counts its requests.
//!
//! Must not know how it is counted.

use std::time::Duration;

use crate::failure::Reason;

/// A route of the API.
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
pub trait Observe: Send + Sync + 'static {
    /// A request ended: with an HTTP status or without an answer, after `took`, and why it gave nothing usable.
    fn finished(&self, endpoint: Endpoint, code: Option<u16>, took: Duration, failure: Option<Reason>);

    /// The same request is about to be sent again.
    fn retried(&self, endpoint: Endpoint);
}
