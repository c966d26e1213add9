//! Interfaces to whatever counts: requests, polls, refused clients, webhook events, what is stored, and log lines that were dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use strum::{IntoStaticStr, VariantArray};

use crate::failure::{Failure, Reason};

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

/// What a webhook event is about: the types of Nectar's catalogue, without their version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
pub enum EventType {
    /// A connection was set up.
    #[strum(serialize = "connection.created")]
    ConnectionCreated,
    /// A field of a connection changed.
    #[strum(serialize = "connection.updated")]
    ConnectionUpdated,
    /// The status of a connection changed.
    #[strum(serialize = "connection.validated")]
    ConnectionValidated,
    /// Anything else about a connection.
    #[strum(serialize = "connection.other")]
    ConnectionOther,
    /// Anything about a bill.
    #[strum(serialize = "document")]
    Document,
    /// A type that is not known, or a body that cannot be read.
    #[strum(serialize = "other")]
    Other,
}

impl EventType {
    /// All types.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The value of the `type` label.
    pub fn label(self) -> &'static str {
        self.into()
    }

    /// Whether it is about a connection.
    pub fn is_of_connection(self) -> bool {
        !matches!(self, Self::Document | Self::Other)
    }
}

/// What came of a webhook event whose signature is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum EventOutcome {
    /// The company is read soon.
    Reading,
    /// It is not known which company it is about: all are read.
    Poll,
    /// Its company is not among those that this exporter reads.
    NotWatched,
    /// It is not about a connection.
    Ignored,
    /// It came before.
    Duplicate,
}

impl EventOutcome {
    /// All outcomes.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Whether an event of this type can have this outcome.
    pub fn can_come_of(self, event_type: EventType) -> bool {
        match self {
            Self::Reading | Self::Poll | Self::NotWatched => event_type.is_of_connection(),
            Self::Ignored => !event_type.is_of_connection(),
            Self::Duplicate => true,
        }
    }

    /// The value of the `outcome` label.
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// Why a webhook request was not taken for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum EventRefusal {
    /// It lacks one of the headers of a signed event, or has one that cannot be read; or its body ends before its end or cannot be read.
    Malformed,
    /// It was signed too long ago, or in the future.
    BadTime,
    /// No signature is right.
    BadSignature,
    /// Its body is too large.
    TooLarge,
    /// Its body did not arrive in time.
    Incomplete,
}

impl EventRefusal {
    /// All reasons.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The value of the `outcome` label.
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// Is told of everything that comes in for webhooks, and of the readings that follow.
pub trait ObserveEvents: Send + Sync + 'static {
    /// An event whose signature is right arrived at this time.
    fn arrived(&self, event_type: EventType, outcome: EventOutcome, at: Timestamp);

    /// A request was no event.
    fn refused(&self, refusal: EventRefusal);

    /// A reading of a company ended well, so long after the first event that asked for it.
    fn answered(&self, delay: Duration);
}

/// Is told of what is stored.
pub trait ObserveStorage: Send + Sync + 'static {
    /// The state in the folder is now that of this time.
    fn written(&self, at: Timestamp);
}

/// An observer that counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Uncounted;

impl ObserveClients for Uncounted {
    fn refused(&self, _: Refusal) {}
}

impl ObserveEvents for Uncounted {
    fn arrived(&self, _: EventType, _: EventOutcome, _: Timestamp) {}

    fn refused(&self, _: EventRefusal) {}

    fn answered(&self, _: Duration) {}
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
