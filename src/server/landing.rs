//! The landing page: what a person wants to know at a glance.
//!
//! Knows the page's words and figures. Must not know how they are laid out (`templates/landing.html`), or HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;
use jiff::{SignedDuration, Timestamp};

use crate::fleet::{Fleet, Held};
use crate::metrics::Build;
use crate::status::{Category, Kind, Recheck, Status};

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing<'a> {
    version: &'static str,
    revision: &'static str,
    telemetry_path: &'a str,
    ready: bool,
    last_poll: LastPoll,
    companies: usize,
    failing: usize,
    withdrawn: usize,
    connections: u64,
    accounts: u64,
    categories: Vec<CategoryRow>,
    data_age: Option<DataAge>,
}

/// A category of connections.
struct CategoryRow {
    name: &'static str,
    slug: &'static str,
    count: u64,
    /// The statuses that it is made of, where they are worth naming one by one.
    statuses: Vec<StatusRow>,
}

struct StatusRow {
    words: String,
    name: &'static str,
    count: u64,
    /// What the customer is asked, where one waits.
    request: Option<&'static str>,
}

struct DataAge {
    newest: String,
    oldest: String,
}

enum LastPoll {
    None,
    Whole,
    Failed { reason: &'static str, advice: &'static str },
}

/// The page as of `now`.
///
/// # Errors
/// When the template cannot be written, which no fleet causes.
pub fn page(
    fleet: &Fleet,
    now: Timestamp,
    max_data_age: Duration,
    telemetry_path: &str,
) -> askama::Result<String> {
    // As in the metrics, nothing about companies is shown before the first good poll.
    let states: Vec<_> = if fleet.ready { fleet.companies.values().collect() } else { Vec::new() };
    let served: Vec<&Held> = states.iter().filter_map(|state| state.served(now, max_data_age)).collect();
    let mut statuses: BTreeMap<&Status, u64> = BTreeMap::new();
    for (status, tally) in served.iter().flat_map(|held| &held.tallies.connections.by_status) {
        *statuses.entry(status).or_default() += tally.count;
    }
    let Build { version, revision, .. } = Build::THIS;
    let landing = Landing {
        version,
        revision,
        telemetry_path,
        ready: fleet.ready,
        last_poll: match fleet.last_poll {
            None => LastPoll::None,
            Some(Ok(())) => LastPoll::Whole,
            Some(Err(failure)) => LastPoll::Failed { reason: failure.label(), advice: failure.advice() },
        },
        companies: states.len(),
        failing: states.iter().filter(|state| !state.is_up()).count(),
        withdrawn: states.len() - served.len(),
        connections: statuses.values().sum(),
        accounts: served.iter().map(|held| held.tallies.accounts.count()).sum(),
        categories: categories(&statuses),
        data_age: data_age(&served, now),
    };
    landing.render()
}

fn categories(statuses: &BTreeMap<&Status, u64>) -> Vec<CategoryRow> {
    let row = |category: &Category| CategoryRow {
        name: category.display(),
        slug: category.label(),
        count: sum(statuses, |status| status.category() == *category),
        statuses: named(*category, statuses),
    };
    Kind::Connection.categories().iter().map(row).collect()
}

/// The statuses that wait for a customer, one by one: somebody has to act on each in its own way.
fn named(category: Category, statuses: &BTreeMap<&Status, u64>) -> Vec<StatusRow> {
    let documented = Kind::Connection.documented().iter();
    documented
        .filter(|row| row.category == category && row.recheck == Recheck::AfterCustomer)
        .map(|row| {
            let count = sum(statuses, |status| status.word() == row.value);
            let request = row.request.filter(|_| count > 0);
            StatusRow { words: row.headline(), name: row.display, count, request }
        })
        .collect()
}

fn sum(statuses: &BTreeMap<&Status, u64>, counts: impl Fn(&Status) -> bool) -> u64 {
    statuses.iter().filter(|(status, _)| counts(status)).map(|(_, count)| count).sum()
}

fn data_age(served: &[&Held], now: Timestamp) -> Option<DataAge> {
    let begun = || served.iter().map(|held| held.snapshot.begun);
    let age = |begun| in_words(now.duration_since(begun));
    Some(DataAge { newest: age(begun().max()?), oldest: age(begun().min()?) })
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
