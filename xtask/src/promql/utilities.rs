//! Queries on utilities: is it one customer's problem, or everyone's?
//!
//! A utility is the label `datasource`. The variable for it is called `provider`, since a board already has a data source.

use nectar_exporter::fleet::undocumented::OVERFLOW;
use nectar_exporter::metrics::catalogue::{fleet, objects};
use nectar_exporter::nectar::decode::UNKNOWN;
use nectar_exporter::status::Category;

use crate::promql::companies::{Of, no_companies, read_at};
use crate::promql::selector::{Selector, largest, once, series};
use crate::statuses::{down, inactive};

/// A utility is suspected down when this share of its recently checked connections is down.
pub const SUSPECT_SHARE: f64 = 0.8;
/// A utility with fewer recently checked connections than this is not suspected.
const SUSPECT_CONNECTIONS: u8 = 3;
/// A utility that is down for fewer companies than this is not suspected.
const SUSPECT_COMPANIES: u8 = 2;

/// The connections of the chosen utilities, by company, utility, status and category.
pub fn chosen() -> Selector {
    series(&fleet::DATASOURCE_CONNECTIONS).chosen("datasource", "provider")
}

/// How many connections `selector` has, by utility.
pub fn connections(selector: &Selector) -> String {
    format!("sum by (datasource) ({})", once(selector, &["datasource", "status"]))
}

/// How many companies `selector` has, by utility.
pub fn companies(selector: &Selector) -> String {
    format!("count by (datasource) ({})", once(selector, &["datasource"]))
}

/// The share of a utility's connections that need their customers; 0 where none does.
pub fn share_needing_customer(selector: &Selector) -> String {
    let waiting = connections(&selector.clone().category(Category::InterventionNeeded));
    let all = connections(selector);
    format!("({waiting} or 0 * {all}) / {all}")
}

/// Where a smaller share is down, it is no trouble of the utility's.
pub const TROUBLE_SHARE: f64 = 0.2;

/// The share of all connections of each chosen utility that is down, where it is large. A fixed limit and not the ten largest: over
/// time, those would be others at each moment.
pub fn large_share_down_of_all() -> String {
    let (all, down) = (connections(&chosen()), connections(&chosen().any("status", &down())));
    format!("{down} / {all} > {TROUBLE_SHARE}")
}

/// Every connection of the chosen utilities, with its utility: one series each, or more while replicas disagree.
fn infos() -> String {
    once(
        &series(&objects::CONNECTION_INFO).chosen("datasource", "provider"),
        &["connection_id", "datasource"],
    )
}

/// Seconds from each connection's last check to when its company was read.
fn checked_ago() -> String {
    let checks = once(&series(&objects::CONNECTION_LAST_UPDATE), &["connection_id"]);
    format!("({} - on (company_id) group_right () {checks})", read_at(Of::Fleet))
}

/// Connections that Nectar has checked recently, without those of deactivated companies.
fn recent() -> Selector {
    series(&fleet::DATASOURCE_CONNECTIONS_RECENTLY_CHECKED).is_not("status", inactive())
}

fn chosen_recent() -> Selector {
    recent().chosen("datasource", "provider")
}

/// As `recent`, of all utilities that have a name.
fn all_recent() -> Selector {
    recent().is_not("datasource", UNKNOWN).is_not("datasource", OVERFLOW)
}

/// How many connections of each chosen utility were checked recently.
pub fn checked_lately() -> String {
    connections(&chosen_recent())
}

/// The share of the recently checked connections of each chosen utility that is down; 0 where none is.
pub fn share_down() -> String {
    share_down_of(&chosen_recent())
}

fn share_down_of(selector: &Selector) -> String {
    let checked = connections(selector);
    let down = connections(&selector.clone().any("status", &down()));
    format!("({down} or 0 * {checked}) / {checked}")
}

/// As `checked_lately`, of all utilities that have a name.
pub fn all_checked_lately() -> String {
    connections(&all_recent())
}

/// As `share_down`, of all utilities that have a name.
pub fn all_share_down() -> String {
    share_down_of(&all_recent())
}

/// The utilities that are suspected down, with the share that is down.
pub fn suspected() -> String {
    let recent = all_recent();
    format!(
        "({} >= {SUSPECT_SHARE}) and on (datasource) ({} >= {SUSPECT_CONNECTIONS}) \
         and on (datasource) ({} >= {SUSPECT_COMPANIES})",
        share_down_of(&recent),
        connections(&recent),
        companies(&recent.any("status", &down()))
    )
}

/// How many utilities are suspected down.
pub fn number_suspected() -> String {
    let total = once(&series(&fleet::CONNECTIONS), &["status"]);
    format!("count({}) or 0 * sum({total}) or {}", suspected(), no_companies())
}

/// `expression`, or 0 where it is empty although series per connection are served, or where there is no connection at all.
pub fn or_zero_with_detail(expression: &str) -> String {
    let detail = largest(&series(&objects::CONNECTION_INFO));
    let total = once(&series(&fleet::CONNECTIONS), &["status"]);
    format!("{expression} or 0 * {detail} or sum({total}) == 0 or {}", no_companies())
}

/// How many connections of the chosen utilities were checked between `from` and `to` days before they were read.
pub fn checked_between(from: u8, to: Option<u8>) -> String {
    let day = 86_400;
    let mut age = format!("{} >= {}", checked_ago(), u32::from(from) * day);
    if let Some(to) = to {
        age = format!("({age}) < {}", u32::from(to) * day);
    }
    or_zero_with_detail(&format!("count({} and on (company_id, connection_id) ({age}))", infos()))
}

/// How many connections of the chosen utilities were never checked.
pub fn never_checked() -> String {
    let checks = once(&series(&objects::CONNECTION_LAST_UPDATE), &["connection_id"]);
    or_zero_with_detail(&format!("count({} unless on (company_id, connection_id) {checks})", infos()))
}
