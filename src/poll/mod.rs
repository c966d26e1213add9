//! The poll loop: when Nectar is polled, and what a failure means. At the end of a poll it has the exposition publish the fleet; during
//! a poll, a task that `app.rs` starts does, at most once a second.

mod company_selection;
mod failure_log;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tracing::info;

pub(crate) use company_selection::CompanySelection;
use failure_log::FailureLog;

use crate::clock::SharedClock;
use crate::failure::{Failure, ReadError, Reason};
use crate::fleet::{FleetWriter, PollOutcome};
use crate::metrics::Exposition;
use crate::model::{Company, CompanyId, Snapshot};
use crate::nectar::Client;
use crate::nectar::decode::CompanyList;
use crate::nectar::pagination::fetch_all_pages;
use crate::observe::ObservePolls;

/// Companies in progress at once, per request that may be in progress at once: enough that one that hangs does not hold up the others,
/// few enough that companies are finished one after the other when time is short.
const COMPANIES_PER_REQUEST: usize = 4;

/// When to poll, and what.
#[derive(Debug, Clone)]
pub struct Settings {
    /// From the start of one poll to the start of the next.
    pub interval: Duration,
    /// A poll that takes longer ends here.
    pub timeout: Duration,
    /// Only these company ids; all if empty.
    pub only: Vec<String>,
    /// Not these company ids.
    pub except: Vec<String>,
}

impl Settings {
    /// Which companies are read, in words.
    pub fn selection(&self) -> String {
        match (self.only.len(), self.except.len()) {
            (0, 0) => "all".to_owned(),
            (0, except) => format!("all but {except}"),
            (only, _) => format!("{only} by id"),
        }
    }
}

/// Polls Nectar and writes the fleet.
pub struct Poller {
    client: Client,
    fleet: FleetWriter,
    exposition: Exposition,
    clock: SharedClock,
    settings: Settings,
    observer: Arc<dyn ObservePolls>,
    /// The number of the poll in which each company was last begun. The one that has waited longest goes first, so that all are reached
    /// even if every poll runs out of time.
    last_poll_of: BTreeMap<CompanyId, u64>,
    /// Ids as they were first written, by their lower-case form: a company stays the same one in another letter case.
    id_cases: BTreeMap<String, CompanyId>,
    polls: u64,
    failures: FailureLog,
}

/// The results of one poll.
#[derive(Debug, Default)]
struct PollStats {
    companies: usize,
    read: usize,
    connections: usize,
    accounts: usize,
    failures: usize,
    first_cause: Option<Failure>,
    nothing_to_read: bool,
    has_list: bool,
}

impl PollStats {
    fn read(&mut self, snapshot: &Snapshot) {
        self.read += 1;
        self.connections += snapshot.connections.len();
        self.accounts += snapshot.accounts();
    }

    fn failed(&mut self, failure: Failure) {
        self.failures += 1;
        self.first_cause.get_or_insert(failure);
    }

    fn outcome(&self) -> PollOutcome {
        self.first_cause.map_or(Ok(()), Err)
    }

    fn is_good(&self) -> bool {
        self.read > 0 || self.nothing_to_read
    }
}

impl Poller {
    /// A poller that was not started yet.
    pub fn new(
        client: Client,
        fleet: FleetWriter,
        exposition: Exposition,
        clock: SharedClock,
        settings: Settings,
        observer: Arc<dyn ObservePolls>,
    ) -> Self {
        Self {
            client,
            fleet,
            exposition,
            clock,
            settings,
            observer,
            last_poll_of: BTreeMap::new(),
            id_cases: BTreeMap::new(),
            polls: 0,
            failures: FailureLog::default(),
        }
    }

    /// Polls at once, and then at every interval, one poll at a time, until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let next = self.clock.sleep(self.settings.interval);
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.poll() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = next => {}
            }
        }
    }

    async fn poll(&mut self) {
        let poll_began = self.clock.monotonic();
        let mut deadline = self.clock.sleep(self.settings.timeout);
        self.polls += 1;
        let list = tokio::select! {
            biased;
            list = read_list(&self.client, poll_began.saturating_add(self.settings.timeout)) => list,
            () = &mut deadline => Err(Failure::Deadline.into()),
        };
        self.failures.list(&list, self.client.key_hint());
        let mut stats = PollStats::default();
        match list {
            Ok(list) => {
                let waiting = self.apply_list(list, poll_began, &mut stats);
                self.read(waiting, &mut deadline, poll_began, &mut stats).await;
            }
            Err(ReadError { failure, .. }) => {
                stats.failed(failure);
                self.fleet.record_failure_of_all(failure, poll_began);
            }
        }
        let outcome = stats.outcome();
        let ended = self.clock.monotonic();
        let took = ended.saturating_sub(poll_began);
        // First the fleet, then the counters: a scrape that shows a poll as counted shows its fleet.
        self.fleet.record_poll_end(outcome, stats.is_good(), self.clock.now(), ended);
        self.exposition.publish().await;
        self.observer.poll_ended(took, outcome);
        // What is not known is left out, and not logged as 0.
        info!(
            msg = "Poll finished",
            companies = stats.has_list.then_some(stats.companies),
            connections = stats.is_good().then_some(stats.connections),
            accounts = stats.is_good().then_some(stats.accounts),
            seconds = rounded(took),
            failures = stats.failures,
        );
    }

    /// Applies the list, and returns the companies to read.
    fn apply_list(
        &mut self,
        mut list: CompanyList,
        poll_began: Duration,
        stats: &mut PollStats,
    ) -> BTreeMap<CompanyId, Company> {
        self.keep_id_case(&mut list);
        stats.has_list = true;
        let list_is_empty = list.companies.is_empty();
        if list.dropped > 0 {
            // A company without a readable id cannot be read, so this poll is not whole.
            stats.failed(Failure::Request(Reason::Decode));
        }
        let filter = CompanySelection::from(list.companies, &self.settings.only, &self.settings.except);
        stats.companies = filter.len();
        stats.nothing_to_read = list_is_empty || stats.companies == 0;
        self.failures.keep_only(|id| filter.contains(id));
        let CompanySelection { listed, absent, unmatched_exclusions } = filter;
        self.failures.unmatched_exclusions(&unmatched_exclusions);
        self.last_poll_of.retain(|id, _| listed.contains_key(id));
        self.fleet.apply_list(&listed, &absent, poll_began);
        for company in absent {
            stats.failed(Failure::NotListed);
            self.failures.company(&company, Some(&Failure::NotListed.into()));
        }
        listed
    }

    fn keep_id_case(&mut self, list: &mut CompanyList) {
        let before = std::mem::take(&mut self.id_cases);
        for company in &mut list.companies {
            let folded = company.id.to_ascii_lowercase();
            if let Some(id) = before.get(&folded) {
                company.id = Arc::clone(id);
            }
            self.id_cases.insert(folded, Arc::clone(&company.id));
        }
    }

    /// Reads the companies in `waiting` and writes each to the fleet as soon as it is read, until all are done or the deadline comes.
    /// Scrapes show them within a second.
    async fn read(
        &mut self,
        mut waiting: BTreeMap<CompanyId, Company>,
        deadline: &mut BoxFuture<'static, ()>,
        poll_began: Duration,
        stats: &mut PollStats,
    ) {
        let mut order: Vec<Company> = waiting.values().cloned().collect();
        order.sort_by_key(|company| self.last_poll_of.get(&company.id).copied());
        let Self { client, fleet, failures, last_poll_of, polls, .. } = self;
        let at_once = client.max_concurrent_requests() * COMPANIES_PER_REQUEST;
        let mut fetches = stream::iter(order)
            .map(|company| {
                last_poll_of.insert(Arc::clone(&company.id), *polls);
                read_company(client, company).boxed()
            })
            .buffer_unordered(at_once);
        loop {
            let ended = tokio::select! {
                biased;
                ended = fetches.next() => ended,
                () = &mut *deadline => break,
            };
            let Some((company, reading_began, outcome)) = ended else { break };
            waiting.remove(&company.id);
            failures.company(&company, outcome.as_ref().err());
            match outcome {
                Ok(snapshot) => {
                    stats.read(&snapshot);
                    fleet.record_success(&company.id, snapshot);
                }
                Err(ReadError { failure, .. }) => {
                    stats.failed(failure);
                    fleet.record_failure(&company.id, failure, reading_began);
                }
            }
        }
        for company in waiting.values() {
            stats.failed(Failure::Deadline);
            failures.company(company, Some(&Failure::Deadline.into()));
            fleet.record_failure(&company.id, Failure::Deadline, poll_began);
        }
    }
}

impl std::fmt::Debug for Poller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poller").field("settings", &self.settings).finish_non_exhaustive()
    }
}

async fn read_list(client: &Client, deadline: Duration) -> Result<CompanyList, ReadError> {
    client.begin_poll(deadline).await;
    client.company_list().await
}

async fn read_company(client: &Client, company: Company) -> (Company, Duration, Result<Snapshot, ReadError>) {
    let reading_began = client.clock().monotonic();
    let outcome = fetch_all_pages(client, &company.id).await;
    (company, reading_began, outcome)
}

/// In seconds, to the millisecond: more is noise in a log.
fn rounded(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e3).round() / 1e3
}
