//! The poll loop: when Nectar is polled, and what a failure means. At the end of a poll it has the exposition publish the fleet; during
//! a poll, a task that `app.rs` starts does, at most once a second. Between polls, `event_readings` reads the companies of which webhook
//! events say that something changed.

mod asked;
mod company_reader;
mod company_selection;
mod event_readings;
mod failure_log;
mod reading_requests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::info;

use company_reader::{CompanyReader, Counts};
pub(crate) use company_selection::CompanySelection;
pub use company_selection::Selection;
pub use event_readings::EventReadings;
pub use reading_requests::{Changed, ReadingRequests};

use crate::clock::SharedClock;
use crate::failure::{Failure, ReadError, Reason};
use crate::fleet::{EndedPoll, Fleet, FleetWriter, Moment, PollOutcome};
use crate::metrics::Exposition;
use crate::model::{Company, CompanyId};
use crate::nectar::Client;
use crate::nectar::decode::CompanyList;
use crate::observe::{ObserveEvents, ObservePolls};

/// Companies in progress at once, per request that may be in progress at once: enough that one that hangs does not hold up the others,
/// few enough that companies are finished one after the other when time is short.
const COMPANIES_PER_REQUEST: usize = 4;

/// How much longer than its interval and its timeout together a poll may take before systemd is no longer told that polling goes on.
const GRACE: Duration = Duration::from_secs(60);

/// When to poll, and what.
#[derive(Debug, Clone)]
pub struct Settings {
    /// From the start of one poll to the start of the next.
    pub interval: Duration,
    /// A poll that takes longer ends here.
    pub timeout: Duration,
    /// Which companies are read.
    pub selection: Selection,
}

/// Polls Nectar and writes the fleet.
pub struct Poller {
    client: Client,
    reader: Arc<CompanyReader>,
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
    ended: watch::Sender<Option<EndedPoll>>,
}

/// The results of one poll.
#[derive(Debug, Default)]
struct PollStats {
    companies: usize,
    read: usize,
    counts: Counts,
    failures: usize,
    first_cause: Option<Failure>,
    nothing_to_read: bool,
    has_list: bool,
}

impl PollStats {
    fn read(&mut self, Counts { connections, accounts }: Counts) {
        self.read += 1;
        self.counts.connections += connections;
        self.counts.accounts += accounts;
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
    /// A poller that was not started yet. `events` is told how long each webhook event waited for its reading.
    pub fn new(
        client: Client,
        fleet: FleetWriter,
        exposition: Exposition,
        clock: SharedClock,
        settings: Settings,
        observer: Arc<dyn ObservePolls>,
        events: Arc<dyn ObserveEvents>,
    ) -> Self {
        let requests = ReadingRequests::new(fleet.reader(), Arc::clone(&clock), &settings, events);
        let reader = Arc::new(CompanyReader::new(fleet, requests));
        let (last_poll_of, id_cases, polls, ended) = Default::default();
        Self { client, reader, exposition, clock, settings, observer, last_poll_of, id_cases, polls, ended }
    }

    /// Where webhook events ask for readings. This poller does the polls; the readings of single companies are for
    /// [`event_readings`](Self::event_readings).
    pub fn requests(&self) -> ReadingRequests {
        self.reader.requests.clone()
    }

    /// The last poll that has ended and is published.
    pub fn ended(&self) -> watch::Receiver<Option<EndedPoll>> {
        self.ended.subscribe()
    }

    /// What tells whether this poller goes on.
    pub fn watched(&self) -> Watched {
        let Settings { interval, timeout, .. } = self.settings;
        Watched { polls: self.ended(), clock: Arc::clone(&self.clock), interval, timeout }
    }

    /// The task that reads single companies, beside this one.
    pub fn event_readings(&self) -> EventReadings {
        let (client, reader) = (self.client.clone(), Arc::clone(&self.reader));
        EventReadings { client, reader, timeout: self.settings.timeout }
    }

    /// Polls at once, and then at every interval or when an event asks for it, one poll at a time, until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        self.id_cases = restored_ids(&self.reader.fleet.reader().current());
        loop {
            let next = self.clock.sleep(self.settings.interval);
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.poll() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = next => {}
                () = self.reader.requests.poll() => {}
            }
        }
    }

    async fn poll(&mut self) {
        let poll_began = self.clock.monotonic();
        let mut deadline = self.clock.sleep(self.settings.timeout);
        self.polls += 1;
        let unanswered = self.reader.requests.poll_began();
        let client = self.client.until(poll_began.saturating_add(self.settings.timeout));
        let list = tokio::select! {
            biased;
            list = read_list(&client) => list,
            () = &mut deadline => Err(Failure::Deadline.into()),
        };
        self.reader.failures().list(&list, client.key_hint());
        let mut stats = PollStats::default();
        match list {
            Ok(list) => {
                let waiting = self.apply_list(list, poll_began, &mut stats);
                self.read(&client, waiting, &mut deadline, poll_began, &mut stats).await;
                // Not before its companies were read: what waited is answered.
                self.reader.requests.hold(false);
            }
            Err(ReadError { failure, .. }) => {
                stats.failed(failure);
                self.reader.fleet.record_failure_of_all(failure, poll_began);
                self.reader.requests.poll_failed(unanswered);
                if failure == Failure::KEY_REFUSED {
                    self.reader.requests.hold(true);
                }
            }
        }
        let outcome = stats.outcome();
        let ended = Moment::of(self.clock.as_ref());
        let took = ended.monotonic.saturating_sub(poll_began);
        // First the fleet, then the counters: a scrape that shows a poll as counted shows its fleet.
        self.reader.fleet.record_poll_end(outcome, stats.is_good(), ended);
        self.exposition.publish().await;
        self.observer.poll_ended(took, outcome);
        self.ended.send_replace(Some(EndedPoll { at: ended, companies: stats.read, outcome }));
        // What is not known is left out, and not logged as 0.
        info!(
            msg = "Poll finished",
            companies = stats.has_list.then_some(stats.companies),
            connections = stats.is_good().then_some(stats.counts.connections),
            accounts = stats.is_good().then_some(stats.counts.accounts),
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
        if list.dropped > 0 {
            // A company without a readable id cannot be read, so this poll is not whole. It may be any of those that are missing.
            stats.failed(Failure::Request(Reason::Decode));
            let missing = self.missing(&list);
            list.companies.extend(missing);
        }
        self.keep_id_case(&mut list);
        stats.has_list = true;
        let list_is_empty = list.companies.is_empty();
        let filter = CompanySelection::from(list.companies, &self.settings.selection);
        stats.companies = filter.len();
        stats.nothing_to_read = list_is_empty || stats.companies == 0;
        self.reader.failures().keep_only(|id| filter.contains(id));
        let CompanySelection { listed, absent, unmatched_exclusions } = filter;
        // Not those that were asked for by id and are not listed: to read them would fail again and again.
        self.reader.requests.keep_only(|id| listed.contains_key(id));
        self.reader.failures().unmatched_exclusions(&unmatched_exclusions);
        self.last_poll_of.retain(|id, _| listed.contains_key(id));
        self.reader.fleet.apply_list(&listed, &absent, poll_began);
        for company in absent {
            stats.failed(Failure::NotListed);
            self.reader.failures().company(&company, Some(&Failure::NotListed.into()));
        }
        listed
    }

    /// Companies that an earlier list had, and this one does not.
    fn missing(&self, list: &CompanyList) -> Vec<Company> {
        let folded = |company: &Company| company.id.to_ascii_lowercase();
        let listed: BTreeSet<String> = list.companies.iter().map(folded).collect();
        let fleet = self.reader.fleet.reader().current();
        let states = fleet.companies.values();
        let known = states.filter(|state| state.last_reading != Some(Err(Failure::NotListed)));
        let known = known.map(|state| state.company.clone());
        known.filter(|company| !listed.contains(&folded(company))).collect()
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
        client: &Client,
        mut waiting: BTreeMap<CompanyId, Company>,
        deadline: &mut BoxFuture<'static, ()>,
        poll_began: Duration,
        stats: &mut PollStats,
    ) {
        let mut order: Vec<Company> = waiting.values().cloned().collect();
        order.sort_by_key(|company| self.last_poll_of.get(&company.id).copied());
        let Self { reader, last_poll_of, polls, .. } = self;
        let at_once = client.max_concurrent_requests() * COMPANIES_PER_REQUEST;
        let mut fetches = stream::iter(order)
            .map(|company| {
                last_poll_of.insert(Arc::clone(&company.id), *polls);
                let reader = &reader;
                async move {
                    let reading = reader.requests.begin(&company.id);
                    let outcome = reader.read(client, &company, reading).await;
                    (company, outcome)
                }
                .boxed()
            })
            .buffer_unordered(at_once);
        loop {
            let ended = tokio::select! {
                biased;
                ended = fetches.next() => ended,
                () = &mut *deadline => break,
            };
            let Some((company, outcome)) = ended else { break };
            waiting.remove(&company.id);
            match outcome {
                Ok(counts) => stats.read(counts),
                Err(failure) => stats.failed(failure),
            }
        }
        drop(fetches);
        for company in waiting.values() {
            stats.failed(Failure::Deadline);
            reader.record_failure(company, &Failure::Deadline.into(), poll_began);
        }
    }
}

/// Shows how the polls of a [`Poller`] end, and whether they go on.
#[derive(Debug)]
pub struct Watched {
    /// The last poll.
    pub polls: watch::Receiver<Option<EndedPoll>>,
    /// The clock that the poll loop goes by.
    pub clock: SharedClock,
    /// From the start of one poll to the start of the next.
    pub interval: Duration,
    /// A poll that takes longer ends there.
    pub timeout: Duration,
}

impl Watched {
    /// Whether a poll has ended in the time that one may take. `began` is when the first one began.
    pub fn goes_on(&self, began: Duration) -> bool {
        let last = self.polls.borrow().map_or(began, |poll| poll.at.monotonic);
        let most = self.interval.saturating_add(self.timeout).saturating_add(GRACE);
        self.clock.monotonic().saturating_sub(last) <= most
    }
}

impl std::fmt::Debug for Poller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poller").field("settings", &self.settings).finish_non_exhaustive()
    }
}

async fn read_list(client: &Client) -> Result<CompanyList, ReadError> {
    client.begin_poll().await;
    client.company_list().await
}

/// The ids that an earlier run of the program has shown. Those that were only asked for stand as somebody wrote them.
fn restored_ids(fleet: &Fleet) -> BTreeMap<String, CompanyId> {
    let states = fleet.companies.values();
    let listed = states.filter(|state| state.last_reading != Some(Err(Failure::NotListed)));
    listed.map(|state| (state.company.id.to_ascii_lowercase(), Arc::clone(&state.company.id))).collect()
}

/// In seconds, to the millisecond: more is noise in a log.
fn rounded(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    /// With an interval of 5 minutes, and 10 that a poll may take, one has to end each 16 minutes.
    #[test]
    fn polls_that_go_on_are_told_from_those_that_hang() {
        struct At(SharedClock, Duration);
        impl crate::clock::Clock for At {
            fn now(&self) -> jiff::Timestamp {
                self.0.now()
            }
            fn monotonic(&self) -> Duration {
                self.1
            }
            fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
                self.0.sleep(duration)
            }
        }
        let minutes = |number| Duration::from_secs(60 * number);
        for (began, ended, now, goes_on) in [
            (0, None, 16, true),
            (0, None, 17, false),
            (3, None, 19, true),
            (0, Some(16_u64), 32, true),
            (0, Some(16), 33, false),
        ] {
            let clock: SharedClock = Arc::new(At(SystemClock::shared(), minutes(now)));
            let poll = |ended| EndedPoll {
                at: Moment { wall: clock.now(), monotonic: minutes(ended) },
                companies: 0,
                outcome: Ok(()),
            };
            let (_ending, polls) = watch::channel(ended.map(poll));
            let (interval, timeout) = (minutes(5), minutes(10));
            let watched = Watched { polls, clock, interval, timeout };
            assert_eq!(watched.goes_on(minutes(began)), goes_on, "{ended:?} at {now}");
        }
    }
}
