//! What the boards ask about utilities: one customer's problem, or everyone's?
//!
//! Knows the metrics by utility and those per connection. A utility is the label `datasource`; the variable for it is
//! `provider`, since a board's data source is something else. Must not know panels.

use nectar_exporter::metrics::catalogue::{fleet, objects};
use nectar_exporter::nectar::decode::UNKNOWN;
use nectar_exporter::status::Category;

use crate::promql::{Selector, largest, once, series};
use crate::questions::{Of, no_companies, read_at};
use crate::statuses::{down, inactive};

/// A check is recent for this long: 72 hours.
const RECENT_SECONDS: u32 = 72 * 3600;
/// From this part of the recently checked connections on, their utility is suspected down.
pub const SUSPECT_SHARE: f64 = 0.8;
/// Fewer recently checked connections than this say nothing about their utility.
const SUSPECT_CONNECTIONS: u8 = 3;
/// What fewer companies than this see says nothing about their utility.
const SUSPECT_COMPANIES: u8 = 2;

/// Connections by company, utility, status and category, of the chosen utilities.
pub fn chosen() -> Selector {
    series(&fleet::DATASOURCE_CONNECTIONS).chosen("datasource", "provider")
}

/// Connections by utility, of those in `selector`.
pub fn connections(selector: &Selector) -> String {
    format!("sum by (datasource) ({})", once(selector, &["datasource", "status"]))
}

/// Companies by utility, of those in `selector`.
pub fn companies(selector: &Selector) -> String {
    format!("count by (datasource) ({})", once(selector, &["datasource"]))
}

/// The part of a utility's connections that needs its customers; 0 where none does.
pub fn share_needing_customer(selector: &Selector) -> String {
    let waiting = connections(&selector.clone().category(Category::InterventionNeeded));
    let all = connections(selector);
    format!("({waiting} or 0 * {all}) / {all}")
}

/// Every connection of the chosen utilities with its utility: one series each, or more while replicas disagree.
fn infos() -> String {
    once(
        &series(&objects::CONNECTION_INFO).chosen("datasource", "provider"),
        &["connection_id", "datasource"],
    )
}

/// Seconds from each connection's last check to the moment at which its company was read.
pub fn checked_ago() -> String {
    let checks = once(&series(&objects::CONNECTION_LAST_UPDATE), &["connection_id"]);
    format!("({} - on (company_id) group_right () {checks})", read_at(Of::Fleet))
}

/// Connections that Nectar has checked lately, those of switched-off companies left out.
fn recent(infos: &str) -> String {
    let inactive = once(&series(&objects::CONNECTION_STATUS).is("status", inactive()), &["connection_id"]);
    format!(
        "{infos} and on (company_id, connection_id) ({} < {RECENT_SECONDS}) \
         unless on (company_id, connection_id) {inactive}",
        checked_ago()
    )
}

fn recent_down(infos: &str) -> String {
    let down = once(&series(&objects::CONNECTION_STATUS).any("status", &down()), &["connection_id"]);
    format!("{} and on (company_id, connection_id) {down}", recent(infos))
}

/// How many connections of each chosen utility were checked lately.
pub fn checked_lately() -> String {
    format!("count by (datasource) ({})", recent(&infos()))
}

/// Which part of the lately checked connections of each chosen utility is down; 0 where none is.
pub fn share_down() -> String {
    share_down_of(&infos())
}

fn share_down_of(infos: &str) -> String {
    let checked = format!("count by (datasource) ({})", recent(infos));
    format!("(count by (datasource) ({}) or 0 * {checked}) / {checked}", recent_down(infos))
}

/// Every connection with its utility, of all utilities that have a name.
fn all_infos() -> String {
    let infos = series(&objects::CONNECTION_INFO).is_not("datasource", UNKNOWN);
    once(&infos, &["connection_id", "datasource"])
}

/// As `checked_lately`, of all utilities that have a name.
pub fn all_checked_lately() -> String {
    format!("count by (datasource) ({})", recent(&all_infos()))
}

/// As `share_down`, of all utilities that have a name.
pub fn all_share_down() -> String {
    share_down_of(&all_infos())
}

/// Utilities that are suspected down, with their share.
pub fn suspected() -> String {
    let infos = all_infos();
    let companies = format!("count by (company_id, datasource) ({})", recent_down(&infos));
    format!(
        "({} >= {SUSPECT_SHARE}) and on (datasource) (count by (datasource) ({}) >= {SUSPECT_CONNECTIONS}) \
         and on (datasource) (count by (datasource) ({companies}) >= {SUSPECT_COMPANIES})",
        share_down_of(&infos),
        recent(&infos)
    )
}

/// How many utilities are suspected down; nothing where series per connection are not served.
pub fn number_suspected() -> String {
    or_zero_with_detail(&format!("count({})", suspected()))
}

/// `expression`, or 0 where series per connection are served or there is no connection at all.
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
