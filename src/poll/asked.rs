//! What webhook events ask to be read, and when: rules about moments, without a clock.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::CompanyId;

/// A change sends several events at about the same time: so long after the first one, a reading answers all of them.
const GATHER: Duration = Duration::from_secs(2);

/// At least so long from the beginning of one reading of a company to that of the next one that events ask for.
const BETWEEN_READINGS: Duration = Duration::from_secs(30);

/// At least so long from the end of a reading that failed to the beginning of the next one that events ask for.
const AFTER_FAILURE: Duration = Duration::from_secs(5 * 60);

/// At least so long between two polls that events ask for.
const BETWEEN_POLLS: Duration = Duration::from_secs(10 * 60);

/// All moments are by the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Asked {
    companies: BTreeMap<CompanyId, Company>,
    /// When the first event came that no poll has answered yet.
    poll: Option<Duration>,
    last_asked_poll: Option<Duration>,
    /// Whether nothing is to be read because of events, since Nectar refuses the key.
    is_held: bool,
}

/// A company that was read, or is to be.
#[derive(Debug, Default)]
struct Company {
    /// When the first event came after the last reading began.
    waiting: Option<Duration>,
    under_way: usize,
    /// When the next reading may begin.
    not_before: Duration,
}

impl Company {
    /// When it is to be read; none if nobody asks for that, or before the reading under way has ended: what changed during it may have
    /// escaped it.
    fn due(&self) -> Option<Duration> {
        let waiting = self.waiting.filter(|_| self.under_way == 0)?;
        Some(waiting.saturating_add(GATHER).max(self.not_before))
    }
}

impl Asked {
    /// An event about this company came.
    pub(super) fn ask_for(&mut self, company: &CompanyId, now: Duration) {
        self.company(company).waiting.get_or_insert(now);
    }

    /// An event came, and it is not known about which company.
    pub(super) fn ask_for_poll(&mut self, now: Duration) {
        self.poll.get_or_insert(now);
    }

    /// A reading of this company begins, whoever asked for it. Returns when the first event came that it answers, if it answers any.
    pub(super) fn began(&mut self, company: &CompanyId, now: Duration) -> Option<Duration> {
        let company = self.company(company);
        company.under_way += 1;
        company.not_before = now.saturating_add(BETWEEN_READINGS);
        company.waiting.take()
    }

    /// A reading of this company ended. `unanswered` is what [`began`](Self::began) returned, if the reading was not whole. Returns
    /// whether events ask for another one.
    pub(super) fn ended(&mut self, company: &CompanyId, unanswered: Option<Duration>, now: Duration) -> bool {
        let company = self.company(company);
        company.under_way = company.under_way.saturating_sub(1);
        if unanswered.is_some() {
            company.waiting = earlier(unanswered, company.waiting);
            company.not_before = now.saturating_add(AFTER_FAILURE);
        }
        company.waiting.is_some()
    }

    /// Nectar has accepted the key, or refused it: then the next poll is to try it again, and nothing else.
    pub(super) fn hold(&mut self, is_refused: bool) {
        self.is_held = is_refused;
    }

    /// A poll begins. Returns when the first event came that asked for one, if any did.
    pub(super) fn poll_began(&mut self) -> Option<Duration> {
        self.poll.take()
    }

    /// The list could not be read in a poll that began with `unanswered`.
    pub(super) fn poll_failed(&mut self, unanswered: Option<Duration>, now: Duration) {
        if unanswered.is_some() {
            self.poll = earlier(unanswered, self.poll);
            self.last_asked_poll = Some(now);
        }
    }

    /// Forgets companies that are not read any more.
    pub(super) fn keep_only(&mut self, is_read: impl Fn(&str) -> bool) {
        self.companies.retain(|id, _| is_read(id));
    }

    /// Companies that are to be read now, at most so many of them: those first that have waited longest.
    pub(super) fn due(&self, now: Duration, at_most: usize) -> Vec<CompanyId> {
        let companies = self.companies.iter().filter(|_| !self.is_held);
        let due = companies.filter(|(_, company)| company.due().is_some_and(|due| due <= now));
        let mut due: Vec<_> = due.map(|(id, company)| (company.waiting, id)).collect();
        due.sort_unstable();
        due.into_iter().map(|(_, id)| CompanyId::clone(id)).take(at_most).collect()
    }

    /// When the next company is to be read.
    pub(super) fn next_reading(&self) -> Option<Duration> {
        self.companies.values().filter(|_| !self.is_held).filter_map(Company::due).min()
    }

    /// When the next poll is to begin; none if no event asks for one, or if Nectar refuses the key.
    pub(super) fn next_poll(&self) -> Option<Duration> {
        let asked = self.poll.filter(|_| !self.is_held)?.saturating_add(GATHER);
        Some(self.last_asked_poll.map_or(asked, |last| asked.max(last.saturating_add(BETWEEN_POLLS))))
    }

    /// Whether the poll that events ask for is to begin now. If so, the next one is not due for a while.
    pub(super) fn begin_poll(&mut self, now: Duration) -> bool {
        let is_due = self.next_poll().is_some_and(|due| due <= now);
        if is_due {
            self.last_asked_poll = Some(now);
        }
        is_due
    }

    fn company(&mut self, id: &CompanyId) -> &mut Company {
        self.companies.entry(CompanyId::clone(id)).or_default()
    }
}

fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens, and at which second. Readings are told apart by a letter.
    #[derive(Clone, Copy)]
    enum Step {
        Event(u64),
        Begins(char, u64),
        /// A reading ends well; and when the first event came that it answers.
        Ends(char, u64, Option<u64>),
        Fails(char, u64),
        /// The second at which the next reading is due.
        Due(Option<u64>),
    }
    use Step::{Begins, Due, Ends, Event, Fails};

    #[test]
    fn when_a_company_is_read() {
        let cases: &[(&str, &[Step])] = &[
            ("nobody asks", &[Due(None), Begins('a', 0), Ends('a', 1, None), Due(None)]),
            ("the first event", &[Event(100), Due(Some(102))]),
            (
                "several events, one reading",
                &[
                    Event(100),
                    Event(101),
                    Due(Some(102)),
                    Begins('a', 102),
                    Ends('a', 103, Some(100)),
                    Due(None),
                ],
            ),
            (
                "an event after a reading began is not answered by it",
                &[
                    Event(100),
                    Begins('a', 102),
                    Event(103),
                    Due(None),
                    Ends('a', 104, Some(100)),
                    Due(Some(132)),
                ],
            ),
            (
                "a reading began a moment ago",
                &[Begins('a', 90), Ends('a', 91, None), Event(100), Due(Some(120))],
            ),
            ("a reading began long ago", &[Begins('a', 10), Ends('a', 11, None), Event(100), Due(Some(102))]),
            ("a poll answers, too", &[Event(100), Begins('a', 101), Ends('a', 105, Some(100)), Due(None)]),
            (
                "a failed reading answers nothing",
                &[
                    Event(100),
                    Begins('a', 102),
                    Event(103),
                    Fails('a', 110),
                    Due(Some(410)),
                    Begins('b', 200),
                    Ends('b', 201, Some(100)),
                    Due(None),
                ],
            ),
            (
                "a failed reading that nobody waited for holds nobody up",
                &[Begins('a', 90), Fails('a', 99), Event(150), Due(Some(152))],
            ),
            (
                "of two readings at once, each answers what came before it began",
                &[
                    Event(100),
                    Begins('a', 102),
                    Event(103),
                    Begins('b', 104),
                    Ends('a', 105, Some(100)),
                    Fails('b', 106),
                    Due(Some(406)),
                ],
            ),
        ];
        let (id, at) = (CompanyId::from("c"), Duration::from_secs);
        for (name, steps) in cases {
            let mut asked = Asked::default();
            let mut answers = BTreeMap::new();
            // What the last step returned, if a reading ended in it.
            let mut asks_for_another = None;
            for (number, step) in steps.iter().enumerate() {
                match *step {
                    Event(second) => {
                        asked.ask_for(&id, at(second));
                        asks_for_another = None;
                    }
                    Begins(reading, second) => _ = answers.insert(reading, asked.began(&id, at(second))),
                    Ends(reading, second, since) => {
                        assert_eq!(answers.remove(&reading), Some(since.map(at)), "{name}, step {number}");
                        asks_for_another = Some(asked.ended(&id, None, at(second)));
                    }
                    Fails(reading, second) => {
                        let unanswered = answers.remove(&reading).flatten();
                        asks_for_another = Some(asked.ended(&id, unanswered, at(second)));
                    }
                    Due(due) => {
                        if let Some(asks) = asks_for_another.take() {
                            assert_eq!(asks, due.is_some(), "{name}, step {number}");
                        }
                        assert_eq!(asked.next_reading(), due.map(at), "{name}, step {number}");
                        let Some(due) = due else { continue };
                        assert!(asked.due(at(due - 1), 9).is_empty(), "{name}, step {number}");
                        assert_eq!(asked.due(at(due), 9).len(), 1, "{name}, step {number}");
                    }
                }
            }
        }
    }

    /// Every millisecond an event: at most two readings begin in any minute.
    #[test]
    fn a_flood_leads_to_few_readings() {
        let (mut asked, id) = (Asked::default(), CompanyId::from("c"));
        let mut began = Vec::new();
        for millisecond in 0..300_000 {
            let now = Duration::from_millis(millisecond);
            asked.ask_for(&id, now);
            if !asked.due(now, 1).is_empty() {
                asked.began(&id, now);
                asked.ended(&id, None, now);
                began.push(now);
            }
        }
        let minute = Duration::from_secs(60);
        let within =
            |from: &Duration| began.iter().filter(|at| **at >= *from && **at < *from + minute).count();
        assert_eq!(began.iter().map(within).max(), Some(2), "{began:?}");
        assert_eq!(began.len(), 10, "{began:?}");
    }

    #[test]
    fn who_has_waited_longest_is_read_first() {
        let (mut asked, at) = (Asked::default(), Duration::from_secs);
        for (second, id) in [(3, "a"), (1, "b"), (2, "c")] {
            asked.ask_for(&id.into(), at(second));
        }
        assert_eq!(asked.due(at(5), 2), ["b".into(), "c".into()]);
        assert_eq!(asked.due(at(4), 2), ["b".into(), "c".into()], "the third gathers events");
        assert_eq!(asked.due(at(5), 9).len(), 3);
    }

    #[test]
    fn companies_that_are_not_read_any_more_are_forgotten() {
        let mut asked = Asked::default();
        for id in ["a", "b", "c"] {
            asked.ask_for(&id.into(), Duration::ZERO);
        }
        asked.keep_only(|id| id == "b");
        assert_eq!(asked.due(GATHER, 9), ["b".into()]);
        assert!(asked.due(GATHER, 0).is_empty());
    }

    #[test]
    fn nothing_is_read_with_a_refused_key() {
        let mut asked = Asked::default();
        asked.hold(true);
        asked.ask_for(&"a".into(), Duration::ZERO);
        asked.ask_for_poll(Duration::ZERO);
        assert!(asked.due(GATHER, 9).is_empty() && asked.next_reading().is_none());
        assert!(asked.next_poll().is_none() && !asked.begin_poll(GATHER));
        asked.hold(false);
        assert!(asked.due(GATHER, 9).len() == 1 && asked.next_reading() == Some(GATHER));
        assert!(asked.next_poll() == Some(GATHER) && asked.begin_poll(GATHER));
    }

    #[test]
    fn polls_that_events_ask_for_are_far_between() {
        let (mut asked, at) = (Asked::default(), Duration::from_secs);
        assert_eq!(asked.next_poll(), None);
        asked.ask_for_poll(at(100));
        asked.ask_for_poll(at(101));
        assert_eq!(asked.next_poll(), Some(at(102)));
        assert!(!asked.begin_poll(at(101)) && asked.begin_poll(at(102)));
        assert_eq!((asked.poll_began(), asked.next_poll()), (Some(at(100)), None));
        asked.ask_for_poll(at(104));
        assert_eq!(asked.next_poll(), Some(at(702)), "ten minutes after the last one");
        asked.poll_began();
        assert_eq!(asked.next_poll(), None, "another poll answers as well");
        asked.ask_for_poll(at(1000));
        assert_eq!(asked.next_poll(), Some(at(1002)));
        let unanswered = asked.poll_began();
        asked.poll_failed(unanswered, at(1030));
        assert_eq!(asked.next_poll(), Some(at(1630)), "asked for again, but not at once");
        asked.poll_began();
        asked.poll_failed(None, at(1700));
        assert_eq!(asked.next_poll(), None, "nobody asked");
    }
}
