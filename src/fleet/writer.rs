//! The one who writes the fleet: what an outcome of polling does to it.
//!
//! Knows what is kept, replaced and forgotten. Must not know requests, time or readers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::changes::Changes;
use super::tally::Tallies;
use super::{CompanyState, Fleet, FleetReader, Held, PollOutcome};
use crate::failure::Failure;
use crate::model::{Company, CompanyId, Snapshot};
use crate::status::{Kind, Status};

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

    /// The fleet as written so far.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// The company list was read. Companies that are gone go at once; names are taken over at once; a company
    /// that is new shows up with its first outcome.
    pub fn listed(&mut self, companies: &BTreeMap<CompanyId, Company>) {
        self.fleet.companies.retain(|id, _| companies.contains_key(id));
        for (id, state) in &mut self.fleet.companies {
            if let Some(company) = companies.get(id)
                && state.company != *company
            {
                Arc::make_mut(state).company = company.clone();
            }
        }
        self.publish();
    }

    /// A company was read whole: its snapshot replaces the one before.
    pub fn succeeded(&mut self, company: Company, snapshot: Snapshot) {
        let before = self.fleet.companies.get(&company.id);
        let mut changes = before.map(|state| Arc::clone(&state.changes)).unwrap_or_default();
        if let Some(held) = before.and_then(|state| state.held.as_ref()) {
            Arc::make_mut(&mut changes).count(&held.snapshot, &snapshot);
        }
        let tallies = Tallies::of(&snapshot, self.check_interval);
        for kind in Kind::ALL {
            let statuses = tallies.kind(kind).by_status.keys();
            self.fleet.granted.grant(kind, statuses.clone());
            begin_unknown(&mut changes, kind, statuses);
        }
        let held = Some(Arc::new(Held { snapshot, tallies }));
        let id = Arc::clone(&company.id);
        let state = CompanyState { company, last_poll: Ok(()), held, changes };
        self.fleet.companies.insert(id, Arc::new(state));
        self.publish();
    }

    /// A company could not be read: what is held of it stays.
    pub fn failed(&mut self, company: &Company, failure: Failure) {
        self.mark_failed(company, failure);
        self.publish();
    }

    /// A company that was asked for is not in the list: whatever is held of it goes.
    pub fn not_listed(&mut self, company: &Company) {
        self.fleet.companies.remove(&company.id);
        self.failed(company, Failure::NotListed);
    }

    /// No company could be read, for one and the same cause.
    pub fn all_failed(&mut self, failure: Failure) {
        let companies: Vec<Company> =
            self.fleet.companies.values().map(|state| state.company.clone()).collect();
        for company in companies.iter() {
            self.mark_failed(company, failure);
        }
        self.publish();
    }

    /// A poll ended. `good`: it read the company list and at least one company, or the list was empty.
    pub fn poll_ended(&mut self, outcome: PollOutcome, good: bool, at: Timestamp) {
        self.forget_unknown_statuses();
        self.fleet.ready |= good;
        self.fleet.last_poll = Some(outcome);
        if outcome.is_ok() {
            self.fleet.last_whole_poll = Some(at);
        }
        self.publish();
    }

    fn mark_failed(&mut self, company: &Company, failure: Failure) {
        let id = Arc::clone(&company.id);
        let state = self.fleet.companies.entry(id).or_insert_with(|| {
            let company = company.clone();
            Arc::new(CompanyState { company, last_poll: Ok(()), held: None, changes: Arc::default() })
        });
        Arc::make_mut(state).last_poll = Err(failure);
    }

    /// Undocumented statuses that no snapshot has any more give their names back; those that had none may get one.
    fn forget_unknown_statuses(&mut self) {
        for kind in Kind::ALL {
            let held: Vec<_> = self.fleet.companies.values().filter_map(|state| state.held.clone()).collect();
            let present: BTreeSet<&Status> =
                held.iter().flat_map(|held| held.tallies.kind(kind).by_status.keys()).collect();
            self.fleet.granted.keep_only(kind, &present);
            self.fleet.granted.grant(kind, present.iter().copied());
            for state in self.fleet.companies.values_mut() {
                let stale =
                    |status: &Status| matches!(status, Status::Undocumented(_)) && !present.contains(status);
                if state.changes.kind(kind).keys().any(stale) {
                    let state = Arc::make_mut(state);
                    Arc::make_mut(&mut state.changes).keep_only(kind, &present);
                }
            }
        }
    }

    fn publish(&self) {
        self.cell.send_replace(Arc::new(self.fleet.clone()));
    }
}

fn begin_unknown<'a>(changes: &mut Arc<Changes>, kind: Kind, statuses: impl Iterator<Item = &'a Status>) {
    let new: Vec<Status> = statuses
        .filter(|status| !matches!(status, Status::Documented(_)))
        .filter(|status| !changes.kind(kind).contains_key(status))
        .cloned()
        .collect();
    if !new.is_empty() {
        Arc::make_mut(changes).begin(kind, new);
    }
}
