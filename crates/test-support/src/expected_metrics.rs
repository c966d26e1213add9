//! Counts independently what Nectar sent, and compares a scrape with it.
//!
//! It reads the JSON as the API's documentation describes it, and shares no code with the exporter.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::scrape::Scrape;

const WEEK: f64 = 7.0 * 24.0 * 3600.0;
/// Statuses of connections that are not checked again before the customer acts.
pub const WAITING: [&str; 4] =
    ["MFA_TOKEN_EXPIRED", "PASSWORD_INCORRECT", "NEW_PASSWORD_NEEDED", "ADDITIONAL_CREDENTIALS_NEEDED"];
/// Statuses of accounts that are never checked again.
pub const TERMINAL: [&str; 3] = ["OLD_ACCOUNT", "DUPLICATE", "CUSTOMER_NOT_TRACKED"];

/// Expected values, by metric and by the labels that tell its series apart.
#[derive(Debug, Default)]
pub struct Expected(pub BTreeMap<(String, Vec<String>), f64>);

impl Expected {
    fn add(&mut self, name: &str, labels: &[&str], value: f64) {
        *self.slot(name, labels).or_insert(0.0) += value;
    }

    fn least(&mut self, name: &str, labels: &[&str], value: Option<f64>) {
        if let Some(value) = value {
            self.slot(name, labels).and_modify(|least| *least = least.min(value)).or_insert(value);
        }
    }

    fn greatest(&mut self, name: &str, labels: &[&str], value: Option<f64>) {
        if let Some(value) = value {
            self.slot(name, labels).and_modify(|most| *most = most.max(value)).or_insert(value);
        }
    }

    fn slot(
        &mut self,
        name: &str,
        labels: &[&str],
    ) -> std::collections::btree_map::Entry<'_, (String, Vec<String>), f64> {
        self.0.entry((name.to_owned(), labels.iter().map(|&label| label.to_owned()).collect()))
    }
}

fn seconds(value: &Value) -> Option<f64> {
    let text = value.as_str()?;
    let with_zone = text.parse::<Timestamp>().or_else(|_| format!("{text}Z").parse());
    Some(with_zone.unwrap().as_nanosecond() as f64 / 1e9)
}

/// A field that is always a text.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

/// Counts one company's connections; ages are computed for `now`.
pub fn count(expected: &mut Expected, company: &str, connections: &[Value], now: f64) {
    for connection in connections {
        let (id, status) = (text(connection, "id"), text(connection, "status"));
        let waits = WAITING.contains(&status);
        one(expected, "connection", company, &[company, id], connection, !waits, now);
        let utility = text(&connection["datasource"], "name");
        expected.add("nectar_datasource_connections", &[company, utility, status], 1.0);
        if seconds(&connection["statusLastUpdateTime"]).is_some_and(|update| update > now - 72.0 * 3600.0) {
            let name = "nectar_datasource_connections_recently_checked";
            expected.add(name, &[company, utility, status], 1.0);
        }
        let began = match &connection["statusFirstSeenTime"] {
            Value::Null => seconds(&connection["statusLastUpdateTime"]),
            first => seconds(first),
        };
        let name = "nectar_connections_newest_status_first_seen_timestamp_seconds";
        expected.greatest(name, &[company, status], began);
        let created = seconds(&connection["created"]);
        if status != "CONNECTED" {
            let name = "nectar_connection_not_connected_since_timestamp_seconds";
            expected.least(name, &[company, id, utility, status], began.or(created).or(Some(0.0)));
        }
        expected.least("nectar_connections_oldest_created_timestamp_seconds", &[company, status], created);
        if connection["statusLastUpdateTime"].is_null() {
            expected.least("nectar_connection_created_timestamp_seconds", &[company, id], created);
            let name = "nectar_connections_never_checked_oldest_created_timestamp_seconds";
            expected.least(name, &[company, status], created);
        }
        for account in connection["accounts"].as_array().unwrap() {
            let rechecked = !waits && !TERMINAL.contains(&text(account, "status"));
            let labels = [company, id, text(account, "id")];
            one(expected, "account", company, &labels, account, rechecked, now);
        }
    }
}

fn one(
    expected: &mut Expected,
    kind: &str,
    company: &str,
    ids: &[&str],
    record: &Value,
    rechecked: bool,
    now: f64,
) {
    let status = text(record, "status");
    let (update, first) = (seconds(&record["statusLastUpdateTime"]), seconds(&record["statusFirstSeenTime"]));
    let due = update.filter(|_| rechecked).map(|update| update + WEEK);
    let row = [company, status];
    expected.add(&format!("nectar_{kind}s"), &row, 1.0);
    expected.add(
        &format!("nectar_{kind}s_overdue"),
        &row,
        f64::from(u8::from(due.is_some_and(|due| due < now))),
    );
    expected.least(&format!("nectar_{kind}s_next_check_due_timestamp_seconds"), &row, due);
    // The oldest update makes the greatest age: it is kept negative, so that the least one is looked for.
    expected.least(
        &format!("nectar_{kind}s_max_staleness_seconds"),
        &row,
        update.map(|update| -(now - update)),
    );
    expected.least(&format!("nectar_{kind}s_oldest_status_first_seen_timestamp_seconds"), &row, first);
    expected.add(&format!("nectar_{kind}s_never_checked"), &[company], f64::from(u8::from(update.is_none())));
    expected.add(&format!("nectar_{kind}_info"), ids, 1.0);
    expected.add(&format!("nectar_{kind}_status"), &[ids, &[status]].concat(), 1.0);
    expected.least(&format!("nectar_{kind}_status_last_update_timestamp_seconds"), ids, update);
    expected.least(&format!("nectar_{kind}_status_first_seen_timestamp_seconds"), ids, first);
    if kind == "account" {
        expected.least("nectar_account_check_due_timestamp_seconds", ids, due);
    }
}

/// Which labels tell the series of a family apart, in the order used above.
fn key_labels(name: &str) -> &'static [&'static str] {
    match name {
        "nectar_datasource_connections" | "nectar_datasource_connections_recently_checked" => {
            &["company_id", "datasource", "status"]
        }
        "nectar_connection_status" => &["company_id", "connection_id", "status"],
        "nectar_connection_not_connected_since_timestamp_seconds" => {
            &["company_id", "connection_id", "datasource", "status"]
        }
        "nectar_account_status" => &["company_id", "connection_id", "account_id", "status"],
        _ if name.starts_with("nectar_account_") => &["company_id", "connection_id", "account_id"],
        _ if name.starts_with("nectar_connection_") => &["company_id", "connection_id"],
        "nectar_connections_never_checked" | "nectar_accounts_never_checked" => &["company_id"],
        _ => &["company_id", "status"],
    }
}

/// Compares in both directions: what is expected is there, and what is there and not 0 is expected. Returns how many values were
/// compared.
pub fn compare(scrape: &Scrape, expected: &Expected) -> usize {
    let families: BTreeSet<&String> = expected.0.keys().map(|(name, _)| name).collect();
    let mut compared = 0;
    for name in families {
        let mut left: BTreeMap<&Vec<String>, f64> = expected
            .0
            .iter()
            .filter(|((n, _), _)| n == name)
            .map(|((_, key), value)| (key, *value))
            .collect();
        for (labels, value) in scrape.family(name) {
            let key: Vec<String> = key_labels(name).iter().map(|label| labels[*label].clone()).collect();
            let wanted = left.remove(&key).unwrap_or(0.0);
            let is_age = name.ends_with("max_staleness_seconds");
            // A clock that stepped back makes no negative age.
            let wanted = if is_age { (-wanted).max(0.0) } else { wanted };
            assert!((wanted - value).abs() < 1e-5, "{name}{key:?}: {value}, but {wanted} was counted");
            compared += 1;
        }
        // Only `overdue` leaves rows out: those of statuses that are never re-checked, where nothing can be overdue.
        left.retain(|_, value| *value != 0.0);
        assert!(left.is_empty(), "{name} lacks {left:?}");
    }
    compared
}
