//! What goes wrong at Nectar, and what is said about it: every failure path, through the simulator.

use std::time::Duration;

use nectar_simulator::{Fault, Plan, Scope, Simulator};

use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY, SHORT_TIMEOUT_FLAG};
use test_support::paused_time::PausedTime;
use test_support::scrape::Scrape;

const SMALL: Plan = Plan { companies: 3, connections: 4, accounts: 1, seed: 7, speed: 0.0 };

fn failures(scrape: &Scrape, endpoint: &str, reason: &str) -> f64 {
    let labels = [("endpoint", endpoint), ("reason", reason)];
    scrape.value("nectar_api_request_failures_total", &labels).unwrap()
}

/// Each way in which a request can fail: what it counts as, and how often it is sent.
#[tokio::test]
async fn every_failure_of_a_request() {
    let cases = [
        ("400", Fault::Status(400), "400", "client_error", 1),
        ("401", Fault::Status(401), "401", "auth", 1),
        ("403", Fault::Status(403), "403", "forbidden", 1),
        ("404", Fault::Status(404), "404", "not_found", 1),
        ("418", Fault::Status(418), "418", "client_error", 1),
        ("429", Fault::Status(429), "429", "rate_limited", 4),
        ("500", Fault::Status(500), "500", "server_error", 4),
        ("503", Fault::Status(503), "503", "server_error", 4),
        ("redirect", Fault::Redirect("http://127.0.0.1:1/".to_owned()), "302", "other", 1),
        ("no content", Fault::Status(204), "204", "decode", 1),
        ("broken body", Fault::BrokenBody, "200", "connect", 4),
        ("truncated JSON", Fault::TruncatedJson, "200", "decode", 1),
        ("other JSON", Fault::WrongJson, "200", "decode", 1),
        ("no JSON", Fault::Body("<html>".to_owned()), "200", "decode", 1),
    ];
    for case in cases {
        for endpoint in ["company", "connections"] {
            check(&case, endpoint).await;
        }
    }
}

/// The same for one that is never answered.
#[tokio::test]
async fn a_request_that_hangs() {
    let _stopped = PausedTime::new();
    for endpoint in ["company", "connections"] {
        check(&("hang", Fault::Hang, "none", "timeout", 4), endpoint).await;
    }
}

/// A name, the fault, and as what the failure counts: code, reason, attempts.
type Case = (&'static str, Fault, &'static str, &'static str, i32);

async fn check((name, fault, code, reason, attempts): &Case, endpoint: &str) {
    let flags: &[&str] = if *fault == Fault::Hang { &[SHORT_TIMEOUT_FLAG] } else { &[] };
    let (program, simulator) = Exporter::simulated(&SMALL, flags).await;
    program.after_polls(1).await;
    let of_a_company = endpoint == "connections";
    let scope =
        if of_a_company { Scope::Company(simulator.companies()[0].clone()) } else { Scope::CompanyList };
    simulator.faults().set(scope, fault.clone());
    program.clock.advance(Duration::from_secs(5 * 60));
    let scrape = match fault {
        Fault::Hang => program.after_polls_timed_out(2, &simulator).await,
        _ => program.after_polls(2).await,
    };

    let context = format!("{name} of {endpoint}");
    assert_eq!(failures(&scrape, endpoint, reason), f64::from(*attempts), "{context}");
    let sent = scrape.value("nectar_api_requests_total", &[("endpoint", endpoint), ("code", code)]);
    // The first poll, and the other companies of the second.
    let good = match (*code, of_a_company) {
        ("200", true) => 5,
        ("200", false) => 1,
        _ => 0,
    };
    assert_eq!(sent, Some(f64::from(good + attempts)), "{context}");
    let retries = scrape.value("nectar_api_request_retries_total", &[("endpoint", endpoint)]);
    assert_eq!(retries, Some(f64::from(attempts - 1)), "{context}");

    assert_eq!(scrape.value("nectar_up", &[]), Some(0.0), "{context}");
    assert_eq!(scrape.value("nectar_last_failure", &[("reason", reason)]), Some(1.0), "{context}");
    assert_eq!(scrape.sum("nectar_last_failure", &[]), 1.0, "{context}: one cause");
    let poll_failures = scrape.value("nectar_exporter_poll_failures_total", &[("reason", reason)]);
    assert_eq!(poll_failures, Some(1.0), "{context}");
    assert_eq!(scrape.sum("nectar_exporter_poll_failures_total", &[]), 1.0, "{context}");
    let down = if of_a_company { 1 } else { 3 };
    assert_eq!(scrape.sum("nectar_company_up", &[]), f64::from(3 - down), "{context}");
    assert_eq!(
        scrape.sum("nectar_company_last_failure", &[("reason", reason)]),
        f64::from(down),
        "{context}"
    );
    assert_eq!(scrape.sum("nectar_company_last_failure", &[]), f64::from(down), "{context}");
}

#[tokio::test]
async fn waits_between_attempts_grow_and_stay_under_fifteen_seconds() {
    let (program, simulator) = Exporter::simulated(&SMALL, &[]).await;
    program.after_polls(1).await;
    simulator.faults().set(Scope::CompanyList, Fault::Status(500));
    program.next_poll().await;
    let waits: Vec<f64> = program.clock.skipped().iter().map(Duration::as_secs_f64).collect();
    assert_eq!(waits.len(), 3);
    for (wait, least) in waits.iter().zip([0.5, 1.0, 2.0]) {
        assert!((least..=2.0 * least).contains(wait), "{wait} is not {least} with jitter");
    }
    assert!(waits.iter().sum::<f64>() < 15.0);
    assert!(waits != [0.5, 1.0, 2.0], "there is no jitter");
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    // The clock of these tests stands at 12:05:00 when the second poll begins. Every form of the header stands beside the rule, in
    // src/nectar/retry.rs.
    let cases = [("7", 7.0, 7.0), ("soon", 0.5, 1.0), ("Mon, 15 Jun 2026 12:05:42 GMT", 42.0, 42.0)];
    for (value, least, most) in cases {
        let (program, simulator) = Exporter::simulated(&SMALL, &[]).await;
        program.after_polls(1).await;
        let fault = Fault::StatusRetryAfter(429, value.to_owned());
        simulator.faults().set_times(Scope::CompanyList, fault, 1);
        let scrape = program.next_poll().await;
        let waits: Vec<f64> = program.clock.skipped().iter().map(Duration::as_secs_f64).collect();
        assert!(waits.len() == 1 && (least..=most).contains(&waits[0]), "{value:?}: {waits:?}");
        assert_eq!(scrape.value("nectar_up", &[]), Some(1.0), "{value:?}: the second attempt succeeds");
    }
}

#[tokio::test]
async fn a_retry_after_of_a_day_or_more_counts_as_five_minutes() {
    for value in ["86400", "99999999999999999999999999"] {
        five_minutes_and_no_more(value).await;
    }
}

async fn five_minutes_and_no_more(value: &str) {
    let (program, simulator) = Exporter::simulated(&SMALL, &["--nectar.poll-timeout=1h"]).await;
    program.after_polls(1).await;
    simulator.faults().set_times(Scope::CompanyList, Fault::StatusRetryAfter(503, value.to_owned()), 1);
    program.clock.advance(Duration::from_secs(300));
    program.until("the refusal", |scrape| failures(scrape, "company", "server_error") == 1.0).await;
    // Waits of five minutes are not skipped by this clock: the second attempt comes when they have passed.
    program.clock.advance(Duration::from_secs(299));
    assert_eq!(program.scrape().await.value("nectar_exporter_polls_total", &[]), Some(1.0));
    program.clock.advance(Duration::from_secs(1));
    program.after_polls(2).await;
}

#[tokio::test]
async fn outage_after_success_and_recovery() {
    let (program, simulator) = Exporter::simulated(&SMALL, &[]).await;
    let before = program.after_polls(1).await;
    let begun = before.sum("nectar_company_last_success_timestamp_seconds", &[]);
    simulator.faults().set(Scope::Everything, Fault::Status(500));

    let during = program.next_poll().await;
    assert_eq!(during.value("nectar_up", &[]), Some(0.0));
    assert_eq!(during.sum("nectar_company_up", &[]), 0.0);
    assert_eq!(during.sum("nectar_connections", &[]), before.sum("nectar_connections", &[]));
    assert_eq!(during.sum("nectar_company_last_success_timestamp_seconds", &[]), begun);
    assert_eq!(program.get("/-/ready").await.status(), 200, "readiness is not lost");
    assert_eq!(program.get("/-/healthy").await.status(), 200);

    simulator.faults().clear();
    let after = program.next_poll().await;
    assert_eq!(after.value("nectar_up", &[]), Some(1.0));
    assert_eq!(after.sum("nectar_company_up", &[]), 3.0);
    assert!(!after.has("nectar_company_last_failure"));
    assert!(after.sum("nectar_company_last_success_timestamp_seconds", &[]) > begun);
}

#[tokio::test]
async fn data_older_than_max_data_age_is_withdrawn_and_comes_back() {
    let (program, simulator) = Exporter::simulated(&SMALL, &["--metrics.detail=accounts"]).await;
    let before = program.after_polls(1).await;
    let changed = "nectar_connection_status_changes_total";
    simulator.faults().set(Scope::Everything, Fault::Status(500));
    for _ in 0..12 {
        program.next_poll().await;
    }
    let at_the_limit = program.scrape().await;
    assert!(at_the_limit.has("nectar_connections"), "an hour old is not older than an hour");
    program.clock.advance(Duration::from_secs(1));

    let withdrawn = program.scrape().await;
    for (name, kind) in &before.types {
        let is_about_a_fleet = name.starts_with("nectar_co")
            || name.starts_with("nectar_acc")
            || name.starts_with("nectar_data");
        let stays =
            ["nectar_company_info", "nectar_company_up", "nectar_company_last_success_timestamp_seconds"]
                .contains(&name.as_str())
                || ["counter", "histogram"].contains(&kind.as_str());
        assert_eq!(withdrawn.types.contains_key(name), !is_about_a_fleet || stays, "{name}");
    }
    assert_eq!(withdrawn.family("nectar_company_info").count(), 3);
    assert_eq!(withdrawn.family("nectar_company_last_failure").count(), 3);
    assert_eq!(withdrawn.family(changed).count(), before.family(changed).count());

    // Nor does the page say 0 of what nobody knows.
    let page = program.get("/").await.text().await.unwrap();
    assert!(page.contains("<dt>Connections</dt><dd>unknown</dd>"), "{page}");
    assert!(!page.contains(">0<") && !page.contains("0 known"), "{page}");

    simulator.faults().clear();
    let after = program.next_poll().await;
    assert_eq!(after.sum("nectar_connections", &[]), before.sum("nectar_connections", &[]));
}

#[tokio::test]
async fn an_outage_from_the_start_shows_no_fleet_and_no_readiness() {
    let clock = TestClock::skipping(Duration::from_secs(60));
    let simulator = Simulator::new(&SMALL, KEY, wall(&clock));
    simulator.faults().set(Scope::Everything, Fault::Status(401));
    let program = Exporter::against(&simulator, &[], clock).await;
    let scrape = program.after_polls(1).await;
    for (name, ..) in &scrape.samples {
        let is_of_the_exporter =
            ["nectar_up", "nectar_last_failure", "nectar_api_", "nectar_exporter_", "process_"];
        assert!(is_of_the_exporter.iter().any(|prefix| name.starts_with(prefix)), "{name}");
    }
    assert_eq!(program.get("/-/ready").await.status(), 503);
    assert!(!scrape.has("nectar_exporter_last_success_timestamp_seconds"));

    simulator.faults().clear();
    let scrape = program.next_poll().await;
    assert_eq!(scrape.family("nectar_company_up").count(), 3);
    assert_eq!(program.get("/-/ready").await.status(), 200);
}

#[tokio::test]
async fn a_company_that_always_fails_keeps_nobody_back() {
    let clock = TestClock::skipping(Duration::from_secs(60));
    let simulator = Simulator::new(&SMALL, KEY, wall(&clock));
    let bad = simulator.companies()[1].clone();
    simulator.faults().set(Scope::Company(bad.clone()), Fault::Status(500));
    let program = Exporter::against(&simulator, &[], clock).await;
    let scrape = program.after_polls(1).await;
    assert_eq!(program.get("/-/ready").await.status(), 200);
    assert_eq!(scrape.value("nectar_up", &[]), Some(0.0));
    assert_eq!(scrape.family("nectar_company_info").count(), 3, "one never read is listed too");
    assert_eq!(scrape.value("nectar_company_up", &[("company_id", &bad)]), Some(0.0));
    assert_eq!(scrape.value("nectar_company_last_success_timestamp_seconds", &[("company_id", &bad)]), None);
    assert_eq!(scrape.sum("nectar_company_up", &[]), 2.0);
    assert!(scrape.family("nectar_connections").all(|(labels, _)| labels["company_id"] != bad));
    assert!(!scrape.has("nectar_exporter_last_success_timestamp_seconds"));
}

#[tokio::test]
async fn an_answer_too_large_is_not_read() {
    let (program, simulator) = Exporter::simulated(&SMALL, &[]).await;
    program.after_polls(1).await;
    let huge = format!("[{}]", " ".repeat(nectar_exporter::nectar::body::MAX_BODY_BYTES));
    simulator.faults().set(Scope::CompanyList, Fault::Body(huge));
    let scrape = program.next_poll().await;
    assert_eq!(failures(&scrape, "company", "too_large"), 1.0);
    assert_eq!(scrape.value("nectar_exporter_poll_failures_total", &[("reason", "too_large")]), Some(1.0));
}

#[tokio::test]
async fn never_more_requests_at_once_than_allowed() {
    for (flag, at_most) in
        [("--nectar.max-concurrent-requests=1", 1), ("--nectar.max-concurrent-requests=3", 3)]
    {
        let plan = Plan { companies: 3, connections: 20, ..SMALL };
        let (program, simulator) = Exporter::simulated(&plan, &[flag, "--nectar.page-size=2"]).await;
        simulator.faults().set(Scope::Everything, Fault::Delay(Duration::from_millis(5)));
        program.after_polls(1).await;
        program.next_poll().await;
        assert!(simulator.peak_in_flight() <= at_most, "{flag}: {}", simulator.peak_in_flight());
        // And as many, where none is answered before the others come.
        simulator.faults().clear();
        for company in simulator.companies() {
            simulator.faults().set(Scope::Company(company), Fault::Hang);
        }
        program.clock.advance(Duration::from_secs(300));
        program.until("as many as allowed", |_| simulator.peak_in_flight() >= at_most).await;
        assert_eq!(simulator.peak_in_flight(), at_most, "{flag}");
    }
}
