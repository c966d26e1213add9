//! Counts requests, and how many were in flight at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use axum::body::Body;
use axum::response::Response;
use http_body_util::BodyExt;

/// The counts of one simulator.
#[derive(Debug, Default)]
pub struct InFlight {
    requests: AtomicU64,
    current: AtomicUsize,
    peak: AtomicUsize,
}

impl InFlight {
    /// Counts a request as in flight until the guard is dropped.
    pub fn enter(self: &Arc<Self>) -> InFlightGuard {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let current = self.current.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(current, Ordering::Relaxed);
        InFlightGuard(Arc::clone(self))
    }

    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub fn current(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }

    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }
}

/// One request in flight.
#[derive(Debug)]
pub struct InFlightGuard(Arc<InFlight>);

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.current.fetch_sub(1, Ordering::Relaxed);
    }
}

impl InFlightGuard {
    /// Keeps the request in flight until the response's body was sent: the body owns the guard.
    pub fn until_sent(self, response: Response) -> Response {
        let keep = move |error| {
            let _guard = &self;
            error
        };
        response.map(|body| Body::new(body.map_err(keep)))
    }
}
