//! What each kept text was rendered from: as long as that is the same, so is the text.
//!
//! Large things are known by their place in memory, and not held. Must not know how they are rendered.

use jiff::Timestamp;

use super::kept::Same;
use super::objects::Objects;
use crate::fleet::changes::Changes;
use crate::fleet::tally::Tallies;
use crate::fleet::unknown::GrantedWords;
use crate::fleet::{CompanyState, PollOutcome};
use crate::model::{Company, Connection, RecordFaults};

/// What a block is rendered from where labels depend on which words were granted. Of these, it has those that occur in it: one
/// that is granted elsewhere changes nothing here.
#[derive(Debug, PartialEq)]
pub(super) struct Worded<S> {
    granted: GrantedWords,
    each: Vec<S>,
}

impl<S> Worded<S> {
    /// Of `each`, which was counted in `tallies`.
    pub(super) fn of<'a>(
        granted: &GrantedWords,
        tallies: impl Iterator<Item = &'a Tallies>,
        each: Vec<S>,
    ) -> Self {
        Self { granted: granted.among(tallies.flat_map(Tallies::statuses)), each }
    }
}

/// What is shown of a company whatever is held of it.
#[derive(Debug, PartialEq)]
pub(super) struct Listed {
    company: Company,
    last_poll: Option<PollOutcome>,
    begun: Option<Timestamp>,
}

/// What the counts of a company are shown from.
#[derive(Debug, PartialEq)]
pub(super) struct Counted {
    company: Company,
    /// None while nothing may be shown.
    served: Option<(Same<Tallies>, RecordFaults)>,
    changes: Option<Same<Changes>>,
}

/// What the objects of a company are shown from.
#[derive(Debug, PartialEq)]
pub(super) struct ObjectsSource(Same<Vec<Connection>>, Company);

impl ObjectsSource {
    pub(super) fn of(one: &Objects<'_>) -> Self {
        Self(Same::as_this(&one.snapshot.connections), one.company.clone())
    }
}

impl Listed {
    pub(super) fn of(state: &CompanyState) -> Self {
        let begun = state.held.as_ref().map(|held| held.snapshot.begun);
        Self { company: state.company.clone(), last_poll: state.last_poll, begun }
    }
}

impl Counted {
    pub(super) fn of(state: &CompanyState, is_served: bool) -> Self {
        let held = state.held.as_deref();
        let served = held.filter(|_| is_served);
        Self {
            company: state.company.clone(),
            served: served.map(|held| (Same::as_this(&held.tallies), held.snapshot.faults.clone())),
            // Shown from the first snapshot on.
            changes: held.map(|_| Same::as_this(&state.changes)),
        }
    }
}
