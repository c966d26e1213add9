//! The poll loop: when polls begin and end, and what is shown meanwhile.

use std::time::Duration;

use nectar_simulator::{Fault, Plan, Scope, Simulator};

use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::scrape::Scrape;

const SMALL: Plan = Plan { companies: 3, connections: 4, accounts: 1, seed: 7, speed: 0.0 };

#[tokio::test]
async fn a_poll_ends_at_its_deadline_and_what_was_read_stays() {
    let (program, simulator) = Exporter::simulated(&SMALL, &["--nectar.request-timeout=1h"]).await;
    program.after_polls(1).await;
    let bad = simulator.companies()[0].clone();
    simulator.faults().set(Scope::Company(bad.clone()), Fault::Hang);
    let before = simulator.requests();
    program.clock.advance(Duration::from_secs(300));
    let fresh = |scrape: &Scrape| {
        let begun = scrape.family("nectar_company_last_success_timestamp_seconds");
        begun.filter(|(_, time)| *time == 1_781_524_800.0 + 300.0).count() == 2
    };
    let during = program.until("the others to be read", fresh).await;
    assert_eq!(during.value("nectar_exporter_polls_total", &[]), Some(1.0), "they are shown at once");
    assert_eq!(simulator.requests() - before, 4);

    program.clock.advance(Duration::from_secs(600));
    let after = program.after_polls(2).await;
    let why = [("company_id", bad.as_str()), ("reason", "deadline")];
    assert_eq!(after.value("nectar_company_last_failure", &why), Some(1.0));
    assert_eq!(after.value("nectar_exporter_poll_failures_total", &[("reason", "deadline")]), Some(1.0));
    assert_eq!(after.sum("nectar_company_up", &[]), 2.0);
}

/// At the first poll, everything appears at its end, all at once.
#[tokio::test]
async fn nothing_is_shown_before_the_first_poll_has_ended() {
    let clock = TestClock::new();
    let simulator = Simulator::new(&SMALL, KEY, wall(&clock));
    simulator.faults().set(Scope::Company(simulator.companies()[0].clone()), Fault::Hang);
    let program = Exporter::against(&simulator, &["--nectar.request-timeout=1h"], clock).await;
    let others = [("endpoint", "connections"), ("code", "200")];
    let during = program
        .until("the other two", |scrape| scrape.value("nectar_api_requests_total", &others) == Some(2.0))
        .await;
    assert!(!during.has("nectar_company_info"));
    assert_eq!(during.value("nectar_up", &[]), Some(0.0));
    let start = |scrape: &Scrape| scrape.value("nectar_exporter_start_timestamp_seconds", &[]);
    assert_eq!(start(&during), Some(1_781_524_800.0), "the exporter's own are there");
    assert_eq!(program.get("/-/ready").await.status(), 503);
    program.clock.advance(Duration::from_secs(600));
    let after = program.after_polls(1).await;
    assert_eq!(after.sum("nectar_company_up", &[]), 2.0);
    assert_eq!(after.family("nectar_company_info").count(), 3);
    assert_eq!(start(&after), start(&during), "it goes by no clock");
    assert_eq!(program.get("/-/ready").await.status(), 200);
}

#[tokio::test]
async fn a_company_list_that_hangs_ends_at_the_deadline_too() {
    let (program, simulator) = Exporter::simulated(&SMALL, &["--nectar.request-timeout=1h"]).await;
    program.after_polls(1).await;
    simulator.faults().set(Scope::CompanyList, Fault::Hang);
    let before = simulator.requests();
    program.clock.advance(Duration::from_secs(300));
    while simulator.requests() == before {
        tokio::task::yield_now().await;
    }
    program.clock.advance(Duration::from_secs(600));
    let scrape = program.after_polls(2).await;
    assert_eq!(scrape.value("nectar_exporter_poll_failures_total", &[("reason", "deadline")]), Some(1.0));
    assert_eq!(scrape.sum("nectar_company_last_failure", &[("reason", "deadline")]), 3.0);
}

/// From the start of one poll to the start of the next: a poll of 200 s leaves 100 s of five minutes.
#[tokio::test]
async fn the_interval_counts_from_the_start_of_a_poll() {
    let clock = TestClock::skipping(Duration::from_secs(60));
    let simulator = Simulator::new(&SMALL, KEY, wall(&clock));
    let program = Exporter::against(&simulator, &[], clock).await;
    program.after_polls(1).await;
    simulator.faults().set_times(Scope::CompanyList, Fault::StatusRetryAfter(503, "200".to_owned()), 1);
    program.clock.advance(Duration::from_secs(300));
    let refused = [("endpoint", "company"), ("code", "503")];
    program
        .until("the refusal", |scrape| scrape.value("nectar_api_requests_total", &refused) == Some(1.0))
        .await;
    program.clock.advance(Duration::from_secs(200));
    program.after_polls(2).await;
    program.clock.advance(Duration::from_secs(99));
    assert_eq!(program.scrape().await.value("nectar_exporter_polls_total", &[]), Some(2.0));
    program.clock.advance(Duration::from_secs(1));
    program.after_polls(3).await;
}

/// A company that comes later is listed at once, and shows nothing before it was read.
#[tokio::test]
async fn a_company_that_was_never_read_is_listed() {
    let (program, simulator) = Exporter::simulated(&SMALL, &["--nectar.request-timeout=1h"]).await;
    program.after_polls(1).await;
    let ids = simulator.companies();
    let new = "99999999-9999-4999-8999-999999999999";
    let rows: Vec<String> = ids
        .iter()
        .map(String::as_str)
        .chain([new])
        .map(|id| format!(r#"{{"id":"{id}","name":"{id}"}}"#))
        .collect();
    simulator.faults().set(Scope::CompanyList, Fault::Body(format!("[{}]", rows.join(","))));
    simulator.faults().set(Scope::Company(new.to_owned()), Fault::Hang);
    program.clock.advance(Duration::from_secs(300));
    let listed = [("company_id", new)];
    let during = program
        .until("it to be listed", |scrape| scrape.value("nectar_company_info", &listed).is_some())
        .await;
    assert_eq!(during.value("nectar_company_up", &listed), Some(0.0));
    assert_eq!(during.value("nectar_company_last_success_timestamp_seconds", &listed), None);
    assert!(!during.has("nectar_company_last_failure"), "nothing has failed yet");
}

#[tokio::test]
async fn a_failed_poll_has_one_cause_the_first() {
    let absent = "--nectar.company=00000000-0000-4000-8000-000000000000";
    let clock = TestClock::skipping(Duration::from_secs(60));
    let simulator = Simulator::new(&SMALL, KEY, wall(&clock));
    let ids = simulator.companies();
    simulator.faults().set(Scope::Company(ids[0].clone()), Fault::Status(403));
    let flags = [absent, &format!("--nectar.company={}", ids[0]), &format!("--nectar.company={}", ids[1])];
    let program = Exporter::against(&simulator, &flags, clock).await;
    let scrape = program.after_polls(1).await;
    let causes = "nectar_exporter_poll_failures_total";
    assert_eq!(scrape.value(causes, &[("reason", "not_listed")]), Some(1.0));
    assert_eq!(scrape.sum(causes, &[]), 1.0);
    assert_eq!(scrape.family("nectar_company_last_failure").count(), 2);
}

#[tokio::test]
async fn staleness_is_as_of_the_scrape() {
    let (program, _simulator) = Exporter::simulated(&SMALL, &[]).await;
    let before = program.after_polls(1).await;
    program.clock.advance(Duration::from_secs(60));
    let after = program.scrape().await;
    let name = "nectar_connections_max_staleness_seconds";
    let rows = before.family(name).count();
    assert!(rows > 0);
    let older = after.sum(name, &[]) - before.sum(name, &[]);
    assert!(
        (older - 60.0 * f64::from(u32::try_from(rows).unwrap())).abs() < 1e-3,
        "{older} s in {rows} rows"
    );
}

#[tokio::test]
async fn a_clock_that_steps_back_makes_no_negative_age() {
    let (program, _simulator) = Exporter::simulated(&SMALL, &[]).await;
    program.after_polls(1).await;
    program.clock.step(jiff::SignedDuration::from_hours(-24 * 60));
    let scrape = program.scrape().await;
    assert!(scrape.has("nectar_connections_max_staleness_seconds"));
    assert!(scrape.samples.iter().all(|(_, _, value)| *value >= 0.0));
}
