//! Applies the outcomes of readings to the fleet, in the order in which the readings began.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;

use super::changes::Changes;
use super::durations::Durations;
use super::tally::Tallies;
use super::undocumented::ShownUndocumented;
use super::{CompanyState, Fleet, FleetReader, Moment, PollOutcome, StoredSnapshot};
use crate::failure::Failure;
use crate::model::{Company, CompanyId, Connection, Snapshot};
use crate::sanitize::by_id;
use crate::status::{Kind, Status};

/// A smaller difference between two clocks is drift.
pub(super) const CLOCK_DRIFT: SignedDuration = SignedDuration::from_secs(1);

/// Writes the fleet, one outcome at a time, whichever task brings it. An earlier reading never replaces a later one. Cheap to clone.
#[derive(Clone)]
pub struct FleetWriter {
    cell: Arc<watch::Sender<Arc<Fleet>>>,
    /// The write lock, held while an outcome is applied. Inside: when the reading of the list that was applied last began, by the
    /// monotonic clock.
    last_list_begun: Arc<Mutex<Duration>>,
    check_interval: SignedDuration,
}

impl FleetWriter {
    /// An empty fleet. `check_interval` is how soon Nectar is expected to look again.
    pub fn new(check_interval: SignedDuration) -> Self {
        let (cell, _) = watch::channel(Arc::default());
        Self { cell: Arc::new(cell), last_list_begun: Arc::default(), check_interval }
    }

    /// A new reader of the fleet.
    pub fn reader(&self) -> FleetReader {
        FleetReader(self.cell.subscribe())
    }

    /// The company list was read. Companies that are not listed any more are removed at once; new companies and new names are there at
    /// once. `absent` were asked for by id but are not in the list: their data is removed. The reading of the list began at
    /// `begun_monotonic`; a list read earlier than the last one is ignored.
    pub fn apply_list(
        &self,
        listed: &BTreeMap<CompanyId, Company>,
        absent: &[Company],
        begun_monotonic: Duration,
    ) {
        let mut last_list_begun = self.write_lock();
        if begun_monotonic < *last_list_begun {
            return;
        }
        *last_list_begun = begun_monotonic;
        self.change(|Fleet { companies, .. }| {
            let mut gone = Vec::new();
            companies.retain(|id, state| {
                let stays = listed.contains_key(id);
                gone.extend((!stays).then(|| Arc::clone(state)));
                stays
            });
            for (id, company) in listed {
                match companies.get_mut(id) {
                    Some(state) if state.last_reading == Some(Err(Failure::NotListed)) => {
                        *state = Arc::new(CompanyState::new(company.clone(), None, begun_monotonic));
                    }
                    Some(state) if state.company == *company => {}
                    Some(state) => Arc::make_mut(state).company = company.clone(),
                    None => {
                        let state = CompanyState::new(company.clone(), None, begun_monotonic);
                        companies.insert(Arc::clone(id), Arc::new(state));
                    }
                }
            }
            for company in absent {
                let state =
                    CompanyState::new(company.clone(), Some(Err(Failure::NotListed)), begun_monotonic);
                gone.extend(companies.insert(Arc::clone(&company.id), Arc::new(state)));
            }
            gone
        });
    }

    /// A company was read whole: its snapshot replaces the one before. Nothing changes if something later is known, or if the company
    /// is not listed any more.
    pub fn record_success(&self, company: &CompanyId, snapshot: Snapshot) {
        let tallies = Tallies::of(&snapshot, self.check_interval);
        let _lock = self.write_lock();
        // Dropped before the change, so that nothing is copied unless another reader still has it.
        let before = Arc::clone(&self.cell.borrow());
        let state = before.companies.get(company).filter(|state| state.accepts(snapshot.begun_monotonic));
        let Some(earlier) = state.map(Arc::clone) else { return };
        let (mut undocumented, mut durations) = (before.undocumented.clone(), before.durations.clone());
        for kind in Kind::ALL {
            undocumented.grant(kind, tallies.kind(kind).by_status.keys());
        }
        drop(before);
        let state = next_state(&earlier, snapshot, tallies, &undocumented, &mut durations);
        drop(earlier);
        self.change(|fleet| {
            (fleet.undocumented, fleet.durations) = (undocumented, durations);
            fleet.companies.insert(Arc::clone(&state.company.id), Arc::new(state))
        });
    }

    /// A company could not be read: its last snapshot stays. Nothing changes if something later is known than this reading, which
    /// began at `begun_monotonic`.
    pub fn record_failure(&self, company: &CompanyId, failure: Failure, begun_monotonic: Duration) {
        let _lock = self.write_lock();
        self.change(|fleet| {
            if let Some(state) = fleet.companies.get_mut(company) {
                note_failure(state, failure, begun_monotonic);
            }
        });
    }

    /// No company could be read, all for the same cause; otherwise like [`record_failure`](Self::record_failure).
    pub fn record_failure_of_all(&self, failure: Failure, begun_monotonic: Duration) {
        let _lock = self.write_lock();
        self.change(|fleet| {
            for state in fleet.companies.values_mut() {
                note_failure(state, failure, begun_monotonic);
            }
        });
    }

    /// A poll ended. It is `good` if it read the company list and at least one company, or if the list was empty.
    pub fn record_poll_end(&self, outcome: PollOutcome, good: bool, at: Moment) {
        let _lock = self.write_lock();
        let mut fleet = Fleet::clone(&self.cell.borrow());
        reassign_labels(&mut fleet);
        note_clock(&mut fleet, at);
        fleet.ready |= good;
        fleet.restored &= !good;
        fleet.last_poll = Some(outcome);
        if outcome.is_ok() {
            fleet.last_whole_poll = Some(at.wall);
        }
        self.cell.send_replace(Arc::new(fleet));
    }

    pub(super) fn write_lock(&self) -> MutexGuard<'_, Duration> {
        self.last_list_begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the fleet in place, while readers wait. It is copied only if a reader still has the old value: otherwise a poll of a
    /// thousand companies would copy a thousand of them a thousand times.
    ///
    /// What `change` returns is dropped last: removed data, with its thousands of records, must not be freed while readers wait.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Fleet) -> T) {
        let mut removed = None;
        self.cell.send_modify(|fleet| removed = Some(change(Arc::make_mut(fleet))));
        drop(removed);
    }
}

impl fmt::Debug for FleetWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetWriter").finish_non_exhaustive()
    }
}

fn note_failure(state: &mut Arc<CompanyState>, failure: Failure, begun_monotonic: Duration) {
    if state.accepts(begun_monotonic) {
        let state = Arc::make_mut(state);
        (state.last_reading, state.begun_monotonic) = (Some(Err(failure)), begun_monotonic);
    }
}

/// A company that was read whole, after the state `before`. What is equal in both keeps its allocation: by its address, readers know
/// that it did not change.
fn next_state(
    before: &CompanyState,
    mut snapshot: Snapshot,
    tallies: Tallies,
    undocumented: &ShownUndocumented,
    durations: &mut Durations,
) -> CompanyState {
    let mut tallies = Arc::new(tallies);
    let mut changes = Arc::clone(&before.changes);
    let (company, begun_monotonic) = (before.company.clone(), snapshot.begun_monotonic);
    if let Some(stored) = &before.stored {
        keep_id_case(&stored.snapshot.connections, &mut snapshot.connections);
        if stored.snapshot.connections == snapshot.connections {
            snapshot.connections = Arc::clone(&stored.snapshot.connections);
        } else if !before.is_counted {
            let mut counted = Changes::clone(&changes);
            counted.count(&stored.snapshot, &snapshot, undocumented, durations);
            if counted != *changes {
                changes = Arc::new(counted);
            }
        }
        if stored.tallies == tallies {
            tallies = Arc::clone(&stored.tallies);
        }
    }
    if changes.since().is_none() {
        Arc::make_mut(&mut changes).count_since(snapshot.begun_wall);
    }
    seed_unknown(&mut changes, &tallies, undocumented);
    let stored = Some(Arc::new(StoredSnapshot { snapshot, tallies }));
    CompanyState {
        company,
        last_reading: Some(Ok(())),
        begun_monotonic,
        stored,
        set_back: SignedDuration::ZERO,
        age_at_origin: SignedDuration::ZERO,
        changes,
        is_counted: false,
    }
}

/// An id keeps the letter case in which it was first read: in another one, all its series would be new.
fn keep_id_case(before: &Arc<Vec<Connection>>, now: &mut Arc<Vec<Connection>>) {
    if before == now {
        return;
    }
    for connection in Arc::get_mut(now).into_iter().flatten() {
        let place = before.binary_search_by(|known| by_id(&known.id, &connection.id));
        let Some(known) = place.ok().and_then(|place| before.get(place)) else { continue };
        connection.id.clone_from(&known.id);
        for account in &mut connection.accounts {
            let place = known.accounts.binary_search_by(|known| by_id(&known.id, &account.id));
            if let Some(known) = place.ok().and_then(|place| known.accounts.get(place)) {
                account.id.clone_from(&known.id);
            }
        }
    }
}

/// Notes by how much the wall clock was set back since each snapshot began. A clock set forward makes data look older than it is, which
/// does no harm.
pub(super) fn note_clock(fleet: &mut Fleet, now: Moment) {
    for state in fleet.companies.values_mut() {
        let (Some(stored), Some(age)) = (&state.stored, state.monotonic_age(now)) else { continue };
        let lost = age.saturating_sub(now.wall.duration_since(stored.snapshot.begun_wall));
        // Clocks drift. A smaller difference is no step.
        let set_back = if lost > CLOCK_DRIFT { lost } else { SignedDuration::ZERO };
        if state.set_back != set_back {
            Arc::make_mut(state).set_back = set_back;
        }
    }
}

/// Undocumented statuses that no snapshot has any more lose their labels, and those without one may get one.
fn reassign_labels(fleet: &mut Fleet) {
    let Fleet { companies, undocumented, .. } = fleet;
    let stored: Vec<Arc<StoredSnapshot>> =
        companies.values().filter_map(|state| state.stored.clone()).collect();
    for kind in Kind::ALL {
        let present: BTreeSet<&Status> =
            stored.iter().flat_map(|stored| stored.tallies.kind(kind).by_status.keys()).collect();
        undocumented.keep_only(kind, &present);
        undocumented.grant(kind, present);
    }
    for state in companies.values_mut() {
        let Some(stored) = state.stored.clone() else { continue };
        let mut changes = Arc::clone(&state.changes);
        forget_unknown(&mut changes, undocumented);
        seed_unknown(&mut changes, &stored.tallies, undocumented);
        if !Arc::ptr_eq(&changes, &state.changes) {
            Arc::make_mut(state).changes = changes;
        }
    }
}

/// Undocumented statuses are counted from 0 as soon as they are seen.
fn seed_unknown(changes: &mut Arc<Changes>, tallies: &Tallies, undocumented: &ShownUndocumented) {
    for kind in Kind::ALL {
        for status in tallies.kind(kind).by_status.keys() {
            let label = undocumented.label(kind, status);
            let is_known = matches!(status, Status::Documented(_)) || changes.kind(kind).contains_key(label);
            if !is_known {
                Arc::make_mut(changes).begin(kind, label);
            }
        }
    }
}

fn forget_unknown(changes: &mut Arc<Changes>, undocumented: &ShownUndocumented) {
    for kind in Kind::ALL {
        if changes.kind(kind).keys().any(|label| !undocumented.is_in_use(kind, label)) {
            Arc::make_mut(changes).keep_only(kind, |label| undocumented.is_in_use(kind, label));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jiff::Timestamp;

    use super::*;
    use crate::failure::Reason;
    use crate::model::{RecordFault, RecordFaults};

    const FAILURE: Failure = Failure::Request(Reason::ServerError);

    fn company() -> Company {
        Company { id: "c".into(), name: "C".into(), external_id: "".into() }
    }

    /// A snapshot with as many records without an id as seconds have passed, so that tests can tell it from others.
    fn read_at(seconds: u64) -> Snapshot {
        let mut faults = RecordFaults::default();
        (0..seconds).for_each(|_| faults.add(Kind::Connection, RecordFault::NoId));
        let begun_monotonic = Duration::from_secs(seconds);
        Snapshot { begun_wall: Timestamp::UNIX_EPOCH, begun_monotonic, connections: Arc::default(), faults }
    }

    /// Which reading is stored, and how the last one ended.
    fn stored(writer: &FleetWriter) -> Option<(u64, PollOutcome)> {
        let fleet = writer.reader().current();
        let state = fleet.companies.get("c")?;
        let stored = state
            .stored
            .as_ref()
            .map_or(0, |stored| stored.snapshot.faults.count(Kind::Connection, RecordFault::NoId));
        Some((stored, state.last_reading.unwrap_or(Ok(()))))
    }

    fn listing() -> (FleetWriter, BTreeMap<CompanyId, Company>) {
        let (writer, listed) = (FleetWriter::new(SignedDuration::ZERO), [("c".into(), company())].into());
        writer.apply_list(&listed, &[], Duration::ZERO);
        (writer, listed)
    }

    #[test]
    fn what_was_read_earlier_never_replaces_what_was_read_later() {
        let (writer, _) = listing();
        let other = writer.clone();
        for (reading, expected) in [(2, 2), (1, 2), (3, 3), (3, 3), (2, 3)] {
            other.record_success(&company().id, read_at(reading));
            assert_eq!(stored(&writer), Some((expected, Ok(()))), "reading {reading}");
        }
        for (begun, outcome) in [(2, Ok(())), (3, Err(FAILURE))] {
            writer.record_failure(&company().id, FAILURE, Duration::from_secs(begun));
            assert_eq!(stored(&writer), Some((3, outcome)), "a failure begun at {begun}");
        }
        other.record_success(&company().id, read_at(3));
        assert_eq!(stored(&writer), Some((3, Ok(()))), "as late as the failure");
        other.record_success(&company().id, read_at(4));
        for (begun, outcome) in [(1, Ok(())), (5, Err(FAILURE))] {
            writer.record_failure_of_all(FAILURE, Duration::from_secs(begun));
            assert_eq!(stored(&writer), Some((4, outcome)), "a list that failed, begun at {begun}");
        }
        other.record_success(&company().id, read_at(4));
        assert_eq!(stored(&writer), Some((4, Err(FAILURE))), "earlier than the failure");
    }

    #[test]
    fn a_company_that_is_not_listed_does_not_come_back() {
        let (writer, listed) = listing();
        writer.apply_list(&BTreeMap::new(), &[], Duration::from_secs(1));
        writer.record_success(&company().id, read_at(9));
        assert_eq!(stored(&writer), None);
        writer.apply_list(&BTreeMap::new(), &[company()], Duration::from_secs(2));
        writer.record_success(&company().id, read_at(9));
        writer.record_failure(&company().id, FAILURE, Duration::from_secs(9));
        assert_eq!(stored(&writer), Some((0, Err(Failure::NotListed))), "asked for, and not listed");
        writer.apply_list(&listed, &[], Duration::from_secs(1));
        assert_eq!(stored(&writer), Some((0, Err(Failure::NotListed))), "an earlier list");
        writer.apply_list(&listed, &[], Duration::from_secs(4));
        writer.record_success(&company().id, read_at(3));
        assert_eq!(stored(&writer), Some((0, Ok(()))), "read before it was listed again");
        writer.record_success(&company().id, read_at(4));
        assert_eq!(stored(&writer), Some((4, Ok(()))));
    }
}
