//! Webhook events, as a receiver gets them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};

use axum::http::HeaderMap;
use jiff::Timestamp;
use nectar_simulator::{Endpoint, Plan, SECRET, Simulator, WEBHOOK_SECRET};
use serde_json::Value;
use standardwebhooks::Webhook;

use crate::api::{KEY, open};
use crate::receiver::{Arrival, Receiver};

const SMALL: Plan = Plan { companies: 2, connections: 8, accounts: 2, seed: 1, speed: 0.0 };

fn all_connections(simulator: &Simulator) -> Vec<String> {
    simulator.companies().iter().flat_map(|company| simulator.connections(company)).collect()
}

fn status_of(simulator: &Simulator, connection: &str) -> String {
    simulator.statuses(connection).last().unwrap().0.clone()
}

/// The two events of a connection that got this status, in order of their names.
fn pair(connection: &str, status: &str) -> [(String, String, String); 2] {
    ["connection.updated.v2", "connection.validated.v2"]
        .map(|event| (event.to_owned(), connection.to_owned(), status.to_owned()))
}

fn sorted_briefs(arrivals: &[Arrival]) -> Vec<(String, String, String)> {
    let mut briefs: Vec<_> = arrivals.iter().map(Arrival::brief).collect();
    briefs.sort();
    briefs
}

#[tokio::test]
async fn a_status_that_changes_leads_to_two_events_and_nothing_else_does() {
    let api = open(&SMALL).await;
    let simulator = &api.simulator;
    let mut receiver = Receiver::open().await;
    let rows = all_connections(simulator);
    simulator.set_connection_status(&rows[0], "BEFORE_THE_START");
    let _sending = receiver.listen_to(simulator, receiver.endpoint());
    // A check that finds the same moves only the times.
    simulator.set_connection_status(&rows[0], "BEFORE_THE_START");
    simulator.set_connection_times(&rows[1], Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    assert!(simulator.remove_connection(&rows[2]));
    assert!(simulator.remove_company(&simulator.companies()[1]));
    // Events are begun in order: once a second change has arrived, whatever else there was has arrived.
    for status in ["PASSWORD_INCORRECT", "MADE_UP"] {
        let before = status_of(simulator, &rows[3]);
        simulator.set_connection_status(&rows[3], status);
        let arrivals = receiver.several(2).await;
        assert_eq!(sorted_briefs(&arrivals), pair(&rows[3], status));
        for arrival in arrivals {
            let is_update = arrival.text("eventType") == "connection.updated.v2";
            assert_eq!(arrival.event.get("protectedChanges").is_some(), is_update);
            assert_eq!(arrival.event["old"]["status"].as_str(), is_update.then_some(before.as_str()));
        }
    }
}

/// More than one look announces.
#[tokio::test]
async fn a_company_switched_off_is_told_of_each_connection() {
    let api = open(&Plan { companies: 1, connections: 150, ..SMALL }).await;
    let mut receiver = Receiver::open().await;
    let _sending = receiver.listen_to(&api.simulator, receiver.endpoint());
    assert!(api.simulator.switch_company_off(&api.company(0)));
    let arrivals = receiver.several(300).await;
    let mut expected: Vec<_> =
        all_connections(&api.simulator).iter().flat_map(|row| pair(row, "COMPANY_INACTIVE")).collect();
    expected.sort();
    assert_eq!(sorted_briefs(&arrivals), expected);
}

/// Nobody but the sender reads the fleet before the first event comes.
#[tokio::test]
async fn time_that_passes_brings_events_and_new_connections_are_created_once() {
    let api = open(&Plan { companies: 6, connections: 5, speed: 1.0, ..SMALL }).await;
    let mut receiver = Receiver::open().await;
    let before: BTreeSet<String> = all_connections(&api.simulator).into_iter().collect();
    let _sending = receiver.listen_to(&api.simulator, receiver.endpoint());
    api.clock.pass(24 * 40);
    let first = receiver.next().await;
    let fresh: BTreeMap<String, String> = all_connections(&api.simulator)
        .into_iter()
        .filter(|row| !before.contains(row))
        .map(|row| (status_of(&api.simulator, &row), row))
        .map(|(status, row)| (row, status))
        .collect();
    assert!(fresh.len() > 3, "{fresh:?}");
    let mut created = BTreeMap::new();
    let mut arrival = first;
    loop {
        if arrival.text("eventType") == "connection.created.v2" {
            let (_, id, status) = arrival.brief();
            assert_eq!(created.insert(id, status), None);
        } else {
            assert!(before.contains(arrival.text("id")), "{arrival:?}");
        }
        if created == fresh {
            break;
        }
        arrival = receiver.next().await;
    }
}

/// With the library's own check of the time, too.
#[tokio::test]
async fn signatures_and_shapes_are_those_of_nectars_pages() {
    let simulator = Simulator::new(&Plan { connections: 20, ..SMALL }, KEY, Timestamp::now);
    let mut receiver = Receiver::open().await;
    let rows = all_connections(&simulator);
    let set_all = |status| rows.iter().for_each(|row| assert!(simulator.set_connection_status(row, status)));
    // So that each has accounts.
    set_all("CONNECTED");
    let mut endpoint = receiver.endpoint();
    endpoint.documents = 0.5;
    let _sending = receiver.listen_to(&simulator, endpoint);
    set_all("NEW_PASSWORD_NEEDED");
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut see = |what, value: String| seen.entry(what).or_default().insert(value);
    let mut changes = 0;
    while changes < rows.len() * 2 {
        let arrival = receiver.next().await;
        verify(&arrival);
        see("prefix", arrival.prefix.to_owned());
        if arrival.text("eventType") == "document.created.v2" {
            see("document", arrival.text("billDate").len().to_string());
            continue;
        }
        changes += 1;
        for field in ["company", "datasource", "statusLastUpdateTime", "emails", "workflowOwnerEmail"] {
            see(field, arrival.event.get(field).is_some().to_string());
        }
        see("time", arrival.text("updated").len().to_string());
        for account in arrival.event["accounts"].as_array().unwrap() {
            see("isDuplicated", account["isDuplicated"].is_string().to_string());
            see("account status", account.get("status").is_some().to_string());
        }
        check_people(&arrival.event);
    }
    let both = BTreeSet::from(["false".to_owned(), "true".to_owned()]);
    assert_eq!(seen.remove("prefix").unwrap(), BTreeSet::from(["svix".to_owned(), "webhook".to_owned()]));
    assert_eq!(seen.remove("document").unwrap(), BTreeSet::from(["10".to_owned()]));
    // No zone; six or nine digits of a second.
    let lengths = ["2026-03-02T08:15:00.123456", "2026-03-02T08:15:00.123456789"];
    assert_eq!(seen.remove("time").unwrap(), lengths.map(|time| time.len().to_string()).into());
    assert_eq!(seen.len(), 7);
    assert!(seen.values().all(|values| *values == both), "{seen:?}");
}

/// By the library as a whole, which looks at the system's clock.
fn verify(arrival: &Arrival) {
    let webhook = Webhook::new(WEBHOOK_SECRET).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", arrival.id.parse().unwrap());
    headers.insert("webhook-timestamp", arrival.timestamp.into());
    headers.insert("webhook-signature", arrival.signature.parse().unwrap());
    webhook.verify(arrival.body.as_bytes(), &headers).unwrap();
}

/// Whatever is personal can be searched for.
fn check_people(value: &Value) {
    const PERSONAL: [&str; 4] = ["username", "emails", "workflowOwnerEmail", "accountNumber"];
    match value {
        Value::Array(values) => values.iter().for_each(check_people),
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_marked = value.to_string().contains(SECRET);
                assert!(!PERSONAL.contains(&name.as_str()) || is_marked, "{name}: {value}");
                check_people(value);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn what_fails_is_tried_again_with_the_same_id_and_a_new_time() {
    // Each look at this clock is a second later.
    let second = AtomicI64::new(1_700_000_000);
    let now = move || Timestamp::from_second(second.fetch_add(1, Ordering::SeqCst)).unwrap();
    let simulator = Simulator::new(&SMALL, KEY, now);
    let mut receiver = Receiver::open().await;
    let mut endpoint = receiver.endpoint();
    endpoint.speed = 1e9;
    let _sending = receiver.listen_to(&simulator, endpoint);
    let row = all_connections(&simulator).remove(0);
    receiver.answer(500);
    simulator.set_connection_status(&row, "WEBSITE_DOWN");
    let mut by_id: BTreeMap<String, Vec<Arrival>> = BTreeMap::new();
    // A redirect is a failure, and is not followed.
    for status in [302, 307, 404, 429, 503, 302, 500, 500] {
        receiver.answer(status);
        for arrival in receiver.several(2).await {
            by_id.entry(arrival.id.clone()).or_default().push(arrival);
        }
    }
    assert_eq!(by_id.len(), 2);
    for attempts in by_id.values() {
        assert_eq!(attempts.len(), 8);
        assert!(attempts.iter().all(|attempt| attempt.body == attempts[0].body && attempt.path == "/hook"));
        assert!(attempts.is_sorted_by(|one, next| one.timestamp < next.timestamp), "{attempts:?}");
    }
    // There is no ninth attempt.
    receiver.answer(204);
    for status in ["PASSWORD_INCORRECT", "CONNECTED"] {
        simulator.set_connection_status(&row, status);
        assert_eq!(sorted_briefs(&receiver.several(2).await), pair(&row, status));
    }
}

#[tokio::test]
async fn what_comes_twice_has_one_id() {
    let api = open(&SMALL).await;
    let mut receiver = Receiver::open().await;
    let mut endpoint = receiver.endpoint();
    endpoint.twice = 1.0;
    let _sending = receiver.listen_to(&api.simulator, endpoint);
    let row = all_connections(&api.simulator).remove(0);
    api.simulator.set_connection_status(&row, "WEBSITE_DOWN");
    let arrivals = receiver.several(4).await;
    let mut copies: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for arrival in &arrivals {
        copies.entry(&arrival.id).or_default().push(&arrival.body);
    }
    let copies: Vec<Vec<&str>> = copies.into_values().collect();
    assert!(copies.len() == 2 && copies.iter().all(|bodies| bodies[0] == bodies[1]), "{copies:?}");
}

/// The fleet of a seed is the same whether events are sent or not.
#[tokio::test]
async fn sending_changes_nothing() {
    let plan = Plan { companies: 6, connections: 20, speed: 1.0, ..SMALL };
    let (silent, sending) = (open(&plan).await, open(&plan).await);
    let mut receiver = Receiver::open().await;
    let _sending = receiver.listen_to(&sending.simulator, receiver.endpoint());
    for _ in 0..5 {
        for api in [&silent, &sending] {
            api.clock.pass(24 * 3);
        }
        receiver.next().await;
        assert_eq!(silent.everything().await, sending.everything().await);
    }
}

#[test]
fn an_endpoint_that_cannot_be_is_refused_without_a_word_of_it() {
    for (url, secret, message) in [
        ("sim-secret", WEBHOOK_SECRET, "begins with http"),
        ("ftp://sim-secret", WEBHOOK_SECRET, "begins with http"),
        ("http://host", "sim-secret", "whsec_"),
        ("http://host", "whsec_sim-secret", "base64"),
    ] {
        let fault = Endpoint::new(url, secret).unwrap_err().to_string();
        assert!(fault.contains(message) && !fault.contains("sim-secret"), "{fault}");
    }
    let endpoint = Endpoint::new("http://sim-secret@host", WEBHOOK_SECRET).unwrap();
    assert!(!format!("{endpoint:?}").contains("sim-secret"));
}
