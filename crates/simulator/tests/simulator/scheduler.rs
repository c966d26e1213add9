//! How a fleet changes with time: checks, customers, new connections, and the changes that tests make.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use nectar_simulator::Plan;
use nectar_status::{Category, Kind, Recheck, Status};
use serde_json::Value;

use crate::api::{Api, accounts, mix, open, text, time};

fn lively(speed: f64) -> Plan {
    Plan { companies: 10, connections: 60, speed, ..Plan::default() }
}

/// Per cent of the active connections.
fn shares(rows: &[Value]) -> BTreeMap<&'static str, f64> {
    let active: Vec<&Value> = rows.iter().filter(|row| row["status"] != "COMPANY_INACTIVE").collect();
    let mut shares = BTreeMap::from([("website_issue", 0.0), ("unknown", 0.0), ("standard", 0.0)]);
    for row in &active {
        let status = Status::read(Kind::Connection, row["status"].as_str());
        let share = if status.word() == "CONNECTED" { "connected" } else { status.category().label() };
        *shares.entry(share).or_default() += 100.0 / active.len() as f64;
    }
    shares
}

#[tokio::test]
async fn months_of_life_keep_the_mix_and_the_times() {
    let api = open(&lively(24.0)).await;
    let start = api.clock.now();
    let at_start = api.everything().await;
    for month in [2, 4, 6, 9, 12] {
        // 30 hours at 24 times the speed are 30 days.
        while api.clock.now() < start + SignedDuration::from_hours(30 * month) {
            api.clock.pass(3);
            api.simulator.companies();
        }
        let rows = api.everything().await;
        let shares = shares(&rows);
        for (share, low, high) in [
            ("connected", 74.0, 88.0),
            ("intervention_needed", 5.0, 13.0),
            ("website_issue", 2.5, 9.5),
            ("standard", 0.2, 4.5),
            ("unknown", 0.0, 1.5),
        ] {
            assert!((low..=high).contains(&shares[share]), "month {month}: {shares:?}");
        }
        assert!((580..=720).contains(&rows.len()), "month {month}: {} connections", rows.len());
        account_mix(&rows, month);
        times(&api, &rows);
    }
    let ids = |rows: &[Value]| rows.iter().map(|row| text(row, "id")).collect::<Vec<_>>();
    let (old, new) = (ids(&at_start), ids(&api.everything().await));
    assert!(new.iter().any(|id| !old.contains(id)) && old.iter().any(|id| !new.contains(id)));
}

fn account_mix(rows: &[Value], month: i64) {
    let all = accounts(rows);
    let mix = mix(all.iter().copied());
    let completed = mix["PULL_COMPLETED"] as f64 / all.len() as f64;
    assert!((0.45..0.8).contains(&completed), "month {month}: {mix:?}");
    let terminal = |status: &str| {
        let status = Status::read(Kind::Account, Some(status));
        status.category() == Category::Terminal && status.word() != "COMPANY_INACTIVE"
    };
    let terminal: usize = mix.iter().filter(|(status, _)| terminal(status)).map(|(_, count)| count).sum();
    assert!(terminal * 100 < all.len() * 20, "month {month}: {mix:?}");
}

fn times(api: &Api, rows: &[Value]) {
    let now = api.clock.now();
    for row in rows.iter().chain(accounts(rows)) {
        for field in ["created", "updated", "statusFirstSeenTime", "statusLastUpdateTime"] {
            assert!(time(row, field).is_none_or(|time| time <= now), "{field} {row}");
        }
        let (first, last) = (time(row, "statusFirstSeenTime"), time(row, "statusLastUpdateTime"));
        assert!(last.is_none() || first <= last, "{row}");
    }
    // At this speed, a week and three days of lateness last ten hours.
    let connected = rows.iter().filter(|row| row["status"] == "CONNECTED");
    let oldest = connected.filter_map(|row| time(row, "statusLastUpdateTime")).min().unwrap();
    assert!(now.duration_since(oldest) <= SignedDuration::from_hours(10), "{oldest}");
}

#[tokio::test]
async fn a_week_checks_everything_that_is_checked() {
    let api = open(&lively(1.0)).await;
    let start = api.clock.now();
    let before = mix(&api.everything().await);
    api.clock.pass(24 * 11);
    let rows = api.everything().await;
    assert_ne!(mix(&rows), before);
    for row in &rows {
        let status = Status::read(Kind::Connection, row["status"].as_str());
        if status.word() == "COMPANY_INACTIVE" || status.recheck() == Recheck::AfterCustomer {
            continue;
        }
        let is_new = time(row, "created").unwrap() > start;
        assert!(is_new || time(row, "statusLastUpdateTime").unwrap() > start, "{row}");
    }
}

#[tokio::test]
async fn terminal_accounts_never_change() {
    let api = open(&lively(100.0)).await;
    let is_final =
        |row: &Value| Status::read(Kind::Account, row["status"].as_str()).recheck() == Recheck::Never;
    let pick = |rows: &[Value]| -> BTreeMap<String, Value> {
        accounts(rows).into_iter().map(|row| (text(row, "id"), row.clone())).collect()
    };
    let mut before = pick(&api.everything().await);
    before.retain(|_, row| is_final(row));
    api.clock.pass(24);
    let after = pick(&api.everything().await);
    let mut kept = 0;
    for (id, row) in before {
        if let Some(now) = after.get(&id) {
            assert_eq!(*now, row);
            kept += 1;
        }
    }
    assert!(kept > 30);
}

#[tokio::test]
async fn the_same_life_whoever_looks_when() {
    let (often, once) = (open(&lively(50.0)).await, open(&lively(50.0)).await);
    for _ in 0..48 {
        often.clock.pass(1);
        often.simulator.companies();
    }
    once.clock.pass(48);
    assert!(often.everything().await == once.everything().await);
}

#[tokio::test]
async fn no_speed_makes_a_request_wait_forever() {
    let api = open(&Plan { speed: 1e12, companies: 2, connections: 5, ..Plan::default() }).await;
    api.clock.pass(24 * 365);
    assert_eq!(api.send("/company").await.unwrap().status(), 200);
    let broken = open(&Plan { speed: f64::NAN, ..Plan::default() }).await;
    assert_eq!(broken.send("/company").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_clock_that_steps_back_sends_no_future() {
    let api = open(&lively(1000.0)).await;
    api.clock.pass(5);
    api.everything().await;
    api.clock.pass(-7);
    times_are_past(&api).await;
}

async fn times_are_past(api: &Api) {
    let now = api.clock.now();
    for row in api.everything().await {
        for field in ["created", "updated", "statusLastUpdateTime", "statusFirstSeenTime"] {
            assert!(time(&row, field).is_none_or(|time| time <= now), "{field} {row}");
        }
    }
}

#[tokio::test]
async fn a_status_set_by_hand_is_what_a_check_just_found() {
    for speed in [0.0, 10.0] {
        let api = open(&Plan { speed, ..Plan::default() }).await;
        api.clock.pass(1);
        let company = api.company(0);
        let page = api.page(&company, "?status=CONNECTED").await;
        let id = text(&page["connections"][0], "id");
        for (status, detail) in [("PASSWORD_INCORRECT", true), ("CONNECTED", false), ("Weird one", true)] {
            assert!(api.simulator.set_connection_status(&id, status));
            let rows = api.everything().await;
            let row = rows.iter().find(|row| row["id"] == *id).unwrap();
            assert_eq!(text(row, "status"), status);
            assert_eq!(row["statusErrorDetail"].is_string(), detail);
            assert_eq!(row["statusFirstSeenTime"], row["statusLastUpdateTime"]);
            let age = api.clock.now().duration_since(time(row, "statusLastUpdateTime").unwrap());
            assert!(age < SignedDuration::from_secs(1));
            let blocked = mix(row["accounts"].as_array().unwrap()).contains_key("WORKFLOW_NOT_ACCESSIBLE");
            assert!(!blocked || status != "CONNECTED");
        }
        assert!(!api.simulator.set_connection_status("no-such-id", "CONNECTED"));
    }
}

#[tokio::test]
async fn times_set_by_hand_are_those_of_the_checks() {
    let api = open(&Plan::default()).await;
    let id = text(&api.page(&api.company(0), "?status=CONNECTED").await["connections"][0], "id");
    let last = api.clock.now() - SignedDuration::from_hours(1);
    let first = last - SignedDuration::from_hours(24 * 900);
    assert!(api.simulator.set_connection_status(&id, "WEBSITE_DOWN"));
    assert!(api.simulator.set_connection_times(&id, first, last));
    let rows = api.everything().await;
    let row = rows.iter().find(|row| row["id"] == *id).unwrap();
    // The coarsest format has whole seconds.
    let is = |field: &str, expected| time(row, field).unwrap().duration_since(expected).abs().as_secs() == 0;
    assert!(is("statusFirstSeenTime", first) && is("statusLastUpdateTime", last), "{row}");
    assert!(is("created", first), "{row}");
    assert_eq!(text(row, "status"), "WEBSITE_DOWN");
    assert!(!api.simulator.set_connection_times("no-such-id", first, last));
}

#[tokio::test]
async fn a_connection_taken_away_is_gone() {
    let api = open(&lively(50.0)).await;
    let company = api.company(0);
    let before = api.simulator.connections(&company);
    assert!(api.simulator.remove_connection(&before[1]));
    assert!(!api.simulator.remove_connection(&before[1]));
    assert_eq!(api.simulator.connections(&company), [&before[..1], &before[2..]].concat());
    let page = api.page(&company, "").await;
    assert_eq!(page["totalConnections"], before.len() - 1);
    // No plan for it brings it back.
    api.clock.pass(24 * 7);
    assert!(!api.everything().await.iter().any(|row| row["id"] == *before[1]));
}

#[tokio::test]
async fn a_company_switched_off_stays_as_it_is() {
    let api = open(&lively(50.0)).await;
    let company = api.company(0);
    api.clock.pass(1);
    assert!(api.simulator.switch_company_off(&company));
    let known = api.simulator.connections(&company);
    let off = api.page(&company, "?limit=500").await["connections"].clone();
    for row in off.as_array().unwrap() {
        assert_eq!(row["status"], "COMPANY_INACTIVE");
        assert_eq!(row["statusFirstSeenTime"], row["statusLastUpdateTime"]);
        let age = api.clock.now().duration_since(time(row, "statusFirstSeenTime").unwrap());
        assert!(age < SignedDuration::from_secs(1), "{row}");
    }
    assert!(mix(accounts(off.as_array().unwrap())).contains_key("COMPANY_INACTIVE"));
    api.clock.pass(24 * 7);
    assert_eq!(api.simulator.connections(&company), known, "it does not grow");
    assert_eq!(api.page(&company, "?limit=500").await["connections"], off);
    assert!(!api.simulator.switch_company_off("no-such-id"));
}

#[tokio::test]
async fn companies_go_and_websites_fall() {
    let api = open(&lively(7.0)).await;
    let companies = api.simulator.companies();
    assert!(api.simulator.remove_company(&companies[0]));
    assert!(!api.simulator.remove_company(&companies[0]));
    let answer = api.send(&format!("/connection/company/{}", companies[0])).await.unwrap();
    assert_eq!(answer.status(), 403);
    assert_eq!(api.simulator.companies(), companies[1..]);

    let rows = api.everything().await;
    let utility = rows[0]["datasource"]["name"].as_str().unwrap();
    let of_utility = |rows: &[Value]| -> BTreeMap<String, usize> {
        let is_active = |row: &&Value| row["status"] != "COMPANY_INACTIVE";
        mix(rows.iter().filter(is_active).filter(|row| row["datasource"]["name"] == utility))
    };
    let expected = of_utility(&rows).values().sum();
    assert_eq!(api.simulator.set_utility_down(utility, &companies, true), expected);
    let down = BTreeMap::from([("WEBSITE_DOWN".to_owned(), expected)]);
    assert_eq!(of_utility(&api.everything().await), down);
    // Checks find it down for as long as it is down; what was added meanwhile waits for its first check.
    api.clock.pass(30);
    let mut still = of_utility(&api.everything().await);
    still.remove("PENDING");
    assert!(still["WEBSITE_DOWN"] * 10 > expected * 9);
    assert_eq!(still.len(), 1, "{still:?}");
    assert_eq!(api.simulator.set_utility_down(utility, &companies, false), still["WEBSITE_DOWN"]);
    assert!(!of_utility(&api.everything().await).contains_key("WEBSITE_DOWN"));
    assert_eq!(api.simulator.set_utility_down("Nobody", &companies, true), 0);
}
