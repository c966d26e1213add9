//! Which value each panel must show.
//!
//! To compare another query with the simulated Nectar, add a row.

use xtask::promql::webhooks::OFF;
use xtask::queries::Query;

use crate::tally::{Truth, age, number, rows};
use crate::trend;
use crate::truth::{
    Seen, accounts, accounts_in_error, accounts_of_one, by_status, checked_ago, checked_between,
    checked_lately, companies_per_utility, connections, customers, forgotten, in_status, longest,
    longest_wait, names, names_with_company, never_checked, next_check_in, of_accounts, overdue, per_utility,
    share_connected, share_down, share_waiting, suspected, troubled_by_category, troubled_there,
    wait_by_company, waiting, waiting_by_company, waiting_logins, website_issues, who_acts,
    who_acts_by_status, who_acts_on_accounts, who_acts_where, who_has_what,
};
use crate::world::World;

/// Board, panel, letter, and the true value.
type Row = (&'static str, &'static str, &'static str, fn(&Seen<'_>) -> Truth);

const OVERVIEW: &str = "nectar-overview";
const COMPANY: &str = "nectar-company";
const WORKLIST: &str = "nectar-worklist";
const PROVIDER: &str = "nectar-provider";
const TREND: &str = "nectar-trend";
const EXPORTER: &str = "nectar-exporter";

/// Every number that can be counted from outside.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    (OVERVIEW, "Data age", "A", |_| age(0.0)),
    (OVERVIEW, "Companies unread", "A", |_| number(0)),
    (OVERVIEW, "Last poll", "A", |_| number(1)),
    (OVERVIEW, "Waiting 14 days", "A", forgotten),
    (OVERVIEW, "Connections", "A", |seen| number(seen.of_companies.len())),
    (OVERVIEW, "Connected", "A", share_connected),
    (OVERVIEW, "Customers to act", "A", customers),
    (OVERVIEW, "Logins waiting", "A", waiting),
    (OVERVIEW, "Website issues", "A", website_issues),
    (OVERVIEW, "Suspected outages", "A", |seen| number(suspected(seen))),
    (OVERVIEW, "Overdue for a check", "A", overdue),
    (OVERVIEW, "Accounts in error", "A", accounts_in_error),
    (OVERVIEW, "Companies unread", "C", |_| number(0)),
    (OVERVIEW, "Waiting 14 days", "C", |_| number(0)),
    (OVERVIEW, "Connections", "C", |_| number(0)),
    (OVERVIEW, "Connected", "C", |_| number(0)),
    (OVERVIEW, "Customers to act", "C", |_| number(0)),
    (OVERVIEW, "Logins waiting", "C", |_| number(0)),
    (OVERVIEW, "Website issues", "C", |_| number(0)),
    (OVERVIEW, "Suspected outages", "C", |_| number(0)),
    (OVERVIEW, "Overdue for a check", "C", |_| number(0)),
    (OVERVIEW, "Accounts in error", "C", |_| number(0)),
    (OVERVIEW, "Companies that need to act", "A", waiting_by_company),
    (OVERVIEW, "Companies that need to act", "B", wait_by_company),
    (OVERVIEW, "Utilities by share down", "A", checked_lately),
    (OVERVIEW, "Utilities by share down", "B", share_down),
    (OVERVIEW, "Connections in trouble", "A", |seen| troubled_by_category(&connections(seen))),
    (OVERVIEW, "Accounts in trouble", "A", |seen| troubled_by_category(&accounts(seen))),
    (COMPANY, "Data age", "A", |_| age(0.0)),
    (COMPANY, "Last reading", "A", |_| number(1)),
    (COMPANY, "Connections", "A", |seen| number(seen.of_companies.len())),
    (COMPANY, "Connected", "A", share_connected),
    (COMPANY, "Logins waiting", "A", waiting),
    (COMPANY, "Website issues", "A", website_issues),
    (COMPANY, "Overdue for a check", "A", overdue),
    (COMPANY, "Accounts in error", "A", accounts_in_error),
    (COMPANY, "Its connections", "A", |seen| names(&seen.logins)),
    (COMPANY, "Its connections", "B", |seen| who_acts(&seen.logins)),
    (COMPANY, "Its connections", "C", |seen| in_status(seen, &seen.logins)),
    (COMPANY, "Its connections", "D", |seen| checked_ago(seen, &seen.logins)),
    (COMPANY, "Its connections", "E", |seen| next_check_in(seen, &seen.logins)),
    (COMPANY, "Connections by status", "A", |seen| by_status(connections(seen))),
    (COMPANY, "Connections by status", "B", |seen| longest(seen, &connections(seen))),
    (COMPANY, "Connections by status", "C", |seen| who_acts_by_status(&connections(seen))),
    (COMPANY, "Accounts by status", "A", |seen| by_status(accounts(seen))),
    (COMPANY, "Accounts by status", "B", |seen| longest(seen, &accounts(seen))),
    (COMPANY, "Accounts by status", "C", |seen| who_acts_by_status(&accounts(seen))),
    (WORKLIST, "Logins waiting", "A", waiting),
    (WORKLIST, "Customers to act", "A", customers),
    (WORKLIST, "Longest wait", "A", longest_wait),
    (WORKLIST, "Listed below", "A", |seen| number(waiting_logins(seen).len())),
    (WORKLIST, "Logins that wait for their customer", "A", |seen| names_with_company(&waiting_logins(seen))),
    (WORKLIST, "Logins that wait for their customer", "B", |seen| in_status(seen, &waiting_logins(seen))),
    (WORKLIST, "The connection", "A", |seen| names_with_company(&[seen.one])),
    (WORKLIST, "The connection", "B", |seen| in_status(seen, &[seen.one])),
    (WORKLIST, "The connection", "C", |seen| checked_ago(seen, &[seen.one])),
    (WORKLIST, "The connection", "D", |seen| next_check_in(seen, &[seen.one])),
    (WORKLIST, "Its accounts", "A", accounts_of_one),
    (WORKLIST, "Its accounts", "B", |seen| of_accounts(seen, |account| account.first_seen)),
    (WORKLIST, "Its accounts", "C", |seen| of_accounts(seen, |account| account.last_update)),
    (WORKLIST, "Its accounts", "D", who_acts_on_accounts),
    (PROVIDER, "Utilities", "A", |seen| per_utility(&seen.logins)),
    (PROVIDER, "Utilities", "B", companies_per_utility),
    (PROVIDER, "Utilities", "C", checked_lately),
    (PROVIDER, "Utilities", "D", share_down),
    (PROVIDER, "Utilities", "E", share_waiting),
    (PROVIDER, "Who has which status there", "A", who_has_what),
    (PROVIDER, "Who has which status there", "B", who_acts_where),
    (PROVIDER, "Age of the last checks", "A", |seen| number(checked_between(seen, 0.0, 1.0))),
    (PROVIDER, "Age of the last checks", "B", |seen| number(checked_between(seen, 1.0, 3.0))),
    (PROVIDER, "Age of the last checks", "C", |seen| number(checked_between(seen, 3.0, 7.0))),
    (PROVIDER, "Age of the last checks", "D", |seen| number(checked_between(seen, 7.0, 8.0))),
    (PROVIDER, "Age of the last checks", "E", |seen| number(checked_between(seen, 8.0, f64::MAX))),
    (PROVIDER, "Age of the last checks", "F", never_checked),
    (TREND, "New in a week", "A", trend::broken),
    (TREND, "New in a week", "B", trend::broken),
    (TREND, "Mended in a week", "A", trend::mended),
    (TREND, "Mended in a week", "B", trend::mended),
    (TREND, "Half were mended within", "A", trend::half),
    (TREND, "Half were mended within", "B", trend::half),
    (TREND, "Nine of ten within", "A", trend::nine_of_ten),
    (TREND, "Nine of ten within", "B", trend::nine_of_ten),
    (TREND, "Customers whose logins wait longest and break most often", "A", trend::longest_wait_by_company),
    (TREND, "Customers whose logins wait longest and break most often", "B", trend::needed_now),
    (TREND, "Customers whose logins wait longest and break most often", "C", trend::mended_by_company),
    (TREND, "Customers whose logins wait longest and break most often", "D", trend::mean_by_company),
    (TREND, "Utilities that break most", "A", trend::broken_by_utility),
    (TREND, "Utilities that break most", "B", trend::logins_by_utility),
    (TREND, "Logins connected", "A", share_connected),
    (TREND, "Logins connected", "B", share_connected),
    (PROVIDER, "Connections in trouble", "A", troubled_there),
    (EXPORTER, "Up", "A", |_| number(1)),
    (EXPORTER, "Last poll", "A", |_| number(1)),
    (EXPORTER, "Data age", "A", |_| age(0.0)),
    (EXPORTER, "Series per object", "A", |_| number(0)),
    (EXPORTER, "Version", "A", |_| number(1)),
    (EXPORTER, "Since the last event", "A", |_| rows(&[], [(vec![], f64::from(OFF))])),
    (EXPORTER, "Data age against the interval", "B", |_| number(5)),
    (EXPORTER, "Data age against the interval", "C", |_| number(3600)),
];

/// Whether a query is in the table.
pub fn is_listed(query: &Query) -> bool {
    TABLE.iter().any(|(board, panel, letter, _)| query.is(board, panel, letter))
}

/// Compares everything in the table that is about this board, with the variables chosen as in `seen`.
pub async fn are_true(world: &World, queries: &[Query], seen: &Seen<'_>) {
    for (board, panel, letter, truth) in TABLE.iter().filter(|(board, ..)| *board == queries[0].board) {
        let query = queries.iter().find(|query| query.is(board, panel, letter));
        let query = query.unwrap_or_else(|| panic!("{board} has no {panel} {letter}"));
        let found = world.ask(&trend::in_a_young_world(&query.expression)).await;
        if let Err(difference) = truth(seen).compare(&found) {
            panic!("{board}, {panel}, {letter}: {difference}\n{}\n{found:?}", query.expression);
        }
    }
}
