//! The fleet as last seen. Only [`FleetWriter`] changes it; scrapes and pages show it once it is published.
//!
//! Readers get an immutable value; the writer changes in place only what no reader has.

pub mod changes;
pub mod durations;
mod restore;
pub mod tally;
pub mod undocumented;
pub mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

pub use restore::Restoring;
pub use writer::FleetWriter;

use crate::clock::Clock;
use crate::failure::Failure;
use crate::model::{Company, CompanyId, Snapshot};
use changes::Changes;
use durations::Durations;
use tally::Tallies;
use undocumented::ShownUndocumented;

/// Everything known about the fleet at one moment.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// Every listed company, and every one that was asked for by id.
    pub companies: BTreeMap<CompanyId, Arc<CompanyState>>,
    /// Which undocumented statuses may be shown under their own name.
    pub undocumented: ShownUndocumented,
    /// For how long connections had been broken.
    pub durations: Durations,
    /// Whether there was a good poll: one that read the company list and at least one company, or had none to read.
    /// Until then nothing about companies may be shown.
    pub ready: bool,
    /// The outcome of the last poll that ended.
    pub last_poll: Option<PollOutcome>,
    /// When the last whole poll ended: one that read the company list and every company. It is good, too.
    pub last_whole_poll: Option<Timestamp>,
    /// Whether an earlier run of the program read it, and there was no good poll since.
    pub restored: bool,
}

/// How a poll ended: `Err` has the first cause, if it was not whole.
pub type PollOutcome = Result<(), Failure>;

/// A poll that has ended.
#[derive(Debug, Clone, Copy)]
pub struct EndedPoll {
    /// When.
    pub at: Moment,
    /// How many companies were read.
    pub companies: usize,
    /// Whether it was whole, or the first cause why not.
    pub outcome: PollOutcome,
}

/// A moment by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// By the wall clock.
    pub wall: Timestamp,
    /// By the monotonic clock.
    pub monotonic: Duration,
}

impl Moment {
    /// Now.
    pub fn of(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), monotonic: clock.monotonic() }
    }
}

/// One company, as last seen.
#[derive(Debug, Clone)]
pub struct CompanyState {
    /// As the list has it now.
    pub company: Company,
    /// How the last reading of this company ended; none until the first one has ended.
    pub last_reading: Option<Result<(), Failure>>,
    /// When that reading began, or the reading of the list in which the company appeared, by the monotonic clock.
    pub begun_monotonic: Duration,
    /// The last snapshot, however old.
    pub stored: Option<Arc<StoredSnapshot>>,
    /// How far the wall clock was set back since that snapshot began; updated at the end of each poll.
    pub set_back: SignedDuration,
    /// How old that snapshot was when the monotonic clock began, if an earlier run of the program read it.
    pub age_at_origin: SignedDuration,
    /// Changes of status counted so far.
    pub changes: Arc<Changes>,
    /// Whether an earlier run of the program may have counted already how the next snapshot differs from the stored one.
    pub is_counted: bool,
}

/// A snapshot and its counts, which are made once and not at every scrape.
#[derive(Debug)]
pub struct StoredSnapshot {
    /// As read.
    pub snapshot: Snapshot,
    /// As counted. Unchanged counts are shared with the snapshot before.
    pub tallies: Arc<Tallies>,
}

impl CompanyState {
    /// A company without a snapshot.
    pub fn new(
        company: Company,
        last_reading: Option<Result<(), Failure>>,
        begun_monotonic: Duration,
    ) -> Self {
        Self {
            company,
            last_reading,
            begun_monotonic,
            stored: None,
            set_back: SignedDuration::ZERO,
            age_at_origin: SignedDuration::ZERO,
            changes: Arc::default(),
            is_counted: false,
        }
    }

    /// Whether its last reading was whole.
    pub fn is_up(&self) -> bool {
        self.last_reading == Some(Ok(()))
    }

    /// The snapshot that may be shown: none if it began longer than `max_age` before `now`.
    pub fn served(&self, now: Timestamp, max_age: Duration) -> Option<&StoredSnapshot> {
        let stored = self.stored.as_deref()?;
        let max_age = SignedDuration::try_from(max_age).unwrap_or(SignedDuration::MAX);
        // Without the correction, data from before a clock was set back by a year would be shown for a year.
        let age = now.duration_since(stored.snapshot.begun_wall).saturating_add(self.set_back);
        (age <= max_age).then_some(stored)
    }

    /// How old its snapshot is, by the monotonic clock, or by the wall clock if that makes it older.
    pub fn age(&self, now: Moment) -> Option<SignedDuration> {
        let begun_wall = self.stored.as_deref()?.snapshot.begun_wall;
        let by_wall = now.wall.duration_since(begun_wall).saturating_add(self.set_back);
        Some(by_wall.max(self.monotonic_age(now)?))
    }

    /// How old its snapshot is, by the monotonic clock.
    fn monotonic_age(&self, now: Moment) -> Option<SignedDuration> {
        let begun = self.stored.as_deref()?.snapshot.begun_monotonic;
        let passed =
            SignedDuration::try_from(now.monotonic.saturating_sub(begun)).unwrap_or(SignedDuration::MAX);
        Some(passed.saturating_add(self.age_at_origin))
    }

    /// Whether the outcome of a reading that began at this moment, by the monotonic clock, is to be applied: nothing later is known,
    /// and the company is listed.
    pub fn accepts(&self, begun_monotonic: Duration) -> bool {
        self.begun_monotonic <= begun_monotonic && self.last_reading != Some(Err(Failure::NotListed))
    }

    /// The last moment at which its snapshot may be shown; none if it has no snapshot, or one that does not expire.
    pub fn expires(&self, max_age: Duration) -> Option<Timestamp> {
        let begun_wall = self.stored.as_deref()?.snapshot.begun_wall;
        let max_age = SignedDuration::try_from(max_age).unwrap_or(SignedDuration::MAX);
        begun_wall.checked_add(max_age.saturating_sub(self.set_back)).ok()
    }
}

/// Reads the fleet. Cheap to clone.
#[derive(Debug, Clone)]
pub struct FleetReader(watch::Receiver<Arc<Fleet>>);

impl FleetReader {
    /// The fleet at this moment; the value does not change afterwards.
    pub fn current(&self) -> Arc<Fleet> {
        Arc::clone(&self.0.borrow())
    }

    /// The same, and this reader need not wait for it.
    pub fn latest(&mut self) -> Arc<Fleet> {
        Arc::clone(&self.0.borrow_and_update())
    }

    /// Whether there is a fleet that this reader has not waited for yet.
    pub fn has_changed(&self) -> bool {
        self.0.has_changed().unwrap_or(false)
    }

    /// Waits for a fleet that this reader has not waited for yet. False if there will be none, because the writer is gone.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}
