//! Reads one company at a time, and writes what came to the fleet: for polls, and for webhook events.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::failure_log::FailureLog;
use super::reading_requests::{Reading, ReadingRequests};
use crate::failure::{Failure, ReadError};
use crate::fleet::FleetWriter;
use crate::model::Company;
use crate::nectar::Client;
use crate::nectar::pagination::fetch_all_pages;

/// What polls and events share.
pub(super) struct CompanyReader {
    pub(super) fleet: FleetWriter,
    pub(super) requests: ReadingRequests,
    failures: Mutex<FailureLog>,
}

/// How many there were in one company, or in several.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    pub(super) connections: usize,
    pub(super) accounts: usize,
}

impl CompanyReader {
    pub(super) fn new(fleet: FleetWriter, requests: ReadingRequests) -> Self {
        Self { fleet, requests, failures: Mutex::default() }
    }

    /// Reads a company whole.
    ///
    /// # Errors
    /// Why that failed. It is in the log and in the fleet.
    pub(super) async fn read(
        &self,
        client: &Client,
        company: &Company,
        reading: Reading,
    ) -> Result<Counts, Failure> {
        let began = client.clock().monotonic();
        match fetch_all_pages(client, &company.id).await {
            Ok(snapshot) => {
                self.failures().company(company, None);
                let (connections, accounts) = (snapshot.connections.len(), snapshot.accounts());
                self.fleet.record_success(&company.id, snapshot);
                reading.succeeded();
                Ok(Counts { connections, accounts })
            }
            Err(error) => {
                self.record_failure(company, &error, began);
                Err(error.failure)
            }
        }
    }

    /// Notes in the log and in the fleet that a reading which began at this moment, by the monotonic clock, failed.
    pub(super) fn record_failure(&self, company: &Company, error: &ReadError, began: Duration) {
        self.failures().company(company, Some(error));
        self.fleet.record_failure(&company.id, error.failure, began);
    }

    /// What is logged about failures.
    pub(super) fn failures(&self) -> MutexGuard<'_, FailureLog> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
