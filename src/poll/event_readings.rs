//! The task that reads companies between polls, because webhook events say that something changed there.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::COMPANIES_PER_REQUEST;
use super::company_reader::CompanyReader;
use super::reading_requests::Reading;
use crate::failure::Failure;
use crate::nectar::Client;

/// Reads what events ask for. The limits on requests are those of the polls, and shared with them.
pub struct EventReadings {
    pub(super) client: Client,
    pub(super) reader: Arc<CompanyReader>,
    /// A reading that takes longer is given up.
    pub(super) timeout: Duration,
}

impl EventReadings {
    /// Reads, each company as soon as it is due, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let at_most = self.client.max_concurrent_requests() * COMPANIES_PER_REQUEST;
        let mut under_way = FuturesUnordered::new();
        loop {
            for reading in self.reader.requests.begin_due(at_most.saturating_sub(under_way.len())) {
                under_way.push(self.read(reading));
            }
            tokio::select! {
                () = stop.cancelled() => return,
                Some(()) = under_way.next() => {}
                () = self.reader.requests.changed(), if under_way.len() < at_most => {}
            }
        }
    }

    async fn read(&self, reading: Reading) {
        let fleet = self.reader.fleet.reader().current();
        // It may have left the list since.
        let Some(company) = fleet.companies.get(&reading.company).map(|state| state.company.clone()) else {
            return;
        };
        drop(fleet);
        debug!(msg = "A company is read because of an event", company_id = %company.id);
        let clock = self.client.clock();
        let began = clock.monotonic();
        let client = self.client.until(began.saturating_add(self.timeout));
        tokio::select! {
            biased;
            outcome = self.reader.read(&client, &company, reading) => {
                if outcome.is_err_and(|failure| failure == Failure::KEY_REFUSED) {
                    self.reader.requests.hold(true);
                }
            }
            () = clock.sleep(self.timeout) => {
                self.reader.record_failure(&company, &Failure::Deadline.into(), began);
            }
        }
    }
}

impl std::fmt::Debug for EventReadings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventReadings").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
