//! Where webhook events ask for readings, and where the tasks that read learn of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::Settings;
use super::asked::Asked;
use super::company_selection::Selection;
use crate::clock::SharedClock;
use crate::failure::Failure;
use crate::fleet::{Fleet, FleetReader};
use crate::model::CompanyId;
use crate::observe::{EventOutcome, ObserveEvents};
use crate::sanitize::by_id;

/// What an event says of the connection that changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changed<'a> {
    /// The id of its company, if the event has it.
    pub company: Option<&'a str>,
    /// Its own id, if the event has it.
    pub connection: Option<&'a str>,
}

/// Takes requests for readings. Cheap to clone.
#[derive(Clone)]
pub struct ReadingRequests(Arc<Shared>);

struct Shared {
    fleet: FleetReader,
    clock: SharedClock,
    selection: Selection,
    observer: Arc<dyn ObserveEvents>,
    asked: Mutex<Asked>,
    /// Wakes whoever waits for the next reading of a company.
    reading_changed: Notify,
    /// Wakes whoever waits for the next poll.
    poll_changed: Notify,
}

impl ReadingRequests {
    /// Nothing is asked for yet. `observer` is told how long each event waited for its reading.
    pub(super) fn new(
        fleet: FleetReader,
        clock: SharedClock,
        settings: &Settings,
        observer: Arc<dyn ObserveEvents>,
    ) -> Self {
        let selection = settings.selection.clone();
        let (asked, reading_changed, poll_changed) = Default::default();
        Self(Arc::new(Shared { fleet, clock, selection, observer, asked, reading_changed, poll_changed }))
    }

    /// Asks for a reading of the company whose connection changed. If it is not known which one that is, for a poll of all.
    pub fn ask(&self, changed: Changed<'_>) -> EventOutcome {
        let fleet = self.0.fleet.current();
        let company = changed.company.and_then(|id| listed(&fleet, id));
        let company = company.or_else(|| changed.connection.and_then(|id| company_with(&fleet, id)));
        let now = self.0.clock.monotonic();
        if let Some(company) = company {
            self.asked().ask_for(company, now);
            self.0.reading_changed.notify_one();
            return EventOutcome::Reading;
        }
        if changed.company.is_some_and(|id| !self.0.selection.has(id)) {
            return EventOutcome::NotWatched;
        }
        self.asked().ask_for_poll(now);
        self.0.poll_changed.notify_one();
        EventOutcome::Poll
    }

    /// Says that a reading of a company begins, until what is returned is dropped.
    pub(super) fn begin(&self, company: &CompanyId) -> Reading {
        let answering = self.asked().began(company, self.0.clock.monotonic());
        self.reading(company, answering)
    }

    /// Begins readings of the companies that are due, at most so many of them.
    pub(super) fn begin_due(&self, at_most: usize) -> Vec<Reading> {
        let now = self.0.clock.monotonic();
        let mut asked = self.asked();
        let due = asked.due(now, at_most);
        due.iter().map(|company| self.reading(company, asked.began(company, now))).collect()
    }

    fn reading(&self, company: &CompanyId, answering: Option<Duration>) -> Reading {
        Reading { requests: self.clone(), company: CompanyId::clone(company), answering }
    }

    /// Says that a poll begins. Returns when the first event came that asked for one, if any did.
    pub(super) fn poll_began(&self) -> Option<Duration> {
        self.asked().poll_began()
    }

    /// Says that the list could not be read in the poll that began with `unanswered`.
    pub(super) fn poll_failed(&self, unanswered: Option<Duration>) {
        self.asked().poll_failed(unanswered, self.0.clock.monotonic());
    }

    /// Says whether Nectar refuses the key: then no company is read before a poll has found that it does not.
    pub(super) fn hold(&self, is_refused: bool) {
        self.asked().hold(is_refused);
        self.0.reading_changed.notify_one();
    }

    /// Forgets companies that are not read any more.
    pub(super) fn keep_only(&self, is_read: impl Fn(&str) -> bool) {
        self.asked().keep_only(is_read);
    }

    /// Waits until another company may be due.
    pub(super) async fn changed(&self) {
        let next = self.asked().next_reading();
        self.wait_until(next, &self.0.reading_changed).await;
    }

    /// Waits until it is time for a poll that an event asks for.
    pub(super) async fn poll(&self) {
        while !self.asked().begin_poll(self.0.clock.monotonic()) {
            let next = self.asked().next_poll();
            self.wait_until(next, &self.0.poll_changed).await;
        }
    }

    async fn wait_until(&self, moment: Option<Duration>, change: &Notify) {
        let clock = &self.0.clock;
        let moment = async {
            match moment {
                Some(moment) => clock.sleep(moment.saturating_sub(clock.monotonic())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = change.notified() => {}
            () = moment => {}
        }
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for ReadingRequests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadingRequests").field("asked", &self.0.asked).finish_non_exhaustive()
    }
}

/// A reading under way. One that is dropped before it was whole has failed.
pub(super) struct Reading {
    requests: ReadingRequests,
    pub(super) company: CompanyId,
    /// When the first event came that it answers; none if it answers none, or has answered.
    answering: Option<Duration>,
}

impl Reading {
    /// Ends the reading: it was whole.
    pub(super) fn succeeded(mut self) {
        if let Some(since) = self.answering.take() {
            let shared = &self.requests.0;
            shared.observer.answered(shared.clock.monotonic().saturating_sub(since));
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let shared = &self.requests.0;
        let asks_for_another =
            self.requests.asked().ended(&self.company, self.answering, shared.clock.monotonic());
        // Whoever is woken looks at all companies: at each end of a reading, that would be their number squared in a poll.
        if asks_for_another {
            shared.reading_changed.notify_one();
        }
    }
}

/// The id of this company as the list has it. None if the list does not have it.
fn listed<'a>(fleet: &'a Fleet, id: &str) -> Option<&'a CompanyId> {
    let known = fleet.companies.get_key_value(id);
    let known = known.or_else(|| fleet.companies.iter().find(|(known, _)| known.eq_ignore_ascii_case(id)));
    let (id, _) = known.filter(|(_, state)| state.last_reading != Some(Err(Failure::NotListed)))?;
    Some(id)
}

/// The company that had this connection when it was last read.
fn company_with<'a>(fleet: &'a Fleet, connection: &str) -> Option<&'a CompanyId> {
    let had = fleet.companies.iter().find(|(_, state)| {
        let connections = state.stored.iter().map(|stored| &stored.snapshot.connections);
        connections.into_iter().any(|rows| rows.binary_search_by(|row| by_id(&row.id, connection)).is_ok())
    });
    had.map(|(id, _)| id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use futures::FutureExt;
    use jiff::SignedDuration;

    use super::*;
    use crate::clock::SystemClock;
    use crate::fleet::FleetWriter;
    use crate::model::Company;
    use crate::observe::Uncounted;
    use crate::shard::Shard;

    /// Where nobody asks for a reading, the end of one wakes nobody; else it does, since that one may have missed what changed.
    #[tokio::test]
    async fn the_end_of_a_reading_wakes_who_has_waited_for_it() {
        let writer = FleetWriter::new(SignedDuration::ZERO);
        let company = Company { id: "c".into(), name: "C".into(), external_id: "".into() };
        let listed = BTreeMap::from([(CompanyId::clone(&company.id), company.clone())]);
        writer.apply_list(&listed, &[], Duration::ZERO);
        let (interval, timeout) = Default::default();
        let selection = Selection { only: Vec::new(), except: Vec::new(), shard: Shard::ALL };
        let settings = Settings { interval, timeout, selection };
        let requests =
            ReadingRequests::new(writer.reader(), SystemClock::shared(), &settings, Arc::new(Uncounted));
        drop(requests.begin(&company.id));
        assert!(requests.changed().now_or_never().is_none());
        let reading = requests.begin(&company.id);
        let changed = Changed { company: Some("c"), connection: None };
        assert_eq!(requests.ask(changed), EventOutcome::Reading);
        assert!(requests.changed().now_or_never().is_some(), "an event wakes");
        assert!(requests.changed().now_or_never().is_none(), "a reading is under way");
        drop(reading);
        assert!(requests.changed().now_or_never().is_some());
    }
}
