//! Queries on how it goes over weeks: how many logins broke and were mended, and how long that took.
//!
//! Counters are read before replicas are merged: each restarts by itself.

use nectar_exporter::metrics::catalogue::{exporter, fleet, objects};
use nectar_exporter::status::{Category, Kind};

use crate::promql::companies::{Of, counts, longest_wait, named, no_companies};
use crate::promql::selector::{Selector, largest, once, part, series};
use crate::statuses::inactive;

const CUSTOMER: Category = Category::InterventionNeeded;
/// A week brings too few for a median.
const FOUR_WEEKS: &str = "28d";
const DAY: u32 = 86_400;
/// For what is broken a day at a time.
const MONTH_BY_DAYS: &str = "[30d:1d]";

/// How often logins came into a status in which they need their customer, in the seven days before `offset`.
pub fn broken_in_a_week(offset: &str) -> String {
    let changes = series(&fleet::CONNECTION_STATUS_CHANGES).category(CUSTOMER);
    format!("sum(round({}))", increase(&changes, "7d", offset, &["status"]))
}

/// How often logins left a status in which they needed their customer, in the seven days before `offset`.
pub fn mended_in_a_week(offset: &str) -> String {
    let mended = series(&fleet::COMPANY_STATUS_DURATIONS).category(CUSTOMER);
    format!("sum(round({}))", increase(&mended, "7d", offset, &[]))
}

/// `expression`, but nothing while the exporter serves nothing about companies: what was counted before is not how it is now.
pub fn while_served(expression: &str) -> String {
    let served = largest(&series(&fleet::CONNECTIONS));
    format!("({expression}) and on () ({served} or {})", no_companies())
}

/// `expression`, if the exporter was there `offset` ago already: else a part of the time would look like all of it.
pub fn if_seen_since(offset: &str, expression: &str) -> String {
    // Within a day of then: a gap is no beginning.
    format!(
        "({expression}) and on () max(last_over_time({}[1d] offset {offset}))",
        series(&exporter::BUILD_INFO)
    )
}

/// How many days logins had been in a status in which they need their customer, when they left it in the four weeks before `offset`: this
/// share of them less. Empty where none did. Replicas see the same, so to add them up does not change the shares, unless one of them was
/// not there for a while: then what the others saw meanwhile counts less.
pub fn time_to_mend(share: f64, offset: &str) -> String {
    let buckets = part(&fleet::CONNECTION_STATUS_DURATION, "bucket").category(CUSTOMER);
    let observed = format!("sum by (le) (increase({buckets}[{FOUR_WEEKS}]{}))", offset_by(offset));
    format!("histogram_quantile({share}, {observed}) / {DAY} >= 0")
}

/// As `time_to_mend`, but -1 where none was mended.
pub fn time_to_mend_or_none(share: f64, offset: &str) -> String {
    let count = part(&fleet::CONNECTION_STATUS_DURATION, "count").category(CUSTOMER);
    let none = format!("-1 * max(increase({count}[{FOUR_WEEKS}]{}) * 0 + 1)", offset_by(offset));
    format!("{} or {none}", time_to_mend(share, offset))
}

/// How many logins of each company were mended within four weeks.
pub fn mended_by_company() -> String {
    named(Of::Fleet, &format!("round({}) > 0", mended_of_company()))
}

/// How many days the logins of each company that were mended within four weeks had needed their customer, on average.
pub fn mean_time_to_mend_by_company() -> String {
    let time = series(&fleet::COMPANY_STATUS_DURATION).category(CUSTOMER);
    let time = increase(&time, FOUR_WEEKS, "", &[]);
    named(Of::Fleet, &format!("{time} / ({} > 0) / {DAY}", mended_of_company()))
}

fn mended_of_company() -> String {
    increase(&series(&fleet::COMPANY_STATUS_DURATIONS).category(CUSTOMER), FOUR_WEEKS, "", &[])
}

/// How many logins of each company need it now; empty where none does.
pub fn waiting_by_company() -> String {
    let waiting = once(&counts(Kind::Connection, Of::Fleet).category(CUSTOMER), &["status"]);
    named(Of::Fleet, &format!("sum by (company_id) ({waiting}) > 0"))
}

/// For how many days the login of each company that has waited longest has needed its customer.
pub fn longest_wait_by_company() -> String {
    format!("max by (company_id) ({})", longest_wait(Of::Fleet))
}

/// Of the logins that Nectar checks by itself, the share that was checked within the check interval before they were read.
pub fn share_checked() -> String {
    let overdue = series(&fleet::CONNECTIONS_OVERDUE).is_not("status", inactive());
    let overdue = once(&overdue, &["status"]);
    let checked = once(&counts(Kind::Connection, Of::Fleet), &["status"]);
    let never = once(&series(&fleet::CONNECTIONS_NEVER_CHECKED), &[]);
    let all = format!("sum({checked} and on (company_id, status) {overdue})");
    format!("clamp_min(1 - (sum({overdue}) + sum({never})) / ({all} > 0), 0)")
}

/// How many logins of each utility broke within 30 days, of 100; with less history, at the rate of the days that there are. Those that
/// broke and were mended between two looks, a day apart, are not seen.
pub fn broken_in_a_month() -> String {
    let since = series(&objects::CONNECTION_NOT_CONNECTED_SINCE)
        .any("category", &Category::BROKEN.map(Category::label));
    let since = once(&since, &["connection_id", "datasource"]);
    let looks = format!("count by (datasource) ({since} > time() - {DAY})");
    let days = format!("count_over_time((max({})){MONTH_BY_DAYS})", series(&fleet::COMPANY_UP));
    let in_a_month = format!("30 * sum_over_time(({looks}){MONTH_BY_DAYS}) / on () group_left () {days}");
    format!("100 * ({in_a_month}) / {}", logins())
}

/// How many logins each utility has.
pub fn logins() -> String {
    let all = series(&fleet::DATASOURCE_CONNECTIONS).is_not("status", inactive());
    format!("sum by (datasource) ({})", once(&all, &["datasource", "status"]))
}

/// `expression` as it was a week before.
pub fn a_week_before(expression: &str) -> String {
    // A subquery looks at whole multiples of its step: here at exactly one, or two.
    format!("last_over_time(({expression})[5m:5m] offset 7d)")
}

/// By how much `expression` has changed in a week, times `factor`. Negative values, which stand for none, count as no data.
pub fn change_in_a_week(expression: &str, factor: u32) -> String {
    let now = format!("(({expression}) >= 0)");
    format!("{factor} * ({now} - ({} >= 0))", a_week_before(expression))
}

/// What a counter of each company and `labels` counted in `window`, once for all replicas. Prometheus estimates what it missed at the
/// ends: what happens seldom is whole once it is rounded.
fn increase(counter: &Selector, window: &str, offset: &str, labels: &[&str]) -> String {
    let by: Vec<&str> = ["company_id"].iter().chain(labels).copied().collect();
    format!("max by ({}) (increase({counter}[{window}]{}))", by.join(", "), offset_by(offset))
}

fn offset_by(offset: &str) -> String {
    if offset.is_empty() { String::new() } else { format!(" offset {offset}") }
}
