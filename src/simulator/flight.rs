//! How many requests there were, and how many at once.
//!
//! Knows when a request begins and ends.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::http::{Answer, Body};

/// The counts of one simulator.
#[derive(Debug, Default)]
pub(super) struct Flight {
    taken: AtomicU64,
    under_way: AtomicUsize,
    peak: AtomicUsize,
}

impl Flight {
    /// Counts a request; it is under way until the pass is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> Pass {
        self.taken.fetch_add(1, Ordering::Relaxed);
        let now = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(now, Ordering::Relaxed);
        Pass(Arc::clone(self))
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    pub(super) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }
}

/// One request under way.
#[derive(Debug)]
pub(super) struct Pass(Arc<Flight>);

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pass {
    /// The answer, which keeps the request under way until its body was handed over.
    pub(super) fn carried_by(self, answer: Answer) -> Answer {
        answer.map(|body| Carrying { body, _pass: self }.boxed_unsync())
    }
}

struct Carrying {
    body: Body,
    _pass: Pass,
}

impl HttpBody for Carrying {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
