//! Which undocumented statuses may be shown under their own name: few, so that a fault at Nectar cannot flood a
//! Prometheus.
//!
//! Source of the rule: the section "Label values" of the README. Must not know what is shown.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::status::{Kind, Status};

/// So many per kind, in the whole program.
pub const MAX_WORDS: usize = 32;

/// The label of those beyond.
pub const OVERFLOW: &str = "OVERFLOW";

/// The undocumented statuses that have a name of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantedWords {
    connections: BTreeSet<Arc<str>>,
    accounts: BTreeSet<Arc<str>>,
}

impl GrantedWords {
    /// The value of the `status` label.
    pub fn label<'a>(&self, kind: Kind, status: &'a Status) -> &'a str {
        match status {
            Status::Undocumented(word) if !self.of(kind).contains(word) => OVERFLOW,
            _ => status.word(),
        }
    }

    /// Grants names to those of `statuses` that are undocumented, in their order, while there is room.
    pub fn grant<'a>(&mut self, kind: Kind, statuses: impl IntoIterator<Item = &'a Status>) {
        let words = self.of_mut(kind);
        for status in statuses {
            if let Status::Undocumented(word) = status
                && words.len() < MAX_WORDS
            {
                words.insert(Arc::clone(word));
            }
        }
    }

    /// Takes back the names that are not among `present`.
    pub fn keep_only(&mut self, kind: Kind, present: &BTreeSet<&Status>) {
        self.of_mut(kind).retain(|word| present.contains(&Status::Undocumented(Arc::clone(word))));
    }

    fn of(&self, kind: Kind) -> &BTreeSet<Arc<str>> {
        match kind {
            Kind::Connection => &self.connections,
            Kind::Account => &self.accounts,
        }
    }

    fn of_mut(&mut self, kind: Kind) -> &mut BTreeSet<Arc<str>> {
        match kind {
            Kind::Connection => &mut self.connections,
            Kind::Account => &mut self.accounts,
        }
    }
}
