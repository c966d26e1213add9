//! What each kept text was rendered from: as long as that is the same, so is the text.
//!
//! Large things are known by their place in memory, and not held. Must not know how they are rendered.

use std::sync::Arc;

use jiff::Timestamp;

use super::objects::Objects;
use super::same::Same;
use crate::fleet::changes::Changes;
use crate::fleet::tally::Tallies;
use crate::fleet::unknown::GrantedWords;
use crate::fleet::{CompanyState, PollOutcome};
use crate::model::{Company, Connection, RecordFaults};

/// Some companies, each as last seen, and whether its snapshot may be shown; and which words were granted.
pub(super) struct Block<'a> {
    pub(super) states: &'a [(&'a Arc<CompanyState>, bool)],
    pub(super) granted: &'a Arc<GrantedWords>,
}

/// A block, known by the places of what it has.
#[derive(Debug)]
pub(super) struct Seen {
    states: Vec<(Same<CompanyState>, bool)>,
    granted: Arc<GrantedWords>,
}

impl Seen {
    /// This very `block`.
    pub(super) fn of(block: &Block<'_>) -> Self {
        let states = block.states.iter().map(|(state, is_served)| (Same::as_this(state), *is_served));
        Self { states: states.collect(), granted: Arc::clone(block.granted) }
    }

    /// Whether it was `block`, and that is as it was.
    pub(super) fn is(&self, block: &Block<'_>) -> bool {
        let are_same = |((seen, was_served), (state, is_served)): (&(Same<_>, bool), &(&Arc<_>, bool))| {
            seen.is(state) && was_served == is_served
        };
        Arc::ptr_eq(&self.granted, block.granted)
            && self.states.len() == block.states.len()
            && self.states.iter().zip(block.states).all(are_same)
    }
}

/// What a block is rendered from where labels depend on which words were granted. Of these, it has those that occur in it: one
/// that is granted elsewhere changes nothing here.
#[derive(Debug, PartialEq)]
pub(super) struct Worded<S> {
    granted: GrantedWords,
    each: Vec<S>,
}

impl<S> Worded<S> {
    /// What `each` company of `block` is rendered from.
    pub(super) fn of(block: &Block<'_>, each: impl Iterator<Item = S>) -> Self {
        let held = block.states.iter().filter_map(|(state, _)| state.held.as_deref());
        let statuses = held.flat_map(|held| held.tallies.statuses());
        Self { granted: block.granted.among(statuses), each: each.collect() }
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
