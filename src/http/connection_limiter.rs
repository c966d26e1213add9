//! The limit on open connections: what each of them is doing, since when, and which one is closed for a new one.
//!
//! A client that is slow, or does nothing, must not keep another one out. When the limit is reached, a new connection takes the
//! slot of the one that has been idle or unfinished for longest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::limits::Limits;
use crate::observe::{ObserveClients, Refusal};

/// How often the limits are checked within the shortest of them.
const CHECKS_PER_LIMIT: u32 = 20;

/// What a connection is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ConnectionState {
    /// In the handshake, or sending the head of a request.
    Receiving,
    /// A response is being made or written.
    Responding,
    /// The whole response is written, and not all of it is sent.
    Flushing,
    /// Between two requests.
    Idle,
}

/// Counts connections and closes those that are over a limit. Cheap to clone.
#[derive(Clone)]
pub(super) struct ConnectionLimiter {
    limits: Limits,
    observer: Arc<dyn ObserveClients>,
    slots: Arc<Mutex<Slots>>,
}

#[derive(Default)]
struct Slots {
    next: u64,
    taken: BTreeMap<u64, Slot>,
}

struct Slot {
    state: ConnectionState,
    since: Instant,
    /// The last bytes received end a request: no part of another one follows them.
    ends_request: bool,
    evicted: CancellationToken,
}

impl ConnectionLimiter {
    /// No connection is open yet.
    pub(super) fn new(limits: Limits, observer: Arc<dyn ObserveClients>) -> Self {
        Self { limits, observer, slots: Arc::default() }
    }

    /// Gives a new connection a slot. When all are taken, the connection that has been idle or unfinished for longest is closed; where
    /// those that are being answered are spared, one of them is closed only when all are.
    pub(super) fn admit(&self) -> ConnectionGuard {
        let evicted = CancellationToken::new();
        let mut slots = self.slots();
        while slots.taken.len() >= self.limits.connections.max(1) {
            let is_served =
                |slot: &Slot| matches!(slot.state, ConnectionState::Responding | ConnectionState::Flushing);
            let is_spared = |slot: &Slot| self.limits.spares_answered && is_served(slot);
            let order = |(number, slot): (&u64, &Slot)| (is_spared(slot), slot.since, *number);
            let Some((_, _, longest)) = slots.taken.iter().map(order).min() else { break };
            self.evict(&mut slots, longest, Refusal::NoPlace);
        }
        let number = slots.next;
        slots.next += 1;
        let slot = Slot {
            state: ConnectionState::Receiving,
            since: Instant::now(),
            ends_request: false,
            evicted: evicted.clone(),
        };
        slots.taken.insert(number, slot);
        ConnectionGuard { limiter: self.clone(), number, evicted }
    }

    /// Closes connections that take longer than the limit for what they are doing. Never ends by itself.
    pub(super) async fn watch(&self) {
        let mut checks = tokio::time::interval(self.limits.header_time / CHECKS_PER_LIMIT);
        loop {
            let now = checks.tick().await;
            let mut slots = self.slots();
            let is_late = |slot: &Slot| now.duration_since(slot.since) > self.allowed(slot.state);
            let late = slots.taken.iter().filter(|(_, slot)| is_late(slot)).map(|(number, _)| *number);
            for number in late.collect::<Vec<u64>>() {
                self.evict(&mut slots, number, Refusal::TooSlow);
            }
        }
    }

    fn allowed(&self, state: ConnectionState) -> Duration {
        match state {
            ConnectionState::Receiving => self.limits.header_time,
            ConnectionState::Responding | ConnectionState::Flushing => self.limits.answer_time,
            ConnectionState::Idle => self.limits.idle_time,
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees the slot at once; the connection ends as soon as its task sees that it is evicted.
    fn evict(&self, slots: &mut Slots, number: u64, refusal: Refusal) {
        if let Some(slot) = slots.taken.remove(&number) {
            slot.evicted.cancel();
            // An idle one had asked for nothing.
            if slot.state != ConnectionState::Idle {
                self.observer.refused(refusal);
            }
        }
    }
}

/// A connection's slot, given back when this is dropped.
pub(super) struct ConnectionGuard {
    limiter: ConnectionLimiter,
    number: u64,
    evicted: CancellationToken,
}

impl ConnectionGuard {
    /// Completes when the connection is to be closed.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// The handshake is done: the time for the first request begins.
    pub(super) fn handshake_done(&self) {
        self.change(|_| Some((ConnectionState::Receiving, Instant::now())));
    }

    /// Bytes were received; on an idle connection they begin a request. `ends_request`: the last of them end one.
    pub(super) fn received(&self, ends_request: bool) {
        self.change(|slot| {
            slot.ends_request = ends_request;
            (slot.state == ConnectionState::Idle).then(|| (ConnectionState::Receiving, Instant::now()))
        });
    }

    /// The head of a request is complete.
    pub(super) fn responding(&self) {
        self.change(|_| Some((ConnectionState::Responding, Instant::now())));
    }

    /// The request that is answered has a body, and that has been read. What follows begins another request.
    pub(super) fn body_ended(&self) {
        self.change(|slot| {
            slot.ends_request = true;
            None
        });
    }

    /// The response is written, but not all of it is sent.
    pub(super) fn flushing(&self) {
        self.change(|slot| Some((ConnectionState::Flushing, slot.since)));
    }

    /// All that was written is sent, as far as we can see.
    pub(super) fn flushed(&self) {
        self.change(|slot| {
            // Bytes after the last request are the beginning of the next.
            let next = if slot.ends_request { ConnectionState::Idle } else { ConnectionState::Receiving };
            (slot.state == ConnectionState::Flushing).then(|| (next, Instant::now()))
        });
    }

    fn change(&self, next: impl FnOnce(&mut Slot) -> Option<(ConnectionState, Instant)>) {
        if let Some(slot) = self.limiter.slots().taken.get_mut(&self.number)
            && let Some((state, since)) = next(slot)
        {
            slot.state = state;
            slot.since = since;
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.limiter.slots().taken.remove(&self.number);
    }
}
