//! What the Trend board must show. Its queries look back over weeks, and the world of these tests is seconds old: they are asked without
//! that.

use nectar_exporter::status::{Category, Kind, Status};
use nectar_simulator::Simulator;

use crate::fleet::Login;
use crate::tally::{Truth, float, largest, number, rows, tally};
use crate::truth::Seen;

const DAY: f64 = 86_400.0;
/// The bounds of the histogram's buckets, in days.
const BOUNDS: [f64; 11] = [0.0, 1.0 / 24.0, 0.25, 1.0, 2.0, 3.0, 5.0, 7.0, 14.0, 30.0, 90.0];
/// What asks for a time before the world was there, and what is asked instead.
const AGES: [(&str, &str); 6] = [
    (" offset 7d", ""),
    (" offset 28d", ""),
    (" offset 14d", ""),
    (" offset 56d", ""),
    ("[30d:1d]", "[1s:1s]"),
    ("[5m:5m]", "[1s:1s]"),
];

/// The query in a form that a young Prometheus has an answer to.
pub fn in_a_young_world(expression: &str) -> String {
    AGES.iter().fold(expression.to_owned(), |text, (old, young)| text.replace(old, young))
}

/// A status that a login left, by the simulated Nectar's own record.
#[derive(Debug)]
pub struct Change {
    company_id: String,
    company: String,
    from: Category,
    to: Category,
    /// How long it was in the status that it left.
    seconds: Option<f64>,
}

/// All changes of these logins since the start.
pub fn changes(simulator: &Simulator, fleet: &[Login]) -> Vec<Change> {
    let category = |status: &str| Status::read(Kind::Connection, Some(status)).category();
    let of = |login: &Login| {
        let statuses = simulator.statuses(&login.standing.id);
        let change = |pair: &[(String, Option<jiff::Timestamp>)]| Change {
            company_id: login.company_id.clone(),
            company: login.company.clone(),
            from: category(&pair[0].0),
            to: category(&pair[1].0),
            seconds: pair[0].1.zip(pair[1].1).map(|(from, to)| to.duration_since(from).as_secs_f64()),
        };
        statuses.windows(2).map(change).collect::<Vec<_>>()
    };
    fleet.iter().flat_map(of).collect()
}

const CUSTOMER: Category = Category::InterventionNeeded;

pub fn broken(seen: &Seen<'_>) -> Truth {
    number(seen.changes.iter().filter(|change| change.to == CUSTOMER).count())
}

fn mends<'a>(seen: &'a Seen<'_>) -> impl Iterator<Item = (&'a Change, f64)> {
    seen.changes
        .iter()
        .filter(|change| change.from == CUSTOMER)
        .filter_map(|change| Some((change, change.seconds?)))
}

pub fn mended(seen: &Seen<'_>) -> Truth {
    number(mends(seen).count())
}

/// As it is estimated from the buckets.
fn time_to_mend(seen: &Seen<'_>, share: f64) -> Truth {
    let days: Vec<f64> = mends(seen).map(|(_, seconds)| seconds / DAY).collect();
    let below = |bound: f64| float(days.iter().filter(|days| **days <= bound).count());
    let rank = share * float(days.len());
    let bucket = BOUNDS.windows(2).find(|bounds| below(bounds[1]) >= rank).unwrap();
    let (low, high) = (below(bucket[0]), below(bucket[1]));
    let days = bucket[0] + (bucket[1] - bucket[0]) * (rank - low) / (high - low);
    rows(&[], [(vec![], days)])
}

pub fn half(seen: &Seen<'_>) -> Truth {
    time_to_mend(seen, 0.5)
}

pub fn nine_of_ten(seen: &Seen<'_>) -> Truth {
    time_to_mend(seen, 0.9)
}

pub fn mended_by_company(seen: &Seen<'_>) -> Truth {
    let key = |(change, _): (&Change, f64)| vec![change.company_id.clone(), change.company.clone()];
    tally(&["company_id", "company"], mends(seen).map(key))
}

pub fn mean_by_company(seen: &Seen<'_>) -> Truth {
    let key = |change: &Change| vec![change.company_id.clone(), change.company.clone()];
    let number = tally(&["company_id", "company"], mends(seen).map(|(change, _)| key(change)));
    let mean = |(company, number): (&Vec<String>, &f64)| {
        let all = mends(seen).filter(|(change, _)| key(change) == *company).map(|(_, seconds)| seconds);
        (company.clone(), all.sum::<f64>() / number / DAY)
    };
    Truth { within: 0.01, ..rows(&["company_id", "company"], number.rows.iter().map(mean)) }
}

pub fn longest_wait_by_company(seen: &Seen<'_>) -> Truth {
    let waiting = seen.of_companies.iter().filter(|login| login.standing.is_in(CUSTOMER));
    let wait = |login: &&Login| {
        let since = login.standing.first_seen?;
        Some((vec![login.company_id.clone()], (seen.now - since) / DAY))
    };
    Truth { within: 0.01, ..largest(&["company_id"], waiting.copied().filter_map(|login| wait(&login))) }
}

pub fn needed_now(seen: &Seen<'_>) -> Truth {
    let waiting = seen.of_companies.iter().filter(|login| login.standing.is_in(CUSTOMER));
    tally(
        &["company_id", "company"],
        waiting.map(|login| vec![login.company_id.clone(), login.company.clone()]),
    )
}

fn active<'a>(seen: &Seen<'a>) -> impl Iterator<Item = &'a Login> {
    seen.of_companies.iter().copied().filter(|login| !login.standing.is(&["COMPANY_INACTIVE"]))
}

pub fn logins_by_utility(seen: &Seen<'_>) -> Truth {
    tally(&["datasource"], active(seen).map(|login| vec![login.utility.clone()]))
}

/// Of 100 logins, those that broke within a day; 30 times as many, since that is the only day.
pub fn broken_by_utility(seen: &Seen<'_>) -> Truth {
    let is_new = |login: &&Login| {
        let since = login.standing.first_seen.or(login.standing.last_update);
        login.standing.status.category().is_broken() && since.is_some_and(|since| seen.now - since < DAY)
    };
    let all = logins_by_utility(seen);
    let new = tally(&["datasource"], active(seen).filter(is_new).map(|login| vec![login.utility.clone()]));
    rows(
        &["datasource"],
        new.rows
            .into_iter()
            .map(|(utility, count)| (utility.clone(), 30.0 * 100.0 * count / all.rows[&utility])),
    )
}
