//! Answers rendered and packed ahead: what a benchmark is to measure is the client, and not how fast rows are written.
//!
//! Knows which answers are ready.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use uuid::Uuid;

use super::query::{Asked, ListQuery};

/// Packed bodies, by what is asked for. Empty unless somebody fills it.
#[derive(Debug, Default)]
pub(super) struct Prepared(Mutex<HashMap<Question, Bytes>>);

/// What is asked for, however it was spelled.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Question {
    CompanyList,
    Page(ListQuery),
}

impl Question {
    /// None for what is never prepared.
    fn of(asked: &Asked) -> Option<Self> {
        match asked {
            Asked::CompanyList => Some(Self::CompanyList),
            Asked::Connections { id, query } => ListQuery::read(id, query).ok().map(Self::Page),
            Asked::Ping | Asked::Unknown => None,
        }
    }
}

impl Prepared {
    /// The packed body, if it is ready.
    pub(super) fn get(&self, asked: &Asked) -> Option<Bytes> {
        let answers = self.answers();
        // A simulator that prepares nothing pays nothing.
        if answers.is_empty() {
            return None;
        }
        answers.get(&Question::of(asked)?).cloned()
    }

    /// Whether this one is ready.
    pub(super) fn has(&self, question: &Question) -> bool {
        self.answers().contains_key(question)
    }

    /// These are ready, too.
    pub(super) fn add(&self, answers: HashMap<Question, Bytes>) {
        self.answers().extend(answers);
    }

    /// The world has changed.
    pub(super) fn clear(&self) {
        self.answers().clear();
    }

    /// The connections of these companies have changed, and nothing else.
    pub(super) fn forget(&self, companies: &BTreeSet<Uuid>) {
        let is_of = |question: &Question| matches!(question, Question::Page(query) if companies.contains(&query.company));
        self.answers().retain(|question, _| !is_of(question));
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<Question, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
