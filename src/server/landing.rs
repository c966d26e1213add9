//! The landing page: what a person wants to know at a glance.
//!
//! Knows the page's words and figures. Must not know how they are laid out (`templates/landing.html`), or HTTP.

use std::time::Duration;

use askama::Template;
use jiff::{SignedDuration, Timestamp};

use crate::fleet::Fleet;
use crate::metrics::Build;
use crate::model::Snapshot;
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
    name: &'static str,
    word: &'static str,
    count: u64,
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
    let snapshots: Vec<&Snapshot> =
        states.iter().filter_map(|state| Some(&state.served(now, max_data_age)?.snapshot)).collect();
    let statuses: Vec<&Status> =
        snapshots.iter().flat_map(|s| &s.connections).map(|connection| &connection.status).collect();
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
        failing: states.iter().filter(|state| state.last_poll.is_err()).count(),
        withdrawn: states.len() - snapshots.len(),
        connections: count(statuses.len()),
        accounts: snapshots.iter().map(|snapshot| count(snapshot.accounts())).sum(),
        categories: categories(&statuses),
        data_age: data_age(&snapshots, now),
    };
    landing.render()
}

fn categories(statuses: &[&Status]) -> Vec<CategoryRow> {
    let row = |category: &Category| CategoryRow {
        name: category.display(),
        slug: category.label(),
        count: count(statuses.iter().filter(|status| status.category() == *category).count()),
        statuses: named(*category, statuses),
    };
    Kind::Connection.categories().iter().map(row).collect()
}

/// The statuses that wait for a customer, one by one: somebody has to act on each in its own way.
fn named(category: Category, statuses: &[&Status]) -> Vec<StatusRow> {
    let documented = Kind::Connection.documented().iter();
    documented
        .filter(|row| row.category == category && row.recheck == Recheck::AfterCustomer)
        .map(|row| StatusRow {
            name: row.display,
            word: row.value,
            count: count(statuses.iter().filter(|status| status.word() == row.value).count()),
        })
        .collect()
}

fn data_age(snapshots: &[&Snapshot], now: Timestamp) -> Option<DataAge> {
    let begun = || snapshots.iter().map(|snapshot| snapshot.begun);
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

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
