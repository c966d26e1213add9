//! Who was told what, held against the truth.
//!
//! Knows what may excuse that something was not told. Must not know how anything came about.

use crate::nectar::Nectar;
use crate::script::Part;
use crate::told::{Saying, Told};
use crate::truth::{Episode, rises, spells};
use crate::world::Away;

/// A page may have been fetched so long before its reading is noted, in seconds.
const FETCHED_BEFORE: f64 = 0.5;
/// What Prometheus has for so many evaluations has been seen by all rules.
const ENOUGH: usize = 3;
/// Waits of the rules and routes, in minutes.
const GROUP_WAIT: f64 = 10.0;
const KEEP_FIRING: f64 = 20.0;
/// From a change to a message, in minutes, when nothing is away: a poll, a scrape, three evaluations, `group_wait`.
const BUDGET: f64 = 5.0 + 1.0 + 3.0 + GROUP_WAIT;
/// How much longer it may take, in minutes, and how much longer in seconds on a machine that does other things.
const SLACK: (f64, f64) = (2.0, 1.0);
/// After so many seconds Alertmanager forgets a group without alerts. No flag changes that.
const CLEANING: f64 = 30.0;
/// The exporter's own waits between attempts are not scaled, in seconds.
const BETWEEN_ATTEMPTS: f64 = 8.0;

/// Everything that is known when it is over.
#[derive(Debug)]
pub struct Books<'a> {
    pub nectar: &'a Nectar,
    /// Whether there are series per connection.
    pub has_detail: bool,
    pub episodes: Vec<Episode>,
    pub told: Vec<Told>,
    /// What was away when, in order.
    pub log: Vec<Away>,
    /// By company: when each evaluation was, and when what it had was read.
    pub evaluations: Vec<Vec<(f64, f64)>>,
    /// A minute of the drill, in seconds.
    pub minute: f64,
}

/// The figures, and what each is made of.
#[derive(Debug, Default)]
pub struct Tally {
    pub episodes: usize,
    pub standing: usize,
    pub standing_told: usize,
    /// No reading of the company fell into it, or none that Prometheus had.
    pub never_read: usize,
    /// Over before Alertmanager was back.
    pub gone: usize,
    /// Prometheus was away when it was due, and was back before Alertmanager had forgotten the group: see `CLEANING`.
    pub unscaled: usize,
    pub told: usize,
    pub missed: Vec<String>,
    pub twice: Vec<String>,
    /// The same, after Alertmanager was away for longer than it waits for a group.
    pub twice_after_outage: Vec<String>,
    pub wrongly: Vec<String>,
    pub late: Vec<String>,
    pub ends: usize,
    pub ends_told: usize,
    /// As `unscaled`.
    pub ends_unscaled: usize,
    pub ends_missed: Vec<String>,
    pub ends_twice: Vec<String>,
    pub ends_late: Vec<String>,
    /// Changes to another such status that were told in two messages.
    pub changes_torn: usize,
    /// For how many minutes rules were not evaluated though nothing was away: the machine had other things to do.
    pub stalls: Vec<f64>,
    /// All messages, whoever they are for.
    pub messages: usize,
    /// Messages that say something else as text than as labels.
    pub unlike: Vec<String>,
}

impl Books<'_> {
    /// Counts everything.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        let (begins, ends) = match self.has_detail {
            true => (self.episodes.clone(), self.episodes.clone()),
            false => (rises(&self.episodes), spells(&self.episodes)),
        };
        begins.iter().for_each(|episode| self.count(episode, &mut tally));
        for (place, episode) in ends.iter().enumerate().filter(|(_, episode)| episode.end.is_finite()) {
            let is_same =
                |other: &&Episode| (other.company, other.status) == (episode.company, episode.status);
            let again = ends[place + 1..].iter().find(|other| !self.has_detail && is_same(other));
            self.count_end(episode, again.map_or(f64::INFINITY, |other| other.begin), &mut tally);
        }
        let stalls = self.of(|part| part == Part::Machine);
        tally.stalls = stalls.map(|stall| (stall.to - stall.from) / self.minute).collect();
        for line in &self.told {
            if let Some(fault) = self.fault(line, &ends) {
                let same = |one: &&Episode| (one.company, one.status) == (line.company, line.status.as_str());
                let stories: Vec<String> = ends.iter().filter(same).map(|one| self.story(one)).collect();
                tally.wrongly.push(format!("{fault}: {}; {stories:?}", self.line(line)));
            }
        }
        tally
    }

    fn count(&self, episode: &Episode, tally: &mut Tally) {
        let lines = |saying| self.lines(saying, episode);
        if episode.is_standing {
            tally.standing += 1;
            tally.standing_told += usize::from(!lines(Saying::Standing).is_empty());
            return;
        }
        tally.episodes += 1;
        let news = lines(Saying::New);
        let Some(first) = news.first() else {
            return match self.excuse(episode) {
                Some(Excuse::NeverRead) => tally.never_read += 1,
                Some(Excuse::Gone) => tally.gone += 1,
                Some(Excuse::Unscaled) => tally.unscaled += 1,
                None => tally.missed.push(self.story(episode)),
            };
        };
        tally.told += 1;
        let mut again = news.iter().filter(|line| line.since == first.since && line.message != first.message);
        if let Some(again) = again.next_back() {
            // Where one stands for several, it counts once.
            let is_itself = first.since == episode.since.0;
            let twice = match self.follows_long_outage(first.at) {
                true => &mut tally.twice_after_outage,
                false => &mut tally.twice,
            };
            if is_itself {
                twice.push(format!(
                    "{:+.1} and {:+.1}: {}",
                    self.after(first.at),
                    self.after(again.at),
                    self.story(episode)
                ));
            }
        }
        let due = self.due(episode.begin, episode.company);
        if first.at > due {
            tally.late.push(format!("by {:.1} min: {}", (first.at - due) / self.minute, self.story(episode)));
        }
    }

    fn count_end(&self, episode: &Episode, again: f64, tally: &mut Tally) {
        let over = self.lines(Saying::Over, episode);
        let is_noticed = || {
            let readings = self.readings(episode.company, episode.end, again);
            // Of a company that is gone nothing is read any more.
            readings.len() >= ENOUGH || again == f64::INFINITY
        };
        if over.is_empty() && !(self.first_known(episode).is_some() && is_noticed()) {
            return;
        }
        tally.ends += 1;
        let Some(first) = over.first() else {
            let noticed = self.readings(episode.company, episode.end, again).first().map(|(at, _)| *at);
            return match self.is_unscaled(noticed.unwrap_or(episode.end + 5.0 * self.minute)) {
                true => tally.ends_unscaled += 1,
                false => tally.ends_missed.push(self.story(episode)),
            };
        };
        tally.ends_told += 1;
        if over.len() > 1 {
            let times: Vec<String> = over.iter().map(|line| self.line(line)).collect();
            tally.ends_twice.push(format!("{times:?}: {}", self.story(episode)));
        }
        let due = self.due(episode.end, episode.company);
        if first.at > due {
            tally.ends_late.push(format!(
                "by {:.1} min: {}",
                (first.at - due) / self.minute,
                self.story(episode)
            ));
        }
        let next = episode.login.and_then(|login| {
            let next = self
                .episodes
                .iter()
                .find(|other| other.login == Some(login) && other.begin == episode.end)?;
            self.lines(Saying::New, next).first().map(|line| (line.message, line.noticed))
        });
        let is_same_reading = next.is_some_and(|(_, noticed)| noticed == first.noticed);
        tally.changes_torn +=
            usize::from(is_same_reading && next.is_some_and(|(message, _)| message != first.message));
    }

    /// What was said of an episode. Of those that began between two readings, the newest may stand for all.
    fn lines(&self, saying: Saying, episode: &Episode) -> Vec<&Told> {
        let read = if saying == Saying::New { self.first_reading(episode) } else { f64::INFINITY };
        let lines = self.told.iter().filter(|line| line.says(saying, episode));
        lines.filter(|line| line.since as f64 <= read).collect()
    }

    /// What of a line is not true.
    fn fault(&self, line: &Told, spells: &[Episode]) -> Option<String> {
        let is_meant = |episode: &&Episode| {
            let is_login = !self.has_detail || episode.login == line.login;
            is_login
                && (episode.company, episode.status, episode.since.0)
                    == (line.company, line.status.as_str(), line.since)
        };
        if !line.is_for_them {
            return Some("told to somebody else".to_owned());
        }
        let Some(episode) = self.episodes.iter().find(is_meant) else {
            return Some("it never was".to_owned());
        };
        match line.saying {
            Saying::New if episode.is_standing => Some("new, though it stood from the start".to_owned()),
            Saying::Standing if !episode.is_standing => Some("standing, though it is new".to_owned()),
            Saying::Over if self.has_detail => self.fault_of_end(line, episode),
            Saying::Over => {
                let noticed = line.noticed.map_or(line.at, |noticed| noticed as f64);
                let is_there = |spell: &&Episode| {
                    (spell.company, spell.status) == (line.company, line.status.as_str())
                        && spell.begin + 1.0 < noticed
                        && noticed + 1.0 < spell.end
                };
                spells.iter().any(|spell| is_there(&spell)).then(|| "over, though it is not".to_owned())
            }
            _ => None,
        }
    }

    /// An end must be one, and the login what it is said to have become: when it was read, within a second.
    fn fault_of_end(&self, line: &Told, episode: &Episode) -> Option<String> {
        if line.at < episode.end {
            return Some("over, though it is not".to_owned());
        }
        let noticed = line.noticed.map_or(line.at, |noticed| noticed as f64);
        let login = &self.nectar.logins[line.login?];
        let was = login.past.iter().filter(|stand| stand.at < noticed + 2.0);
        let last = was.clone().rev().take_while(|stand| stand.at > noticed - 1.0).count() + 1;
        let is_so = was.rev().take(last).any(|stand| stand.status == line.became.as_deref());
        (!is_so).then(|| "it became something else".to_owned())
    }

    /// Readings of a company that Prometheus had, of a time: one for each evaluation.
    fn readings(&self, company: usize, from: f64, to: f64) -> Vec<(f64, f64)> {
        let within = |(_, read): &&(f64, f64)| from + FETCHED_BEFORE < *read && *read <= to;
        self.evaluations[company].iter().filter(within).copied().collect()
    }

    /// When Prometheus certainly knew of an episode, if ever.
    fn first_known(&self, episode: &Episode) -> Option<f64> {
        let readings = self.readings(episode.company, episode.begin, episode.end);
        (readings.len() >= ENOUGH).then(|| readings[0].0)
    }

    fn first_reading(&self, episode: &Episode) -> f64 {
        let readings = self.readings(episode.company, episode.begin, f64::INFINITY);
        readings.first().map_or(f64::MAX, |(_, read)| *read)
    }

    /// Why nobody could tell it: only what the log of outages proves.
    fn excuse(&self, episode: &Episode) -> Option<Excuse> {
        let Some(known) = self.first_known(episode) else {
            return (!self.was_in_reach(episode)).then_some(Excuse::NeverRead);
        };
        let noticed = self
            .readings(episode.company, episode.end, f64::INFINITY)
            .first()
            .map_or(episode.end, |(at, _)| *at);
        let gone = noticed + KEEP_FIRING * self.minute;
        // Times in which Alertmanager was there.
        let mut from = known;
        for away in self.of(|part| part == Part::Alertmanager).filter(|away| away.to > known) {
            if self.is_enough(known, from, away.from.min(gone)) {
                return None;
            }
            from = away.to;
        }
        match self.is_enough(known, from, gone) {
            false => Some(Excuse::Gone),
            true => self.is_unscaled(known).then_some(Excuse::Unscaled),
        }
    }

    /// Whether Prometheus was away when Alertmanager was to tell what was known since `known`, and back too soon after.
    fn is_unscaled(&self, known: f64) -> bool {
        let (first, last) = (known + GROUP_WAIT * self.minute, known + (GROUP_WAIT + 3.0) * self.minute);
        self.of(|part| part == Part::Prometheus)
            .any(|away| away.from < last && away.to > first && away.to < last + CLEANING + SLACK.1)
    }

    /// Whether Alertmanager, there for this time, had to tell what was known since `known`.
    fn is_enough(&self, known: f64, from: f64, to: f64) -> bool {
        let wait = if from > known + GROUP_WAIT * self.minute { 0.0 } else { GROUP_WAIT };
        to - from > (wait + 2.0) * self.minute + SLACK.1
    }

    /// Whether, for two polls on end, everything was there that is needed to know of it.
    fn was_in_reach(&self, episode: &Episode) -> bool {
        let needed = (2.0 * 5.0 + 3.0) * self.minute + BETWEEN_ATTEMPTS;
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

    /// By when something is to be told: outages that hold it up are over before.
    fn due(&self, at: f64, company: usize) -> f64 {
        let budget = (BUDGET + SLACK.0) * self.minute + SLACK.1;
        let mut due = at + budget;
        let is_in_the_way = |part| match part {
            Part::Company(other) => other == company,
            part => part != Part::Replica,
        };
        for away in self.of(is_in_the_way) {
            if away.from < due && away.to > at {
                let attempts = if matches!(away.part, Part::Api) { BETWEEN_ATTEMPTS } else { 0.0 };
                due = due.max(away.to + budget + attempts);
            }
        }
        due
    }

    fn follows_long_outage(&self, at: f64) -> bool {
        let mut long = self.of(|part| part == Part::Alertmanager);
        long.any(|away| {
            let lasted = away.to - away.from > GROUP_WAIT * self.minute;
            lasted && away.from < at && at < away.to + (GROUP_WAIT + 2.0) * self.minute
        })
    }

    /// Outages of these parts, in order.
    fn of(&self, is_meant: impl Fn(Part) -> bool) -> impl Iterator<Item = &Away> {
        self.log.iter().filter(move |away| is_meant(away.part))
    }

    /// Minutes of the drill since its first evaluation.
    fn after(&self, at: f64) -> f64 {
        let start = self.evaluations.iter().flatten().map(|(at, _)| *at).fold(f64::INFINITY, f64::min);
        (at - start) / self.minute
    }

    /// An episode with all that bears on it, for whoever wonders.
    fn story(&self, episode: &Episode) -> String {
        let Episode { company, login, status, begin, end, .. } = episode;
        let [from, to] = [*begin, *end].map(|at| self.after(at));
        let near = self
            .log
            .iter()
            .filter(|away| away.to > begin - 60.0 * self.minute && away.from < end + 60.0 * self.minute);
        let near = near
            .map(|away| format!("{:?} {:.1}..{:.1}", away.part, self.after(away.from), self.after(away.to)));
        let known = self.first_known(episode).map(|at| format!("{:.1}", self.after(at)));
        format!(
            "company {company} login {login:?} {status} {from:.1}..{to:.1} known {known:?} away {:?}",
            near.collect::<Vec<_>>()
        )
    }

    fn line(&self, line: &Told) -> String {
        let noticed = line.noticed.map(|at| self.after(at as f64));
        format!("at {:.1}, noticed {noticed:.1?}: {line:?}", self.after(line.at))
    }
}

/// Why nobody could tell of an episode.
#[derive(Debug, Clone, Copy)]
enum Excuse {
    NeverRead,
    Gone,
    Unscaled,
}

impl Tally {
    /// As a table.
    pub fn table(&self) -> String {
        let rows = [
            ("episodes", self.episodes),
            ("  not to be known: never read", self.never_read),
            ("  not to be told: over before Alertmanager was back", self.gone),
            ("  lost in Alertmanager's 30 s, which are not scaled", self.unscaled),
            ("told", self.told),
            ("not told", self.missed.len()),
            ("told twice", self.twice.len()),
            ("  after Alertmanager was away for over group_wait", self.twice_after_outage.len()),
            ("told wrongly", self.wrongly.len()),
            ("told late", self.late.len()),
            ("ends", self.ends),
            ("  lost in Alertmanager's 30 s, which are not scaled", self.ends_unscaled),
            ("ends told", self.ends_told),
            ("ends not told", self.ends_missed.len()),
            ("ends told twice", self.ends_twice.len()),
            ("ends told late", self.ends_late.len()),
            ("changes of status told in two messages", self.changes_torn),
            ("standing from the start", self.standing),
            ("  told as such", self.standing_told),
            ("times the machine was too slow", self.stalls.len()),
            ("  minutes altogether", self.stalls.iter().sum::<f64>().round() as usize),
            ("messages, to all receivers", self.messages),
            ("text unlike the labels", self.unlike.len()),
        ];
        rows.iter().map(|(what, number)| format!("{what:<54}{number:>6}\n")).collect()
    }

    /// What is not as it ought to be, whatever the machine: nothing of it is about time.
    pub fn faults(&self) -> Vec<String> {
        let lists = [
            ("not told", &self.missed),
            ("told twice", &self.twice),
            ("told wrongly", &self.wrongly),
            ("end not told", &self.ends_missed),
            ("end told twice", &self.ends_twice),
            ("text unlike the labels", &self.unlike),
        ];
        let faults =
            lists.iter().flat_map(|(what, list)| list.iter().map(move |one| format!("{what}: {one}")));
        let standing = (self.standing != self.standing_told).then(|| "standing ones not told".to_owned());
        faults.chain(standing).collect()
    }

    /// Everything else that is worth a look.
    pub fn remarks(&self) -> Vec<String> {
        let lists = [
            ("told twice after an outage", &self.twice_after_outage),
            ("told late", &self.late),
            ("end told late", &self.ends_late),
        ];
        lists.iter().flat_map(|(what, list)| list.iter().map(move |one| format!("{what}: {one}"))).collect()
    }
}
