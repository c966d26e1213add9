//! Each fault does what its documentation says, and only to the requests that it is for.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use nectar_simulator::{Fault, Plan, Scope};
use serde_json::{Value, json};

use crate::api::{Api, ids, open};

#[tokio::test]
async fn a_fault_is_for_its_scope() {
    let api = open(&Plan::default()).await;
    let (one, two) = (api.company(0), api.company(1));
    let paths = [
        "/ping".to_owned(),
        "/company".to_owned(),
        format!("/connection/company/{one}?limit=5"),
        format!("/connection/company/{one}?limit=5&page=2"),
        format!("/connection/company/{two}"),
        "/none".to_owned(),
    ];
    for (scope, hit) in [
        (Scope::Everything, [true; 6]),
        (Scope::Ping, [true, false, false, false, false, false]),
        (Scope::CompanyList, [false, true, false, false, false, false]),
        (Scope::Company(one.clone()), [false, false, true, true, false, false]),
        (Scope::Page(one.clone(), 1), [false, false, true, false, false, false]),
        (Scope::Page(one.clone(), 2), [false, false, false, true, false, false]),
    ] {
        api.simulator.faults().clear();
        api.simulator.faults().set(scope.clone(), Fault::Status(503));
        for (path, hit) in paths.iter().zip(hit) {
            let (status, _) = api.json(path).await;
            assert_eq!(status == 503, hit, "{scope:?} {path}");
        }
    }
}

#[tokio::test]
async fn the_first_that_is_not_used_up_wins() {
    let api = open(&Plan::default()).await;
    let faults = api.simulator.faults();
    faults.set_times(Scope::Ping, Fault::Status(500), 2);
    faults.set_times(Scope::Everything, Fault::StatusRetryAfter(429, "a while".to_owned()), 1);
    faults.set_times(Scope::Everything, Fault::Status(502), 0);
    faults.set(Scope::CompanyList, Fault::Redirect("http://elsewhere.example/".to_owned()));
    let mut answers = Vec::new();
    for _ in 0..4 {
        let answer = api.send("/ping").await.unwrap();
        answers.push((answer.status().as_u16(), answer.headers().get("retry-after").cloned()));
    }
    let wait = "a while".parse().unwrap();
    assert_eq!(answers, [(500, None), (500, None), (429, Some(wait)), (200, None)]);
    let answer = api.send("/company").await.unwrap();
    assert_eq!(answer.status(), 302);
    assert_eq!(answer.headers()["location"], "http://elsewhere.example/");
    faults.clear();
    assert_eq!(api.send("/company").await.unwrap().status(), 200);
}

#[tokio::test]
async fn bodies_come_spoiled() {
    let api = open(&Plan::default()).await;
    let path = format!("/connection/company/{}", api.company(0));
    let whole = api.text(&path).await;
    for (fault, expected) in [
        (Fault::TruncatedJson, whole[..whole.len() / 2].to_owned()),
        (Fault::Body("[1, 2".to_owned()), "[1, 2".to_owned()),
        (Fault::WrongJson, json!({"data": {"items": []}, "next": null}).to_string()),
    ] {
        api.simulator.faults().set_times(Scope::Everything, fault.clone(), 1);
        assert!(api.text(&path).await == expected, "{fault:?}");
    }
    assert!(api.text(&path).await == whole);
}

#[tokio::test]
async fn a_broken_body_breaks_after_its_head() {
    let api = open(&Plan::default()).await;
    api.simulator.faults().set(Scope::Everything, Fault::BrokenBody);
    for path in ["/ping", "/company", &format!("/connection/company/{}", api.company(0))] {
        let answer = api.send(path).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.is_err());
    }
}

#[tokio::test]
async fn delays_and_hangs_count_as_under_way() {
    let api = open(&Plan::default()).await;
    let wait = Duration::from_millis(60);
    api.simulator.faults().set_times(Scope::Ping, Fault::Delay(wait), 1);
    let begun = Instant::now();
    assert_eq!(api.send("/ping").await.unwrap().status(), 200);
    assert!(begun.elapsed() >= wait);
    assert_eq!(api.simulator.peak_in_flight(), 1);
    api.simulator.faults().set(Scope::Ping, Fault::Hang);
    let mut hanging = futures::future::join_all([api.send("/ping"), api.send("/ping"), api.send("/ping")]);
    while api.simulator.peak_in_flight() < 3 {
        assert!(tokio::time::timeout(wait, &mut hanging).await.is_err(), "none of them is answered");
        assert!(begun.elapsed() < Duration::from_secs(60), "three requests never came in");
    }
    assert_eq!(api.simulator.peak_in_flight(), 3);
    assert_eq!(api.send("/company").await.unwrap().status(), 200);
}

async fn fetch_all(api: &Api, company: &str) -> (Vec<Value>, Vec<String>) {
    let mut pages = vec![api.page(company, "?limit=8").await];
    for number in 2..=pages[0]["totalPages"].as_u64().unwrap() {
        pages.push(api.page(company, &format!("?limit=8&page={number}")).await);
    }
    let rows = pages.iter().flat_map(ids).collect();
    for page in &mut pages {
        page.as_object_mut().unwrap().remove("connections");
    }
    (pages, rows)
}

#[tokio::test]
async fn lists_that_change_while_they_are_read_keep_their_totals() {
    let api = open(&Plan { companies: 1, connections: 30, ..Plan::default() }).await;
    let company = api.company(0);
    let (numbers, steady) = fetch_all(&api, &company).await;
    api.simulator.faults().set(Scope::Everything, Fault::Overlap);
    let (overlapping_numbers, overlapping) = fetch_all(&api, &company).await;
    assert_eq!(overlapping_numbers, numbers);
    assert_eq!(overlapping.len(), steady.len());
    let distinct: BTreeSet<&String> = overlapping.iter().collect();
    assert_eq!(distinct, steady[..27].iter().collect());
    assert_eq!(overlapping[7], overlapping[8]);
    api.simulator.faults().clear();
    api.simulator.faults().set(Scope::Company(company.clone()), Fault::RowsMove);
    let (moving_numbers, moving) = fetch_all(&api, &company).await;
    assert_eq!(moving_numbers, numbers);
    assert_eq!(moving[..8], steady[..8]);
    assert_eq!(moving[8..28], steady[10..]);
    assert_eq!(moving[28..], steady[..2]);
}
