//! Every metric of the contract against an independent count of what the simulated Nectar sends.
//!
//! Knows which families there must be. How they are counted stands in `crates/test-support/src/expected_metrics.rs`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use nectar_exporter::metrics::catalogue;
use nectar_exporter::metrics::metric::Group;
use nectar_exporter::status::Kind;
use nectar_simulator::{Plan, Simulator};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use test_support::clock::{START, TestClock, wall};
use test_support::expected_metrics::{Expected, TERMINAL, WAITING, compare, count, text};
use test_support::exporter::{Exporter, KEY};
use test_support::scrape::Scrape;

async fn get(base_url: &str, path: &str) -> Value {
    let request = reqwest::Client::new().get(format!("{base_url}{path}")).header("X-API-Key", KEY);
    serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn every_value_equals_an_independent_count() {
    let clock = TestClock::new();
    let plan = Plan { companies: 12, connections: 25, accounts: 3, seed: 1, speed: 0.0 };
    let simulator = Simulator::new(&plan, KEY, wall(&clock));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(simulator.serve(vec![listener], CancellationToken::new()));
    let flags = ["--metrics.detail=accounts", "--nectar.page-size=7"];
    let program = Exporter::start(&base_url, &flags, clock).await;
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
    let compared = compare(&scrape, &expected);
    assert!(compared > 5_000, "only {compared} values were compared");
    every_name_of_the_catalogue_is_there(&scrape, &expected);
}

fn every_name_of_the_catalogue_is_there(scrape: &Scrape, expected: &Expected) {
    // Only while something fails.
    let absent = ["nectar_company_last_failure", "nectar_last_failure"];
    // This exporter receives no webhooks, and stores nothing.
    for entry in catalogue::all().filter(|entry| !matches!(entry.group, Group::Webhook | Group::Storage)) {
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
        Exporter::simulated(&Plan { companies: 1, connections: 1, ..Plan::default() }, &[]).await;
    let scrape = program.after_polls(1).await;
    let rows = |name: &str| {
        let documented = scrape.family(name).filter(|(labels, _)| labels["category"] != "unknown");
        documented.map(|(labels, _)| labels["status"].clone()).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(rows("nectar_connections"), Kind::Connection.documented().len());
    assert_eq!(rows("nectar_accounts"), Kind::Account.documented().len());
    assert_eq!(rows("nectar_connection_status_changes_total"), Kind::Connection.documented().len());
    assert_eq!(rows("nectar_account_status_changes_total"), Kind::Account.documented().len());
    assert_eq!(rows("nectar_connections_overdue"), Kind::Connection.documented().len() - WAITING.len());
    assert_eq!(rows("nectar_accounts_overdue"), Kind::Account.documented().len() - TERMINAL.len());
}
