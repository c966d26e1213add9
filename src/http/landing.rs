//! The landing page: what a person wants to know at a glance.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use jiff::{SignedDuration, Timestamp};

use crate::failure::Failure;
use crate::fleet::{CompanyState, Fleet, StoredSnapshot};
use crate::metrics::Build;
use crate::status::{Category, Kind, Recheck, Status};

/// At most so many names of companies and statuses are shown, and then how many more there are.
const MAX_NAMES: usize = 20;

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing<'a> {
    version: &'static str,
    revision: &'static str,
    telemetry_path: &'a str,
    has_worklist: bool,
    is_demo: bool,
    ready: bool,
    last_poll: LastPoll,
    companies: usize,
    not_read: usize,
    failing: Vec<Failing<'a>>,
    withdrawn: usize,
    connections: String,
    accounts: String,
    categories: Vec<CategoryRow>,
    unknown: Names<UnknownStatus<'a>>,
    data_age: Option<DataAge>,
}

/// How many companies have data.
#[derive(Clone, Copy)]
enum Knows {
    All,
    Some,
    None,
}

impl Knows {
    /// A count over the companies that have data, with a word where some have none.
    fn number(self, count: u64) -> String {
        match self {
            Self::All => grouped(count),
            Self::Some => format!("{} known", grouped(count)),
            Self::None => "unknown".to_owned(),
        }
    }
}

/// The first of some names.
pub(super) struct Names<T> {
    pub(super) first: Vec<T>,
    pub(super) all: usize,
}

impl<T> Names<T> {
    pub(super) fn of(names: impl Iterator<Item = T>) -> Self {
        let mut first: Vec<T> = names.collect();
        let all = first.len();
        first.truncate(MAX_NAMES);
        Self { first, all }
    }

    pub(super) fn more(&self) -> usize {
        self.all - self.first.len()
    }
}

/// The companies that the last poll did not read, for one reason.
struct Failing<'a> {
    why: &'static str,
    companies: Names<&'a str>,
}

/// A status that is not in the table, and how many connections have it.
struct UnknownStatus<'a> {
    name: &'a str,
    count: u64,
}

/// A category of connections.
struct CategoryRow {
    name: &'static str,
    slug: &'static str,
    /// Whether a customer has to act.
    to_do: bool,
    count: String,
    /// The statuses that it is made of, where they are worth naming one by one.
    statuses: Vec<StatusLine>,
}

struct StatusLine {
    words: String,
    name: &'static str,
    count: String,
    /// What the customer is asked, where one waits.
    request: Option<&'static str>,
}

struct DataAge {
    newest: String,
    oldest: String,
}

enum LastPoll {
    None,
    /// Whole, with no company to read.
    WithoutCompanies,
    Whole,
    Failed {
        words: &'static str,
        reason: &'static str,
        advice: &'static str,
    },
}

/// The page as of `now`, without data older than `max_data_age`, and with links to `telemetry_path` and to the
/// worklist, if there is one.
///
/// # Errors
/// When the template cannot be written, which no fleet causes.
pub fn page(
    fleet: &Fleet,
    now: Timestamp,
    max_data_age: Duration,
    telemetry_path: &str,
    has_worklist: bool,
    is_demo: bool,
) -> askama::Result<String> {
    // As in the metrics, nothing about companies is shown before the first good poll.
    let states: Vec<_> = if fleet.ready { fleet.companies.values().collect() } else { Vec::new() };
    let served: Vec<&StoredSnapshot> =
        states.iter().filter_map(|state| state.served(now, max_data_age)).collect();
    let knows = match served.len() {
        known if known == states.len() => Knows::All,
        0 => Knows::None,
        _ => Knows::Some,
    };
    let mut statuses: BTreeMap<&Status, u64> = BTreeMap::new();
    for (status, tally) in served.iter().flat_map(|stored| &stored.tallies.connections.by_status) {
        *statuses.entry(status).or_default() += tally.count;
    }
    let failing = failing(&states);
    let Build { version, revision, .. } = Build::THIS;
    let landing = Landing {
        version,
        revision,
        telemetry_path,
        has_worklist,
        is_demo,
        ready: fleet.ready,
        last_poll: match fleet.last_poll {
            None => LastPoll::None,
            Some(Ok(())) if states.is_empty() => LastPoll::WithoutCompanies,
            Some(Ok(())) => LastPoll::Whole,
            Some(Err(failure)) => {
                LastPoll::Failed { words: failure.words(), reason: failure.label(), advice: failure.advice() }
            }
        },
        companies: states.len(),
        not_read: failing.iter().map(|reason| reason.companies.all).sum(),
        failing,
        withdrawn: states.len() - served.len(),
        connections: knows.number(statuses.values().sum()),
        accounts: knows.number(served.iter().map(|stored| stored.tallies.accounts.count()).sum()),
        categories: categories(&statuses, knows),
        unknown: Names::of(unknown(fleet, &statuses).into_iter()),
        data_age: data_age(&served, now),
    };
    landing.render()
}

fn failing<'a>(states: &[&'a Arc<CompanyState>]) -> Vec<Failing<'a>> {
    let mut names: BTreeMap<Option<Failure>, Vec<&str>> = BTreeMap::new();
    for state in states.iter().filter(|state| !state.is_up()) {
        names.entry(state.last_reading.and_then(Result::err)).or_default().push(&state.company.name);
    }
    let failing = names.into_iter().map(|(failure, names)| Failing {
        why: failure.map_or("waiting for the first reading", Failure::words),
        companies: Names::of(names.into_iter()),
    });
    failing.collect()
}

/// As the metrics call them.
fn unknown<'a>(fleet: &Fleet, statuses: &BTreeMap<&'a Status, u64>) -> Vec<UnknownStatus<'a>> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (status, count) in statuses.iter().filter(|(status, _)| status.category() == Category::Unknown) {
        *counts.entry(fleet.undocumented.label(Kind::Connection, status)).or_default() += count;
    }
    counts.into_iter().map(|(name, count)| UnknownStatus { name, count }).collect()
}

fn categories(statuses: &BTreeMap<&Status, u64>, knows: Knows) -> Vec<CategoryRow> {
    let row = |category: &Category| {
        let count = sum(statuses, |status| status.category() == *category);
        CategoryRow {
            name: category.display(),
            slug: category.label(),
            to_do: *category == Category::InterventionNeeded && count > 0,
            count: knows.number(count),
            statuses: named(*category, statuses, knows),
        }
    };
    Kind::Connection.categories().iter().map(row).collect()
}

/// The statuses that wait for a customer, one by one: somebody has to act on each in its own way.
fn named(category: Category, statuses: &BTreeMap<&Status, u64>, knows: Knows) -> Vec<StatusLine> {
    let documented = Kind::Connection.documented().iter();
    documented
        .filter(|row| row.category == category && row.recheck == Recheck::AfterCustomer)
        .map(|row| {
            let count = sum(statuses, |status| status.word() == row.value);
            let request = row.request.filter(|_| count > 0);
            StatusLine { words: row.headline(), name: row.display, count: knows.number(count), request }
        })
        .collect()
}

fn sum(statuses: &BTreeMap<&Status, u64>, counts: impl Fn(&Status) -> bool) -> u64 {
    statuses.iter().filter(|(status, _)| counts(status)).map(|(_, count)| count).sum()
}

fn data_age(served: &[&StoredSnapshot], now: Timestamp) -> Option<DataAge> {
    let begun_wall = || served.iter().map(|stored| stored.snapshot.begun_wall);
    let age = |begun_wall| in_words(now.duration_since(begun_wall));
    Some(DataAge { newest: age(begun_wall().max()?), oldest: age(begun_wall().min()?) })
}

/// "1,200"
pub(super) fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "3 min", to the two largest units; never negative.
fn in_words(age: SignedDuration) -> String {
    let seconds = age.as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_groups() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345, "12,345"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn ages_in_words() {
        for (seconds, words) in [
            (-5, "0 s"),
            (59, "59 s"),
            (60, "1 min 0 s"),
            (3_599, "59 min 59 s"),
            (3_600, "1 h 0 min"),
            (86_399, "23 h 59 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(in_words(SignedDuration::from_secs(seconds)), words, "{seconds}");
        }
    }
}
