//! Answers rendered and packed ahead: what a benchmark is to measure is the client, and not how fast rows are written.
//!
//! Knows which answers are ready. Must not know how an answer is made, or when one goes stale.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

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

    pub(super) fn fill(&self, answers: HashMap<Question, Bytes>) {
        *self.answers() = answers;
    }

    /// The world has changed.
    pub(super) fn clear(&self) {
        self.answers().clear();
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<Question, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
