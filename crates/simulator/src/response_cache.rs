//! Responses that were rendered and compressed in advance, so that a benchmark measures the client and not the simulator.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use uuid::Uuid;

use super::query::{Asked, ListQuery};

/// Compressed bodies, by what is asked for. Empty unless [`add`](Self::add) was called.
#[derive(Debug, Default)]
pub struct ResponseCache(Mutex<HashMap<Question, Bytes>>);

/// What is asked for, however the request spells it.
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
    /// The compressed body, if it was prepared.
    pub fn get(&self, asked: &Asked) -> Option<Bytes> {
        let responses = self.responses();
        // Parsing the question costs time, which a simulator that prepares nothing need not spend.
        if responses.is_empty() {
            return None;
        }
        responses.get(&Question::of(asked)?).cloned()
    }

    /// Whether this response was prepared.
    pub fn has(&self, question: &Question) -> bool {
        self.responses().contains_key(question)
    }

    /// Adds prepared responses.
    pub fn add(&self, responses: HashMap<Question, Bytes>) {
        self.responses().extend(responses);
    }

    /// Drops everything: the fleet has changed.
    pub fn clear(&self) {
        self.responses().clear();
    }

    /// Drops the responses about these companies: their connections have changed, and nothing else.
    pub fn forget(&self, companies: &BTreeSet<Uuid>) {
        let is_of = |question: &Question| matches!(question, Question::Page(query) if companies.contains(&query.company));
        self.responses().retain(|question, _| !is_of(question));
    }

    fn responses(&self) -> MutexGuard<'_, HashMap<Question, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
