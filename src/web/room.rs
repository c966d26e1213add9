//! Who is in: the open connections, what each is doing since when, and which has to go.
//!
//! A client that is slow, or does nothing, must not keep another one out: whoever comes in when the room is full
//! takes the place of the one that has been idle or unfinished for longest. Must not know sockets or HTTP.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::limits::Limits;
use crate::observe::{ObserveClients, Refusal};

/// So often per allowed time is looked whether somebody's is over.
const LOOKS: u32 = 20;

/// What a client is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Coming in, or sending a request whose head is not complete.
    Asking,
    /// Being answered.
    Answered,
    /// Taking the last of its answer.
    Finishing,
    /// Nothing, between two requests.
    Idle,
}

impl Doing {
    fn is_served(self) -> bool {
        matches!(self, Self::Answered | Self::Finishing)
    }
}

/// The places for clients. Cheap to clone.
#[derive(Clone)]
pub(super) struct Room {
    limits: Limits,
    observer: Arc<dyn ObserveClients>,
    seats: Arc<Mutex<Seats>>,
}

#[derive(Debug, Default)]
struct Seats {
    next: u64,
    taken: BTreeMap<u64, Seat>,
}

#[derive(Debug)]
struct Seat {
    doing: Doing,
    since: Instant,
    /// What came in last ended a request: nothing of another one lies behind it.
    is_whole: bool,
    out: CancellationToken,
}

impl Room {
    /// An empty room.
    pub(super) fn new(limits: Limits, observer: Arc<dyn ObserveClients>) -> Self {
        Self { limits, observer, seats: Arc::default() }
    }

    /// Lets one in. When all places are taken, the one that has been idle or unfinished for longest has to go; one
    /// that is being answered goes only when all are.
    pub(super) fn enter(&self) -> Guest {
        let out = CancellationToken::new();
        let mut seats = self.seats();
        while seats.taken.len() >= self.limits.connections.max(1) {
            let order = |(number, seat): (&u64, &Seat)| (seat.doing.is_served(), seat.since, *number);
            let Some((_, _, longest)) = seats.taken.iter().map(order).min() else { break };
            self.send_out(&mut seats, longest, Refusal::NoPlace);
        }
        let number = seats.next;
        seats.next += 1;
        let seat = Seat { doing: Doing::Asking, since: Instant::now(), is_whole: false, out: out.clone() };
        seats.taken.insert(number, seat);
        Guest { room: self.clone(), number, out }
    }

    /// Sends out whoever is over the time for what it does, for as long as it is awaited.
    pub(super) async fn watch(&self) {
        let mut look = tokio::time::interval(self.limits.header_time / LOOKS);
        loop {
            let now = look.tick().await;
            let mut seats = self.seats();
            let is_late = |seat: &Seat| now.duration_since(seat.since) > self.allowed(seat.doing);
            let late = seats.taken.iter().filter(|(_, seat)| is_late(seat)).map(|(number, _)| *number);
            for number in late.collect::<Vec<u64>>() {
                self.send_out(&mut seats, number, Refusal::TooSlow);
            }
        }
    }

    fn allowed(&self, doing: Doing) -> Duration {
        match doing {
            Doing::Asking => self.limits.header_time,
            Doing::Answered | Doing::Finishing => self.limits.answer_time,
            Doing::Idle => self.limits.idle_time,
        }
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place is free at once; the connection ends as soon as its task hears of it.
    fn send_out(&self, seats: &mut Seats, number: u64, refusal: Refusal) {
        if let Some(seat) = seats.taken.remove(&number) {
            seat.out.cancel();
            // Who was idle had asked for nothing.
            if seat.doing != Doing::Idle {
                self.observer.refused(refusal);
            }
        }
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// One client's place. Left when dropped.
#[derive(Debug)]
pub(super) struct Guest {
    room: Room,
    number: u64,
    out: CancellationToken,
}

impl Guest {
    /// Waits until this one has to go.
    pub(super) async fn has_to_go(&self) {
        self.out.cancelled().await;
    }

    /// The handshake is done: the first request may come.
    pub(super) fn has_entered(&self) {
        self.change(|_| Some((Doing::Asking, Instant::now())));
    }

    /// Bytes came in. After a pause they begin a request. `is_whole`: they ended with the end of one.
    pub(super) fn sends(&self, is_whole: bool) {
        self.change(|seat| {
            seat.is_whole = is_whole;
            (seat.doing == Doing::Idle).then(|| (Doing::Asking, Instant::now()))
        });
    }

    /// A request is there and is being answered.
    pub(super) fn is_answered(&self) {
        self.change(|_| Some((Doing::Answered, Instant::now())));
    }

    /// The answer is written, but not all of it is sent.
    pub(super) fn is_finishing(&self) {
        self.change(|seat| Some((Doing::Finishing, seat.since)));
    }

    /// All that was written is sent, as far as we can see.
    pub(super) fn has_taken(&self) {
        self.change(|seat| {
            // What lies behind the last request is the beginning of the next.
            let next = if seat.is_whole { Doing::Idle } else { Doing::Asking };
            (seat.doing == Doing::Finishing).then(|| (next, Instant::now()))
        });
    }

    fn change(&self, next: impl FnOnce(&mut Seat) -> Option<(Doing, Instant)>) {
        if let Some(seat) = self.room.seats().taken.get_mut(&self.number)
            && let Some((doing, since)) = next(seat)
        {
            seat.doing = doing;
            seat.since = since;
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.room.seats().taken.remove(&self.number);
    }
}
