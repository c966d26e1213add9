//! Responses rendered and compressed ahead, so that a benchmark measures the client and not how fast rows are written.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use uuid::Uuid;

use super::query::{Asked, ListQuery};

/// Packed bodies, by what is asked for. Empty unless somebody fills it.
#[derive(Debug, Default)]
pub struct ResponseCache(Mutex<HashMap<Question, Bytes>>);

/// What is asked for, however it was spelled.
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum Question {
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

impl ResponseCache {
    /// The packed body, if it is ready.
    pub fn get(&self, asked: &Asked) -> Option<Bytes> {
        let answers = self.answers();
        // A simulator that prepares nothing pays nothing.
        if answers.is_empty() {
            return None;
        }
        answers.get(&Question::of(asked)?).cloned()
    }

    /// Whether this one is ready.
    pub fn has(&self, question: &Question) -> bool {
        self.answers().contains_key(question)
    }

    /// These are ready, too.
    pub fn add(&self, answers: HashMap<Question, Bytes>) {
        self.answers().extend(answers);
    }

    /// The fleet has changed.
    pub fn clear(&self) {
        self.answers().clear();
    }

    /// The connections of these companies have changed, and nothing else.
    pub fn forget(&self, companies: &BTreeSet<Uuid>) {
        let is_of = |question: &Question| matches!(question, Question::Page(query) if companies.contains(&query.company));
        self.answers().retain(|question, _| !is_of(question));
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<Question, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
