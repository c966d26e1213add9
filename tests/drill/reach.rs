//! What could be known and told at all, according to the log of outages and to what Prometheus had. The waits of the shipped rules and
//! routes are repeated here.

use crate::script::Part;
use crate::tally::Row;
use crate::truth::Episode;
use crate::world::{Away, START_DELAY};

/// How long before the reading is recorded a page may have been fetched, in seconds.
const FETCHED_BEFORE: f64 = 0.5;
/// What Prometheus had for this many evaluations was seen by all rules.
const ENOUGH: usize = 3;
/// Waits of the exporter, the rules and the routes, in minutes.
const POLL: f64 = 5.0;
const GROUP_WAIT: f64 = 10.0;
const KEEP_FIRING: f64 = 20.0;
/// A scrape and three evaluations, in minutes.
const SCRAPED: f64 = 1.0 + 3.0;
/// How much longer it may take: in minutes, and in seconds on a machine that is busy.
const SLACK: (f64, f64) = (2.0, 1.0);
/// The exporter's waits between attempts, in seconds. They are not scaled.
const BETWEEN_ATTEMPTS: f64 = 8.0;

/// Prometheus sends nothing for this long after its start, in seconds, because it does not know yet where Alertmanager is.
const BEFORE_SENDING: f64 = 5.0;

/// What there was to know from.
#[derive(Debug)]
pub struct Reach {
    /// What was away, and when, in order.
    pub log: Vec<Away>,
    /// By company: the time of each evaluation, and when what it had was read.
    pub evaluations: Vec<Vec<(f64, f64)>>,
    /// A minute of the drill, in seconds.
    pub minute: f64,
}

impl Reach {
    /// When Prometheus first had a reading from this span of time, and when that was read, if it had the reading for long enough.
    pub fn reading(&self, company: usize, from: f64, to: f64) -> Option<(f64, f64)> {
        let within = |(_, read): &&(f64, f64)| from + FETCHED_BEFORE < *read && *read <= to;
        let mut readings = self.evaluations[company].iter().filter(within);
        let first = readings.next().copied();
        first.filter(|_| readings.count() + 1 >= ENOUGH)
    }

    /// When Prometheus certainly knew of an episode, if ever.
    pub fn known(&self, episode: &Episode) -> Option<f64> {
        self.reading(episode.company, episode.begin, episode.end).map(|(at, _)| at)
    }

    /// Why nobody could tell of an episode; only what is proved.
    pub fn excuse(&self, episode: &Episode) -> Option<Row> {
        let Some(known) = self.known(episode) else {
            return (!self.was_in_reach(episode)).then_some(Row::NeverRead);
        };
        let noticed = self.reading(episode.company, episode.end, f64::INFINITY);
        let gone = noticed.map_or(episode.end, |(at, _)| at) + KEEP_FIRING * self.minute;
        let [wait, delay, slack] = [GROUP_WAIT, START_DELAY, SLACK.0].map(|wait| wait * self.minute);
        // When the alert fired, and when it should be told.
        let (mut fired, mut due) = (known, known + wait);
        let is_on_the_way = |part| matches!(part, Part::Prometheus | Part::Alertmanager);
        for Away { part, from, to } in self.of(is_on_the_way).filter(|away| away.to > known) {
            if from.min(gone) > due + slack + SLACK.1 {
                return None;
            }
            let sends = if *part == Part::Prometheus { to + BEFORE_SENDING } else { *to };
            fired = if *part == Part::Prometheus { *to } else { fired };
            // If an alert has fired for longer than that, `group_wait` does not apply to it.
            let is_old = sends > fired + wait + slack;
            due = due.max(sends + if is_old { delay } else { wait });
        }
        (gone <= due + slack + SLACK.1).then_some(Row::Gone)
    }

    /// Whether everything that is needed to know of it was there for two polls in a row.
    fn was_in_reach(&self, episode: &Episode) -> bool {
        let needed = (2.0 * POLL + SCRAPED) * self.minute + BETWEEN_ATTEMPTS;
        let is_needed = |part| match part {
            Part::Exporter | Part::Prometheus | Part::Api => true,
            Part::Company(company) => company == episode.company,
            Part::Alertmanager | Part::Replica | Part::Machine => false,
        };
        let mut from = episode.begin;
        for away in self.of(is_needed).filter(|away| away.to > episode.begin && away.from < episode.end) {
            if away.from - from > needed {
                return true;
            }
            from = from.max(away.to);
        }
        episode.end - from > needed
    }

    /// By when something that happened then should be told: outages that delay it are over by that time.
    pub fn due(&self, at: f64, company: usize) -> f64 {
        let budget = (POLL + SCRAPED + GROUP_WAIT + SLACK.0) * self.minute + SLACK.1;
        let is_in_the_way = |part| match part {
            Part::Company(other) => other == company,
            part => part != Part::Replica,
        };
        self.of(is_in_the_way).fold(at + budget, |due, away| {
            let unscaled = match away.part {
                Part::Api => BETWEEN_ATTEMPTS,
                Part::Prometheus => BEFORE_SENDING,
                _ => 0.0,
            };
            if away.from < due && away.to > at { due.max(away.to + budget + unscaled) } else { due }
        })
    }

    /// Outages of these parts, in order.
    pub fn of(&self, is_meant: impl Fn(Part) -> bool) -> impl Iterator<Item = &Away> {
        self.log.iter().filter(move |away| is_meant(away.part))
    }

    /// Minutes of the drill since its first evaluation.
    pub fn after(&self, at: f64) -> f64 {
        let start = self.evaluations.iter().flatten().map(|(at, _)| *at).fold(f64::INFINITY, f64::min);
        (at - start) / self.minute
    }

    /// An episode with everything that matters for it, for debugging.
    pub fn story(&self, episode: &Episode) -> String {
        let Episode { company, login, status, begin, end, .. } = episode;
        let hour = 60.0 * self.minute;
        let near = self.log.iter().filter(|away| away.to > begin - hour && away.from < end + hour);
        let near = near.map(|Away { part, from, to }| format!("{part:?} {}", self.span(*from, *to)));
        let known = self.known(episode).map(|at| self.after(at).round());
        let (span, near) = (self.span(*begin, *end), near.collect::<Vec<_>>().join(", "));
        format!("company {company} login {login:?} {status} {span} known {known:?} away {near}")
    }

    fn span(&self, from: f64, to: f64) -> String {
        format!("{:.1}..{:.1}", self.after(from), self.after(to))
    }
}
