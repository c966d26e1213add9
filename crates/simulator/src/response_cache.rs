//! Responses that were rendered and compressed in advance, so that a benchmark measures the client and not the simulator.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use uuid::Uuid;

use super::query::{ApiRequest, ListQuery};

/// Compressed bodies, by what is asked for. Empty unless [`add`](Self::add) was called.
#[derive(Debug, Default)]
pub struct ResponseCache(Mutex<HashMap<ResponseKey, Bytes>>);

/// What is asked for, however the request spells it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum ResponseKey {
    CompanyList,
    Page(ListQuery),
}

impl ResponseKey {
    /// None for what is never prepared.
    fn of(api_request: &ApiRequest) -> Option<Self> {
        match api_request {
            ApiRequest::CompanyList => Some(Self::CompanyList),
            ApiRequest::Connections { id, query } => ListQuery::read(id, query).ok().map(Self::Page),
            ApiRequest::Ping | ApiRequest::Unknown => None,
        }
    }
}

impl ResponseCache {
    /// The compressed body, if it was prepared.
    pub fn get(&self, api_request: &ApiRequest) -> Option<Bytes> {
        let responses = self.responses();
        // Parsing the key costs time, which a simulator that prepares nothing need not spend.
        if responses.is_empty() {
            return None;
        }
        responses.get(&ResponseKey::of(api_request)?).cloned()
    }

    /// Whether this response was prepared.
    pub fn has(&self, key: &ResponseKey) -> bool {
        self.responses().contains_key(key)
    }

    /// Adds prepared responses.
    pub fn add(&self, responses: HashMap<ResponseKey, Bytes>) {
        self.responses().extend(responses);
    }

    /// Drops everything: the fleet has changed.
    pub fn clear(&self) {
        self.responses().clear();
    }

    /// Drops the responses about these companies: their connections have changed, and nothing else.
    pub fn forget(&self, companies: &BTreeSet<Uuid>) {
        let is_of =
            |key: &ResponseKey| matches!(key, ResponseKey::Page(query) if companies.contains(&query.company));
        self.responses().retain(|key, _| !is_of(key));
    }

    fn responses(&self) -> MutexGuard<'_, HashMap<ResponseKey, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
