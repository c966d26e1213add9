//! Queries on companies, from the metrics of the fleet.
//!
//! Replicas are not counted twice: the largest value of each company is taken first, and summed after that.

use nectar_exporter::metrics::catalogue::{exporter, fleet};
use nectar_exporter::status::{Category, Kind};

use crate::promql::selector::{Selector, largest, oldest, once, series};
use crate::statuses::{calm, connected, inactive, ranks};

/// Which companies a query is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Every company.
    Fleet,
    /// The one company in the variable `company`.
    Company,
    /// The companies in the variable `company`: some or all.
    Companies,
}

impl Of {
    /// `selector`, for these companies only.
    pub fn only(self, selector: Selector) -> Selector {
        match self {
            Self::Fleet => selector,
            Self::Company => selector.the("company_id", "company"),
            Self::Companies => selector.chosen("company_id", "company"),
        }
    }
}

/// `expression`, or 0 where it is empty although data is served; empty where there is no data.
///
/// Data is served where `nectar_connections` exists. `nectar_company_last_success_timestamp_seconds` would be wrong here: it is
/// still served when data has been withdrawn for its age, and then 0 would be false. An API key without companies has no series
/// of any company: everything is 0 while the last poll was complete.
pub fn or_zero(of: Of, expression: &str) -> String {
    let served = largest(&of.only(series(&fleet::CONNECTIONS)));
    match of {
        Of::Fleet | Of::Companies => format!("{expression} or 0 * {served} or {}", no_companies()),
        Of::Company => format!("{expression} or 0 * {served}"),
    }
}

/// `expression`, or -1 where it is empty although data is served: it needs series that are not.
pub fn or_less_than_zero(of: Of, expression: &str) -> String {
    format!("{expression} or 0 * {} - 1", largest(&of.only(series(&fleet::CONNECTIONS))))
}

/// 0 while the last poll was complete and found no company, else empty.
pub fn no_companies() -> String {
    let (up, companies) = (series(&exporter::UP), series(&fleet::COMPANY_INFO));
    format!("(0 * max({up} == 1) unless on () {companies})")
}

/// The numbers of connections or accounts, by company, status and category.
pub fn counts(kind: Kind, of: Of) -> Selector {
    of.only(match kind {
        Kind::Connection => series(&fleet::CONNECTIONS),
        Kind::Account => series(&fleet::ACCOUNTS),
    })
}

/// How many connections or accounts there are.
pub fn number(kind: Kind, of: Of) -> String {
    or_zero(of, &format!("sum({})", once(&counts(kind, of), &["status"])))
}

/// How many connections or accounts are in `category`.
pub fn number_in(kind: Kind, of: Of, category: Category) -> String {
    or_zero(of, &format!("sum({})", once(&counts(kind, of).category(category), &["status"])))
}

/// How many connections or accounts there are, by status; only those that are not 0.
pub fn number_by_status(kind: Kind, of: Of) -> String {
    format!("sum by (status) ({}) > 0", once(&counts(kind, of), &["status"]))
}

/// How many connections or accounts are in trouble, by `label` (`status` or `category`); only those that are not 0.
pub fn troubled_by(kind: Kind, of: Of, label: &str) -> String {
    let troubled = counts(kind, of).none("category", &calm(kind));
    format!("sum by ({label}) ({}) > 0", once(&troubled, &["status", "category"]))
}

/// The rank of who has to act on each status in `selector`, by company and `labels`: see `statuses::ranks`.
pub fn who_acts(kind: Kind, selector: &Selector, labels: &[&str]) -> String {
    let documented: Vec<&str> = kind.documented().iter().map(|row| row.value).collect();
    let ranked = ranks(kind).map(|(rank, statuses)| {
        let selector = selector.clone();
        let these = match statuses.as_slice() {
            [] => selector.none("status", &documented),
            statuses => selector.any("status", statuses),
        };
        format!("0 * ({} > 0) + {rank}", once(&these, labels))
    });
    ranked.collect::<Vec<_>>().join(" or ")
}

/// The share of connections that are connected; -1 where there is no connection. Deactivated companies are left out.
pub fn share_connected(of: Of) -> String {
    let connected = once(&counts(Kind::Connection, of).is("status", connected()), &["status"]);
    let all = once(&counts(Kind::Connection, of).is_not("status", inactive()), &["status"]);
    let none = or_zero(of, &format!("sum({all})"));
    format!("sum({connected}) / (sum({all}) > 0) or (({none}) == 0) - 1")
}

/// How many companies have a connection in `category`.
pub fn companies_with(of: Of, category: Category) -> String {
    let counts = once(&counts(Kind::Connection, of).category(category), &["status"]);
    or_zero(of, &format!("sum(sum by (company_id) ({counts}) > bool 0)"))
}

/// How many connections were overdue for a check when they were read. Deactivated companies are left out.
pub fn overdue(of: Of) -> String {
    let overdue = of.only(series(&fleet::CONNECTIONS_OVERDUE)).is_not("status", inactive());
    or_zero(of, &format!("sum({})", once(&overdue, &["status"])))
}

/// When each company was read, which is what its ages are relative to.
pub fn read_at(of: Of) -> String {
    once(&of.only(series(&fleet::COMPANY_LAST_SUCCESS)), &[])
}

/// Days from `times`, one or more per company, to when the company was read.
pub fn age(of: Of, times: &str) -> String {
    format!("clamp_min({} - on (company_id) group_right () {times}, 0) / 86400", read_at(of))
}

/// How long the oldest connection or account has been in its status, by company, status and category.
pub fn longest_in_status(kind: Kind, of: Of) -> String {
    age(of, &oldest(&first_seen(kind, of), &["status", "category"]))
}

/// How long the oldest connection that needs its customer has waited, by company and status.
pub fn longest_wait(of: Of) -> String {
    let times = first_seen(Kind::Connection, of).category(Category::InterventionNeeded);
    age(of, &oldest(&times, &["status"]))
}

/// A customer who has not acted for this many days has probably forgotten it.
pub const FORGOTTEN_DAYS: f64 = 14.0;

/// How long the login that waits longest has needed its customer; 0 where none does.
pub fn longest_wait_of_all(of: Of) -> String {
    or_zero(of, &format!("max({})", longest_wait(of)))
}

/// How many companies have a connection that has waited for them too long.
pub fn forgotten(of: Of) -> String {
    or_zero(of, &format!("count(count by (company_id) ({} > {FORGOTTEN_DAYS}))", longest_wait(of)))
}

fn first_seen(kind: Kind, of: Of) -> Selector {
    of.only(match kind {
        Kind::Connection => series(&fleet::CONNECTIONS_OLDEST_FIRST_SEEN),
        Kind::Account => series(&fleet::ACCOUNTS_OLDEST_FIRST_SEEN),
    })
}

/// Exactly one name per company. Replicas disagree for a while after a rename: the newest reading wins. A company that was never
/// read has the name from the list of companies.
pub fn names(of: Of) -> String {
    let read = once(&of.only(series(&fleet::COMPANY_LAST_SUCCESS)), &["company"]);
    let listed = once(&of.only(series(&fleet::COMPANY_INFO)), &["company"]);
    format!(
        "(group by (company_id, company) (topk by (company_id) (1, {read})) \
         or on (company_id) topk by (company_id) (1, {listed}))"
    )
}

/// `expression`, one or more series per company, with the company's name.
pub fn named(of: Of, expression: &str) -> String {
    format!("({expression}) * on (company_id) group_left (company) {}", names(of))
}

/// How many listed companies the last poll could not read.
pub fn unread(of: Of) -> String {
    let up = once(&of.only(series(&fleet::COMPANY_UP)), &[]);
    format!("sum({up} == bool 0) or {}", no_companies())
}

/// 1 where the last poll could read the company.
pub fn was_read(of: Of) -> String {
    format!("{} == 1", once(&of.only(series(&fleet::COMPANY_UP)), &[]))
}

/// Why the last poll could not read each company; empty for those that it could.
pub fn failures(of: Of) -> String {
    once(&of.only(series(&fleet::COMPANY_LAST_FAILURE)), &["reason"])
}

/// The age of the last good data of each company that the last poll could not read.
pub fn age_of_unread(of: Of) -> String {
    let unread = once(&of.only(series(&fleet::COMPANY_UP)), &[]);
    format!("time() - {} and on (company_id) {unread} == 0", read_at(of))
}
