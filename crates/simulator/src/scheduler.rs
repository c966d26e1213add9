//! When checks, customers and new connections come, and what happens then.
//!
//! Virtual time runs `speed` times as fast as the wall clock. Nothing runs in the background: the fleet catches up whenever it is read
//! or changed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::fleet::{Company, Connection, Fleet, Word};
use super::generator;
use super::random::Random;
use super::seed_data::UTILITY_COUNT;
use super::transitions::{self, COMPANY_INACTIVE, CONNECTED, PENDING, UNDER_INVESTIGATION, WEBSITE_DOWN};
use nectar_status::{Kind, Recheck};

/// Virtual time, in milliseconds since the start.
type Virtual = u64;

const HOUR: Virtual = 60 * 60 * 1000;
const DAY: Virtual = 24 * HOUR;
const WEEK: Virtual = 7 * DAY;

/// How long customers take to act, on average, in days.
const CUSTOMER_DAYS: f64 = 5.0;

/// How long a company goes without a new connection, on average, in days.
const GROWTH_DAYS: f64 = 20.0;

/// Reading the fleet once handles at most this many events, so that no speed makes a request wait for ever.
const EVENTS_AT_ONCE: usize = 100_000;

/// A planned event; it refers to rows by their serials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A check, a first check, or a customer who acts: whatever the connection's status waits for.
    Check { company: u64, connection: u64 },
    /// The company adds a connection.
    Growth { company: u64 },
}

impl Event {
    fn company(self) -> u64 {
        match self {
            Self::Check { company, .. } | Self::Growth { company } => company,
        }
    }
}

/// The planned events, in order. A row has at most one: a new plan replaces the old one.
#[derive(Debug)]
pub struct Scheduler {
    speed: f64,
    calendar: BTreeSet<(Virtual, Event)>,
}

impl Scheduler {
    /// Plans the first event of every row of `fleet`.
    pub fn new(fleet: &mut Fleet, speed: f64) -> Self {
        let mut scheduler = Self { speed, calendar: BTreeSet::new() };
        let Fleet { companies, rng, start, .. } = fleet;
        for company in companies.iter_mut().filter(|company| company.is_active && company.initial > 0) {
            scheduler
                .calendar
                .insert((days(rng.exponential(GROWTH_DAYS)), Event::Growth { company: company.serial }));
            for connection in &mut company.connections {
                if let Some(due) = first_look(connection, *start, rng) {
                    scheduler.plan(company.serial, connection, due);
                }
            }
        }
        scheduler
    }

    /// Handles everything that was due by `now`.
    pub fn advance(&mut self, fleet: &mut Fleet, now: Timestamp) {
        let reached = self.virtual_time(fleet.start, now);
        for _ in 0..EVENTS_AT_ONCE {
            let Some((due, event)) = self.calendar.first().copied().filter(|(due, _)| *due <= reached) else {
                return;
            };
            self.calendar.remove(&(due, event));
            let at = self.wall_time(fleet.start, due).min(now);
            match event {
                Event::Check { company, connection } => self.look(fleet, company, connection, due, at),
                Event::Growth { company } => self.grow(fleet, company, due, at),
            }
        }
    }

    /// A test changed this connection at `now`: the plan for it no longer holds.
    pub fn replan(&mut self, fleet: &mut Fleet, company: usize, connection: usize, now: Timestamp) {
        let from = self.virtual_time(fleet.start, now);
        let Fleet { companies, rng, .. } = fleet;
        let Some(company) = companies.get_mut(company) else { return };
        let Some(connection) = company.connections.get_mut(connection) else { return };
        self.cancel(company.serial, connection);
        if let Some(gap) = next_gap(connection, rng) {
            self.plan(company.serial, connection, from.saturating_add(gap));
        }
    }

    /// A company was removed: drops all plans for it.
    pub fn forget(&mut self, company: &Company) {
        self.calendar.retain(|(_, event)| event.company() != company.serial);
    }

    fn plan(&mut self, company: u64, connection: &mut Connection, due: Virtual) {
        connection.due = Some(due);
        self.calendar.insert((due, Event::Check { company, connection: connection.serial }));
    }

    /// A connection was removed: drops the plan for it.
    pub fn cancel(&mut self, company: u64, connection: &mut Connection) {
        if let Some(due) = connection.due.take() {
            self.calendar.remove(&(due, Event::Check { company, connection: connection.serial }));
        }
    }

    fn look(&mut self, fleet: &mut Fleet, serial: u64, connection: u64, due: Virtual, at: Timestamp) {
        let Some((company, rng, mean)) = fleet.company_by_serial(serial) else { return };
        let Some(position) = company.position(connection) else { return };
        let Company { connections, down, .. } = company;
        let Some(connection) = connections.get_mut(position) else { return };
        connection.due = None;
        let found = if down.contains(&connection.utility.name) {
            Word::Borrowed(WEBSITE_DOWN)
        } else {
            transitions::next_connection(&connection.status_record.status, rng)
        };
        transitions::apply_check(connection, found, at, mean, rng);
        if let Some(gap) = next_gap(connection, rng) {
            self.plan(serial, connection, due.saturating_add(gap));
        }
    }

    /// A company gets a connection. One that has grown by a fifth loses an old one.
    fn grow(&mut self, fleet: &mut Fleet, serial: u64, due: Virtual, at: Timestamp) {
        let fresh_serial = fleet.serial();
        let Some((company, rng, _)) = fleet.company_by_serial(serial) else { return };
        let again = due.saturating_add(days(rng.exponential(GROWTH_DAYS)));
        self.calendar.insert((again, Event::Growth { company: serial }));
        let known = rng.pick(&company.connections).map(|connection| connection.utility);
        let home = rng.place(UTILITY_COUNT);
        let utility = known.unwrap_or_else(|| generator::near(home, rng));
        let mut fresh = generator::fresh(fresh_serial, utility, at, rng);
        if let Some(gap) = next_gap(&fresh, rng) {
            self.plan(serial, &mut fresh, due.saturating_add(gap));
        }
        company.connections.push(fresh);
        if company.connections.len() > company.initial + (company.initial / 5).max(1) {
            let position = rng.place(company.connections.len() / 2);
            let mut gone = company.connections.remove(position);
            self.cancel(serial, &mut gone);
        }
    }

    fn virtual_time(&self, start: Timestamp, now: Timestamp) -> Virtual {
        whole(now.duration_since(start).as_millis_f64() * self.speed)
    }

    fn wall_time(&self, start: Timestamp, at: Virtual) -> Timestamp {
        let span = SignedDuration::try_from_secs_f64(millis(at) / self.speed / 1000.0);
        start.checked_add(span.unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
    }
}

/// Clamps to the range: a clock that stepped back to before the start gives 0.
#[allow(clippy::as_conversions)]
fn whole(millis: f64) -> Virtual {
    millis as Virtual
}

/// Exact up to 285 000 years.
#[allow(clippy::as_conversions)]
fn millis(at: Virtual) -> f64 {
    at as f64
}

fn days(days: f64) -> Virtual {
    whole(days * millis(DAY))
}

/// When the first event of a row with a past comes. What was due before the start comes soon after it.
fn first_look(connection: &Connection, start: Timestamp, rng: &mut Random) -> Option<Virtual> {
    let status_record = &connection.status_record;
    if status_record.read(Kind::Connection).recheck() == Recheck::AfterCustomer {
        return next_gap(connection, rng);
    }
    let gap = next_gap(connection, rng)?;
    // The account that has waited longest counts, because it is checked with its connection.
    let accounts = connection.accounts.iter().filter(|account| !transitions::is_final(account));
    let checked = accounts
        .filter_map(|account| account.status_record.last_update)
        .chain(status_record.last_update)
        .min();
    let age = start.duration_since(checked.unwrap_or(connection.created)).as_millis();
    let age = Virtual::try_from(age).unwrap_or(0);
    Some(gap.checked_sub(age).unwrap_or_else(|| rng.below(6 * HOUR)))
}

/// How long after its last check the connection is checked again, or its customer acts.
fn next_gap(connection: &Connection, rng: &mut Random) -> Option<Virtual> {
    let status_record = &connection.status_record;
    let recheck = status_record.read(Kind::Connection).recheck();
    match (status_record.status.as_ref(), recheck) {
        (COMPANY_INACTIVE, _) | (_, Recheck::Never) => None,
        (_, Recheck::AfterCustomer) => Some(days(rng.exponential(CUSTOMER_DAYS))),
        // Mostly within hours; within two days always.
        (PENDING, _) => Some(if rng.chance(0.7) { rng.below(12 * HOUR) } else { rng.below(2 * DAY) }),
        (UNDER_INVESTIGATION, _) => Some(rng.between(DAY, 5 * DAY)),
        // Now and then Nectar is late.
        (CONNECTED, _) if rng.chance(0.01) => Some(WEEK + rng.below(3 * DAY)),
        _ => Some(WEEK - rng.below(DAY / 4)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Plan;

    #[test]
    fn the_calendar_has_one_entry_per_row_however_long_it_runs() {
        let start = Timestamp::UNIX_EPOCH;
        let mut fleet = generator::build(&Plan { companies: 8, ..Plan::default() }, start);
        let mut scheduler = Scheduler::new(&mut fleet, 365.0);
        for day in 1..=4 {
            let now = start + SignedDuration::from_hours(24 * day);
            scheduler.advance(&mut fleet, now);
            (0..50).for_each(|_| scheduler.replan(&mut fleet, 0, 0, now));
            let active = || fleet.companies.iter().filter(|company| company.is_active);
            let rows: usize = active().map(|company| company.connections.len()).sum();
            assert_eq!(scheduler.calendar.len(), rows + active().count());
        }
    }
}
