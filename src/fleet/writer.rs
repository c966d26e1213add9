//! The one who writes the fleet: what an outcome of polling does to it.
//!
//! Knows what is kept, replaced and forgotten. Must not know requests, time or readers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::changes::Changes;
use super::tally::Tallies;
use super::unknown::GrantedWords;
use super::{CompanyState, Fleet, FleetReader, Held, PollOutcome};
use crate::failure::Failure;
use crate::model::{Company, CompanyId, Snapshot};
use crate::status::{Kind, Status};

/// Two clocks that differ by no more have only drifted apart.
const CLOCK_DRIFT: SignedDuration = SignedDuration::from_secs(1);

/// Writes the fleet. There is one.
#[derive(Debug)]
pub struct FleetWriter {
    fleet: Fleet,
    cell: watch::Sender<Arc<Fleet>>,
    check_interval: SignedDuration,
}

impl FleetWriter {
    /// An empty fleet. `check_interval` is how soon Nectar is expected to look again.
    pub fn new(check_interval: SignedDuration) -> Self {
        let (cell, _) = watch::channel(Arc::default());
        Self { fleet: Fleet::default(), cell, check_interval }
    }

    /// Someone who reads it.
    pub fn reader(&self) -> FleetReader {
        FleetReader(self.cell.subscribe())
    }

    /// The company list was read. Companies that are gone go at once, new ones and new names come at once.
    /// `absent` were asked for by id but are not in the list: whatever is held of them goes.
    pub fn listed(&mut self, listed: &BTreeMap<CompanyId, Company>, absent: &[Company]) {
        let companies = &mut self.fleet.companies;
        companies.retain(|id, _| listed.contains_key(id));
        for (id, company) in listed {
            match companies.get_mut(id) {
                Some(state) if state.company == *company => {}
                Some(state) => Arc::make_mut(state).company = company.clone(),
                None => {
                    companies.insert(Arc::clone(id), Arc::new(CompanyState::new(company.clone(), None)));
                }
            }
        }
        for company in absent {
            let state = CompanyState::new(company.clone(), Some(Err(Failure::NotListed)));
            companies.insert(Arc::clone(&company.id), Arc::new(state));
        }
        self.publish();
    }

    /// A company was read whole: its snapshot replaces the one before.
    pub fn succeeded(&mut self, company: Company, mut snapshot: Snapshot) {
        let tallies = Tallies::of(&snapshot, self.check_interval);
        for kind in Kind::ALL {
            self.fleet.granted.grant(kind, tallies.kind(kind).by_status.keys());
        }
        let before = self.fleet.companies.get(&company.id);
        let mut changes = before.map(|state| Arc::clone(&state.changes)).unwrap_or_default();
        if let Some(held) = before.and_then(|state| state.held.as_ref()) {
            if held.snapshot.connections == snapshot.connections {
                snapshot.connections = Arc::clone(&held.snapshot.connections);
            } else {
                Arc::make_mut(&mut changes).count(&held.snapshot, &snapshot, &self.fleet.granted);
            }
        }
        begin_unknown(&mut changes, &tallies, &self.fleet.granted);
        let held = Some(Arc::new(Held { snapshot, tallies }));
        let id = Arc::clone(&company.id);
        let state =
            CompanyState { company, last_poll: Some(Ok(())), held, set_back: SignedDuration::ZERO, changes };
        self.fleet.companies.insert(id, Arc::new(state));
        self.publish();
    }

    /// A company could not be read: what is held of it stays.
    pub fn failed(&mut self, company: &CompanyId, failure: Failure) {
        if let Some(state) = self.fleet.companies.get_mut(company) {
            Arc::make_mut(state).last_poll = Some(Err(failure));
        }
        self.publish();
    }

    /// No company could be read, for one and the same cause.
    pub fn all_failed(&mut self, failure: Failure) {
        for state in self.fleet.companies.values_mut() {
            Arc::make_mut(state).last_poll = Some(Err(failure));
        }
        self.publish();
    }

    /// A poll ended. `good`: it read the company list and at least one company, or the list was empty.
    /// `at` and `monotonic` are one moment, by either clock.
    pub fn poll_ended(&mut self, outcome: PollOutcome, good: bool, at: Timestamp, monotonic: Duration) {
        self.settle_names();
        self.note_clock(at, monotonic);
        self.fleet.ready |= good;
        self.fleet.last_poll = Some(outcome);
        if outcome.is_ok() {
            self.fleet.last_whole_poll = Some(at);
        }
        self.publish();
    }

    /// The wall clock may have been set back since a snapshot was begun. Set forward, it makes data look older than it is, and
    /// that does no harm.
    fn note_clock(&mut self, now: Timestamp, monotonic: Duration) {
        for state in self.fleet.companies.values_mut() {
            let Some(held) = &state.held else { continue };
            let passed = monotonic.saturating_sub(held.snapshot.begun_monotonic);
            let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
            let lost = passed.saturating_sub(now.duration_since(held.snapshot.begun));
            // Clocks drift; nobody sets one back by less.
            let set_back = if lost > CLOCK_DRIFT { lost } else { SignedDuration::ZERO };
            if state.set_back != set_back {
                Arc::make_mut(state).set_back = set_back;
            }
        }
    }

    /// Undocumented statuses that no snapshot has any more give their names back; those that had none may get one.
    fn settle_names(&mut self) {
        let Fleet { companies, granted, .. } = &mut self.fleet;
        let held: Vec<Arc<Held>> = companies.values().filter_map(|state| state.held.clone()).collect();
        for kind in Kind::ALL {
            let present: BTreeSet<&Status> =
                held.iter().flat_map(|held| held.tallies.kind(kind).by_status.keys()).collect();
            granted.keep_only(kind, &present);
            granted.grant(kind, present);
        }
        for state in companies.values_mut() {
            let Some(held) = state.held.clone() else { continue };
            let mut changes = Arc::clone(&state.changes);
            forget_unknown(&mut changes, granted);
            begin_unknown(&mut changes, &held.tallies, granted);
            if !Arc::ptr_eq(&changes, &state.changes) {
                Arc::make_mut(state).changes = changes;
            }
        }
    }

    fn publish(&self) {
        self.cell.send_replace(Arc::new(self.fleet.clone()));
    }
}

/// Statuses that are not on the page are counted from 0 as soon as they are seen.
fn begin_unknown(changes: &mut Arc<Changes>, tallies: &Tallies, granted: &GrantedWords) {
    for kind in Kind::ALL {
        for status in tallies.kind(kind).by_status.keys() {
            let label = granted.label(kind, status);
            let is_known = matches!(status, Status::Documented(_)) || changes.kind(kind).contains_key(label);
            if !is_known {
                Arc::make_mut(changes).begin(kind, label);
            }
        }
    }
}

fn forget_unknown(changes: &mut Arc<Changes>, granted: &GrantedWords) {
    for kind in Kind::ALL {
        if changes.kind(kind).keys().any(|label| !granted.is_in_use(kind, label)) {
            Arc::make_mut(changes).keep_only(kind, |label| granted.is_in_use(kind, label));
        }
    }
}
