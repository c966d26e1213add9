//! What happens in the drill, and when: drawn from a seed before anything happens. Times are minutes of the drill.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::nectar::{CONNECTED, Nectar, WAITING};

/// Minutes from one episode to the next, on average: 500 of them take 60 hours.
const PACE: f64 = 7.2;
/// Each arrival leads to two episodes on average.
const EPISODES_OF_ARRIVAL: f64 = 2.0;
const HOUR: f64 = 60.0;
/// A weekend: for two days, half as much happens as usual. Shorter drills have none.
const WEEKEND: (f64, f64) = (6.0 * HOUR, 54.0 * HOUR);
/// The longest time without any reading: Prometheus remembers for 5 hours.
const LONGEST: f64 = 4.0 * HOUR;
/// Nothing happens in this time after the start, and no outage ends in this time before the end.
const CALM: f64 = 30.0;

/// Something that happens at Nectar.
#[derive(Debug, Clone)]
pub enum Event {
    Becomes { login: usize, status: &'static str },
    Removed { login: usize },
    SwitchedOff { company: usize },
    CompanyRemoved { company: usize },
}

/// What can go away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Exporter,
    Prometheus,
    Alertmanager,
    /// All of Nectar's API.
    Api,
    /// One company cannot be read.
    Company(usize),
    /// A second exporter comes, and goes.
    Replica,
    /// The drill's machine was busy with something else; not part of the script.
    Machine,
}

/// Everything that is going to happen, in order.
#[derive(Debug)]
pub struct Script {
    pub life: Vec<(f64, Event)>,
    /// Part, beginning and end.
    pub outages: Vec<(Part, f64, f64)>,
    pub length: f64,
}

/// What comes next for a login that does not work.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Mended,
    /// Mended, and broken again at once.
    Again,
    Other,
    Website,
    Removed,
}

/// A script while it is written.
struct Writer<'a> {
    chance: Chance,
    nectar: &'a Nectar,
    life: Vec<(f64, Event)>,
    /// What comes next, and when. Logins that wait for nothing have no entry.
    fates: BTreeMap<usize, (f64, Fate)>,
    /// Logins that are left alone until this time.
    rests: BTreeMap<usize, f64>,
    /// How many episodes are still to begin.
    left: usize,
}

impl Script {
    /// The script for this seed, with this many episodes.
    pub fn draw(nectar: &Nectar, seed: u64, episodes: usize) -> Self {
        let mut writer = Writer {
            chance: Chance(ChaCha8Rng::seed_from_u64(seed)),
            nectar,
            life: Vec::new(),
            fates: BTreeMap::new(),
            rests: BTreeMap::new(),
            left: episodes,
        };
        let length = CALM + writer.write_life();
        let outages = writer.outages(length);
        let mut life = writer.life;
        life.retain(|(at, _)| *at < length);
        life.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        Self { life, outages, length }
    }

    /// When a part goes away (true) or comes back (false), in order.
    pub fn switches(&self) -> Vec<(f64, Part, bool)> {
        let both = |(part, from, to): &(Part, f64, f64)| [(*from, *part, true), (*to, *part, false)];
        let mut switches: Vec<_> = self.outages.iter().flat_map(both).collect();
        switches.sort_by(|(one, ..), (other, ..)| one.total_cmp(other));
        switches
    }
}

impl Writer<'_> {
    /// Writes until all episodes have begun; returns when that is.
    fn write_life(&mut self) -> f64 {
        let is_waiting = |login: &usize| self.nectar.logins[*login].status_at(f64::MAX) != Some(CONNECTED);
        let standing: Vec<usize> = (0..self.nectar.logins.len()).filter(is_waiting).collect();
        for login in standing {
            let until = if self.chance.is(0.6) { HOUR + self.chance.span(20.0 * HOUR) } else { f64::MAX };
            self.fates.insert(login, (until, Fate::Mended));
        }
        let has_weekend = self.left as f64 * PACE > WEEKEND.1;
        let mut now = CALM;
        while self.left > 0 {
            let share = match has_weekend {
                true if (WEEKEND.0..WEEKEND.1).contains(&now) => 1.2,
                true => 0.6,
                false => 1.0,
            };
            now += self.chance.waiting(PACE * EPISODES_OF_ARRIVAL * share);
            self.follow(now);
            self.arrive(now);
        }
        self.follow(now + 24.0 * HOUR);
        now
    }

    /// Something breaks: mostly one login, now and then several of a company at once, or a company goes.
    fn arrive(&mut self, now: f64) {
        let company = self.chance.below(self.nectar.companies.len());
        let is_free = |login: &usize| {
            let is_at_rest = self.rests.get(login).is_none_or(|until| *until < now);
            self.nectar.logins[*login].company == company && !self.fates.contains_key(login) && is_at_rest
        };
        let mut free: Vec<usize> = (0..self.nectar.logins.len()).filter(is_free).collect();
        let number = match self.chance.below(200) {
            0 | 1 => return self.company_goes(now, Event::SwitchedOff { company }),
            2 => return self.company_goes(now, Event::CompanyRemoved { company }),
            3..150 => 1,
            _ => 2 + self.chance.below(3),
        };
        for _ in 0..number.min(free.len()) {
            let place = self.chance.below(free.len());
            let login = free.swap_remove(place);
            self.breaks(login, now, None);
        }
    }

    fn company_goes(&mut self, now: f64, event: Event) {
        let (Event::SwitchedOff { company } | Event::CompanyRemoved { company }) = event else { return };
        let is_of = |login: &usize| self.nectar.logins[*login].company == company;
        let logins: Vec<usize> = (0..self.nectar.logins.len()).filter(is_of).collect();
        // Not while something is in progress there.
        if logins.iter().any(|login| self.rests.get(login).is_some_and(|until| *until >= now)) {
            return;
        }
        for login in logins {
            self.fates.remove(&login);
            self.rests.insert(login, f64::MAX);
        }
        self.life.push((now, event));
    }

    /// An episode begins, in a status other than `but`.
    fn breaks(&mut self, login: usize, now: f64, but: Option<&'static str>) {
        if self.left == 0 {
            return self.becomes(login, now, CONNECTED);
        }
        self.left -= 1;
        let choice: Vec<&'static str> = WAITING.into_iter().filter(|status| Some(*status) != but).collect();
        let place = self.chance.below(choice.len());
        self.becomes(login, now, choice[place]);
        let lasts = match self.chance.below(100) {
            0..30 => 5.0 + self.chance.span(15.0),
            30..75 => 20.0 + self.chance.span(100.0),
            _ => 2.0 * HOUR + self.chance.span(8.0 * HOUR),
        };
        let fate = match self.chance.below(100) {
            0..62 => Fate::Mended,
            62..74 => Fate::Again,
            74..88 => Fate::Other,
            88..96 => Fate::Website,
            _ => Fate::Removed,
        };
        self.fates.insert(login, (now + lasts, fate));
    }

    fn becomes(&mut self, login: usize, now: f64, status: &'static str) {
        self.life.push((now, Event::Becomes { login, status }));
        self.rests.insert(login, now + 10.0);
    }

    fn status(&self, login: usize) -> Option<&'static str> {
        self.life.iter().rev().find_map(|(_, event)| match event {
            Event::Becomes { login: which, status } if *which == login => Some(*status),
            _ => None,
        })
    }

    /// Everything that is due by then happens.
    fn follow(&mut self, until: f64) {
        let next = |fates: &BTreeMap<usize, (f64, Fate)>| {
            let due = fates.iter().filter(|(_, (at, _))| *at <= until);
            due.min_by(|(_, (one, _)), (_, (other, _))| one.total_cmp(other))
                .map(|(login, fate)| (*login, *fate))
        };
        while let Some((login, (at, fate))) = next(&self.fates) {
            self.fates.remove(&login);
            match fate {
                Fate::Mended => self.becomes(login, at, CONNECTED),
                Fate::Again => {
                    self.becomes(login, at, CONNECTED);
                    let again = at + 2.0 + self.chance.span(3.0);
                    self.breaks(login, again, None);
                }
                Fate::Other => {
                    let but = self.status(login);
                    self.breaks(login, at, but);
                }
                Fate::Website => {
                    self.becomes(login, at, "WEBSITE_DOWN");
                    let lasts = 10.0 + self.chance.span(HOUR);
                    self.fates.insert(login, (at + lasts, Fate::Mended));
                }
                Fate::Removed => {
                    self.life.push((at, Event::Removed { login }));
                    self.rests.insert(login, f64::MAX);
                }
            }
        }
    }

    /// One outage after the other; a quarter of them with another one inside.
    fn outages(&mut self, length: f64) -> Vec<(Part, f64, f64)> {
        let longest = LONGEST.min(length / 4.0);
        let mut outages = Vec::new();
        let mut now = HOUR;
        while now < length - 2.0 * CALM {
            let part = self.part();
            let end = now + self.lasts(part, longest);
            if end > length - CALM {
                now += CALM / 2.0;
                continue;
            }
            outages.push((part, now, end));
            let other = self.part();
            let begin = now + self.chance.span(end - now);
            let last = begin + self.lasts(other, longest);
            if self.chance.is(0.25)
                && !is_same_kind(part, other)
                && last < length - CALM
                && last - now < LONGEST
            {
                outages.push((other, begin, last));
            }
            let last = outages.last().map_or(end, |(_, _, last)| last.max(end));
            now = last + 20.0 + self.chance.waiting(45.0);
        }
        outages
    }

    fn part(&mut self) -> Part {
        match self.chance.below(12) {
            0 | 1 => Part::Exporter,
            2..5 => Part::Prometheus,
            5..8 => Part::Alertmanager,
            8 | 9 => Part::Api,
            10 => Part::Company(self.chance.below(self.nectar.companies.len())),
            _ => Part::Replica,
        }
    }

    fn lasts(&mut self, part: Part, longest: f64) -> f64 {
        let lasts = match self.chance.below(100) {
            0..50 => 3.0 + self.chance.span(7.0),
            50..85 => 10.0 + self.chance.span(50.0),
            _ => HOUR + self.chance.span((longest - HOUR).max(0.0)),
        };
        if part == Part::Replica { lasts.max(20.0) } else { lasts }
    }
}

/// Whether both use the same switch of the simulator.
fn is_same_kind(one: Part, other: Part) -> bool {
    let is_fault = |part| matches!(part, Part::Api | Part::Company(_));
    one == other || is_fault(one) && is_fault(other)
}

/// A stream of random numbers that a seed reproduces.
struct Chance(ChaCha8Rng);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        let wide = u128::from(self.0.next_u64()) * u128::try_from(end).unwrap();
        usize::try_from(wide >> 64).unwrap()
    }

    /// From 0 to, not including, `end`.
    fn span(&mut self, end: f64) -> f64 {
        f64::from(self.0.next_u32()) / (f64::from(u32::MAX) + 1.0) * end
    }

    fn is(&mut self, probability: f64) -> bool {
        self.span(1.0) < probability
    }

    /// An exponentially distributed waiting time.
    fn waiting(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.span(1.0)).ln()
    }
}
