//! Every metric of the contract against an independent count of what the simulated Nectar sends.
//!
//! The count reads the JSON as a reader of the API's documentation would, and shares nothing with the exporter.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use nectar_exporter::metrics::catalogue;
use nectar_exporter::simulator::{Plan, Simulator};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::clock::{START, TestClock};
use crate::support::program::{KEY, Program};
use crate::support::scrape::Scrape;

const WEEK: f64 = 7.0 * 24.0 * 3600.0;
const WAITING: [&str; 4] =
    ["MFA_TOKEN_EXPIRED", "PASSWORD_INCORRECT", "NEW_PASSWORD_NEEDED", "ADDITIONAL_CREDENTIALS_NEEDED"];
const TERMINAL: [&str; 3] = ["OLD_ACCOUNT", "DUPLICATE", "CUSTOMER_NOT_TRACKED"];

/// Expected values by metric and the labels that tell its series apart.
#[derive(Default)]
struct Expected(BTreeMap<(String, Vec<String>), f64>);

impl Expected {
    fn add(&mut self, name: &str, labels: &[&str], value: f64) {
        *self.slot(name, labels).or_insert(0.0) += value;
    }

    fn least(&mut self, name: &str, labels: &[&str], value: Option<f64>) {
        if let Some(value) = value {
            self.slot(name, labels).and_modify(|least| *least = least.min(value)).or_insert(value);
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

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

/// Counts one company's connections.
fn count(expected: &mut Expected, company: &str, connections: &[Value], now: f64) {
    for connection in connections {
        let (id, status) = (text(connection, "id"), text(connection, "status"));
        let waits = WAITING.contains(&status);
        one(expected, "connection", company, &[company, id], connection, !waits, now);
        let utility = text(&connection["datasource"], "name");
        expected.add("nectar_datasource_connections", &[company, utility, status], 1.0);
        let created = seconds(&connection["created"]);
        expected.least("nectar_connection_created_timestamp_seconds", &[company, id], created);
        if connection["statusLastUpdateTime"].is_null() {
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
    // The oldest update makes the greatest age: kept negative while the least is looked for.
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
    expected.least(&format!("nectar_{kind}_check_due_timestamp_seconds"), ids, due);
}

/// Which labels tell the series of a family apart, in the order used above.
fn key_labels(name: &str) -> &'static [&'static str] {
    match name {
        "nectar_datasource_connections" => &["company_id", "datasource", "status"],
        "nectar_connection_status" => &["company_id", "connection_id", "status"],
        "nectar_account_status" => &["company_id", "connection_id", "account_id", "status"],
        _ if name.starts_with("nectar_account_") => &["company_id", "connection_id", "account_id"],
        _ if name.starts_with("nectar_connection_") => &["company_id", "connection_id"],
        "nectar_connections_never_checked" | "nectar_accounts_never_checked" => &["company_id"],
        _ => &["company_id", "status"],
    }
}

async fn get(base_url: &str, path: &str) -> Value {
    let request = reqwest::Client::new().get(format!("{base_url}{path}")).header("X-API-Key", KEY);
    serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn every_value_equals_an_independent_count() {
    let clock = TestClock::new();
    let plan = Plan { companies: 12, connections: 25, accounts: 3, seed: 1, speed: 0.0 };
    let simulator = Simulator::new(&plan, KEY, clock.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(simulator.serve(vec![listener], CancellationToken::new()));
    let flags = ["--metrics.detail=accounts", "--nectar.page-size=7"];
    let program = Program::start(&base_url, &flags, clock).await;
    let scrape = program.after_polls(1).await;
    assert_eq!(scrape.value("nectar_up", &[]), Some(1.0));

    let now = START.parse::<Timestamp>().unwrap().as_second() as f64;
    let mut expected = Expected::default();
    for company in get(&base_url, "/company").await.as_array().unwrap() {
        let id = text(company, "id");
        let page = get(&base_url, &format!("/connection/company/{id}?limit=500")).await;
        count(&mut expected, id, page["connections"].as_array().unwrap(), now);
        let external_id = company["externalId"].as_str().unwrap_or_default();
        let labels = [("company_id", id), ("company", text(company, "name")), ("external_id", external_id)];
        assert_eq!(scrape.value("nectar_company_info", &labels), Some(1.0));
        let begun = scrape.value("nectar_company_last_success_timestamp_seconds", &[("company_id", id)]);
        assert_eq!(begun, Some(now));
    }
    compare(&scrape, &expected);
    every_name_of_the_catalogue_is_there(&scrape, &expected);
}

/// Both ways: what is expected is there, and what is there and not 0 is expected.
fn compare(scrape: &Scrape, expected: &Expected) {
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
            let wanted = if name.ends_with("max_staleness_seconds") { -wanted } else { wanted };
            assert!((wanted - value).abs() < 1e-5, "{name}{key:?}: {value}, but {wanted} was counted");
            compared += 1;
        }
        // Only `overdue` leaves rows out: those of statuses that are never re-checked, where nothing can be overdue.
        left.retain(|_, value| *value != 0.0);
        assert!(left.is_empty(), "{name} lacks {left:?}");
    }
    assert!(compared > 5_000, "only {compared} values were compared");
}

fn every_name_of_the_catalogue_is_there(scrape: &Scrape, expected: &Expected) {
    // Only while something fails.
    let absent = ["nectar_company_last_failure", "nectar_last_failure"];
    for entry in catalogue::all() {
        let kind = scrape.types.get(entry.name).map(String::as_str);
        let wanted = (!absent.contains(&entry.name)).then_some(entry.kind.word());
        assert_eq!(kind, wanted, "{}", entry.name);
        let suffix = if wanted == Some("histogram") { "_count" } else { "" };
        for (labels, _) in scrape.family(&format!("{}{suffix}", entry.name)) {
            let names: BTreeSet<&str> = labels.keys().map(String::as_str).collect();
            assert_eq!(names, entry.labels.iter().copied().collect(), "{}", entry.name);
        }
    }
    let ours = scrape.types.keys().filter(|name| name.starts_with("nectar_"));
    let declared: BTreeSet<&str> = catalogue::all().map(|entry| entry.name).collect();
    assert!(ours.into_iter().all(|name| declared.contains(name.as_str())));
    assert!(expected.0.len() > 5_000);
}

/// The families that the contract says always have every documented status.
#[tokio::test]
async fn every_documented_status_is_always_there() {
    let (program, _simulator) =
        Program::simulated(&Plan { companies: 1, connections: 1, ..Plan::default() }, &[]).await;
    let scrape = program.after_polls(1).await;
    let rows = |name: &str| {
        let documented = scrape.family(name).filter(|(labels, _)| labels["category"] != "unknown");
        documented.map(|(labels, _)| labels["status"].clone()).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(rows("nectar_connections"), 12);
    assert_eq!(rows("nectar_accounts"), 12);
    assert_eq!(rows("nectar_connection_status_changes_total"), 12);
    assert_eq!(rows("nectar_account_status_changes_total"), 12);
    assert_eq!(rows("nectar_connections_overdue"), 12 - WAITING.len());
    assert_eq!(rows("nectar_accounts_overdue"), 12 - TERMINAL.len());
}
