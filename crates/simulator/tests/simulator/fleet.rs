//! The fleet at the start: reproducible, plausible, and with all the odd cases in it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use nectar_simulator::{Plan, SECRET};
use nectar_status::{Category, Kind, Recheck, Status};
use serde_json::Value;

use crate::api::{Api, accounts, mix, open, text, time};

async fn bytes(api: &Api) -> String {
    let mut all = api.text("/company").await;
    for company in api.simulator.companies() {
        all += &api.text(&format!("/connection/company/{company}?limit=500")).await;
    }
    all
}

#[tokio::test]
async fn the_same_seed_is_the_same_byte_for_byte() {
    let one = bytes(&open(&Plan::default()).await).await;
    let api = open(&Plan::default()).await;
    let same = bytes(&api).await;
    assert!(one == same);
    api.clock.pass(24 * 30);
    assert!(bytes(&api).await == same, "a fleet at speed 0 stands still");
    let other = bytes(&open(&Plan { seed: 2, ..Plan::default() }).await).await;
    assert!(one != other);
}

#[tokio::test]
async fn sizes_add_up_and_names_are_unique() {
    for plan in [
        Plan { companies: 450, connections: 3, accounts: 0, ..Plan::default() },
        Plan { companies: 3, connections: 400, accounts: 1, ..Plan::default() },
        Plan { companies: 12, connections: 1, ..Plan::default() },
    ] {
        let api = open(&plan).await;
        let (_, list) = api.json("/company").await;
        let list = list.as_array().unwrap();
        let names: BTreeSet<String> = list.iter().map(|company| text(company, "name")).collect();
        assert_eq!(names.len(), plan.companies as usize);
        let mut sizes = Vec::new();
        for company in list {
            let page = api.page(&text(company, "id"), "?limit=1").await;
            sizes.push(page["totalConnections"].as_u64().unwrap());
            assert_eq!(page["connections"][0]["company"], *company);
        }
        assert_eq!(sizes.iter().sum::<u64>(), u64::from(plan.companies * plan.connections));
        assert!(sizes.iter().all(|size| *size > 0));
    }
}

#[tokio::test]
async fn every_documented_status_appears_and_some_others() {
    for seed in 1..=8 {
        let api = open(&Plan { seed, ..Plan::default() }).await;
        let rows = api.everything().await;
        let seen = [(Kind::Connection, mix(&rows)), (Kind::Account, mix(accounts(&rows)))];
        for (kind, seen) in seen {
            for row in kind.documented() {
                assert!(seen.contains_key(row.value), "seed {seed}: no {kind:?} is {}", row.value);
            }
            let undocumented = seen.len() - kind.documented().len();
            assert_eq!(undocumented, 2, "seed {seed}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn the_mix_is_believable() {
    let api = open(&Plan { companies: 12, connections: 200, seed: 7, ..Plan::default() }).await;
    let rows = api.everything().await;
    assert_eq!(rows.len(), 2400);
    let active: Vec<&Value> = rows.iter().filter(|row| row["status"] != "COMPANY_INACTIVE").collect();
    let total = active.len() as f64;
    let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
    for row in active {
        let status = Status::read(Kind::Connection, row["status"].as_str());
        let share = if row["status"] == "CONNECTED" { "connected" } else { status.category().label() };
        *shares.entry(share).or_default() += 100.0 / total;
    }
    for (share, low, high) in [
        ("connected", 78.0, 86.0),
        ("intervention_needed", 6.0, 10.0),
        ("website_issue", 4.0, 7.0),
        ("unknown", 0.1, 1.0),
    ] {
        assert!((low..high).contains(&shares[share]), "{share}: {}", shares[share]);
    }
    let accounts = accounts(&rows);
    let unknown = mix(accounts.iter().copied())
        .into_iter()
        .filter(|(status, _)| Status::read(Kind::Account, Some(status)).category() == Category::Unknown);
    let unknown = unknown.map(|(_, count)| count).sum::<usize>() as f64 / accounts.len() as f64;
    assert!((0.001..0.01).contains(&unknown), "{unknown}");
    let mean = accounts.len() as f64 / 2400.0;
    assert!((2.7..3.2).contains(&mean), "{mean}");
}

#[tokio::test]
async fn times_are_past_and_in_order_and_sometimes_missing() {
    let api = open(&Plan::default()).await;
    let now = api.clock.now();
    let rows = api.everything().await;
    let (mut nulls, mut spellings) = (BTreeMap::<&str, usize>::new(), BTreeSet::new());
    for row in rows.iter().chain(accounts(&rows)) {
        for field in ["created", "updated", "statusFirstSeenTime", "statusLastUpdateTime"] {
            let Some(found) = time(row, field) else {
                *nulls.entry(field).or_default() += 1;
                continue;
            };
            assert!(found <= now && found > now - SignedDuration::from_hours(750 * 24), "{field} {row}");
            assert!(time(row, "created").is_none_or(|created| created <= found), "{field} {row}");
            let last = time(row, "statusLastUpdateTime").unwrap_or(now);
            assert!(field != "statusFirstSeenTime" || found <= last, "{row}");
            spellings.insert(spelling(row[field].as_str().unwrap()));
        }
    }
    assert_eq!(spellings, BTreeSet::from(["Z", "nine digits", "no zone", "offset"]));
    assert!(nulls["statusFirstSeenTime"] > 5 && nulls["statusLastUpdateTime"] > 5, "{nulls:?}");
}

fn spelling(text: &str) -> &'static str {
    let after_date = &text[10..];
    match text.split_once('.') {
        Some((_, digits)) if digits.len() == 10 && digits.ends_with('Z') => "nine digits",
        _ if text.ends_with('Z') => "Z",
        _ if after_date.contains(['+', '-']) => "offset",
        _ => "no zone",
    }
}

#[tokio::test]
async fn about_one_in_a_hundred_is_overdue() {
    let api = open(&Plan { companies: 7, connections: 290, accounts: 1, ..Plan::default() }).await;
    let now = api.clock.now();
    let mut rows = api.everything().await;
    rows.retain(|row| row["status"] == "CONNECTED");
    let overdue = rows.iter().filter(|row| is_overdue(row, now)).count();
    let share = overdue as f64 / rows.len() as f64;
    assert!((0.004..0.02).contains(&share), "{share}");
}

fn is_overdue(row: &Value, now: Timestamp) -> bool {
    let age = now.duration_since(time(row, "statusLastUpdateTime").unwrap());
    assert!(age < SignedDuration::from_hours(12 * 24));
    age > SignedDuration::from_hours(7 * 24)
}

#[tokio::test]
async fn rows_hold_together() {
    let api = open(&Plan { seed: 3, ..Plan::default() }).await;
    let now = api.clock.now();
    let rows = api.everything().await;
    for row in &rows {
        let status = Status::read(Kind::Connection, row["status"].as_str());
        let accounts = row["accounts"].as_array().unwrap();
        if let "PENDING" | "NO_ACCOUNTS_FOUND" = status.word() {
            assert!(accounts.is_empty());
        }
        if status.word() == "PENDING" && row["statusLastUpdateTime"].is_null() {
            assert!(time(row, "created").unwrap() > now - SignedDuration::from_hours(48));
        }
        for account in accounts {
            let is_disabled = account["trackingStatus"] == "DISABLED";
            assert_eq!(is_disabled, account["status"] == "CUSTOMER_NOT_TRACKED");
            assert!(matches!(account["isDuplicated"].as_str(), Some("true" | "false")));
        }
    }
    let waiting: Vec<Value> = rows
        .into_iter()
        .filter(|row| {
            let status = Status::read(Kind::Connection, row["status"].as_str());
            assert_eq!(
                status.recheck() == Recheck::AfterCustomer,
                status.category() == Category::InterventionNeeded
            );
            status.recheck() == Recheck::AfterCustomer
        })
        .collect();
    let behind = mix(accounts(&waiting));
    assert!(behind["WORKFLOW_NOT_ACCESSIBLE"] * 2 > behind.values().sum(), "{behind:?}");
}

#[tokio::test]
async fn what_is_secret_can_be_recognised() {
    let api = open(&Plan::default()).await;
    let rows = api.everything().await;
    for row in &rows {
        for field in ["connectionMagicLinkSecret", "publicCompanyId", "username", "workflowOwnerEmail"] {
            assert!(text(row, field).contains(SECRET));
        }
        let detail = &row["statusErrorDetail"];
        assert!(detail.is_null() || detail.as_str().unwrap().contains(SECRET));
    }
    assert!(rows.iter().any(|row| row["statusErrorDetail"].is_string()));
    assert!(accounts(&rows).iter().all(|account| text(account, "accountNumber").contains(SECRET)));
}
