//! What must hold whatever a bad upstream does: each fault of the table on a page, on a company, on the list of companies and on
//! everything.
//!
//! What must hold is the same for all of them, and stands once, in `holds`.

use std::time::Duration;

use nectar_simulator::{Fault, Scope};

use test_support::clock::TestClock;
use test_support::exporter::Exporter;
use test_support::fault_scenario::FaultScenario;
use test_support::fault_table::{self, At, Row, deep};
use test_support::paused_time::PausedTime;
use test_support::scrape::Scrape;

/// A record that is 200,000 levels deep costs only itself.
#[tokio::test]
async fn a_deep_record_costs_only_itself() {
    let stage = FaultScenario::plain(&[]).await;
    let (program, simulator) = (&stage.program, &stage.simulator);
    let before = program.after_polls(1).await;
    let victim = stage.victim(&before);
    let record = format!(r#"{{"id":"00000000-0000-4000-8000-000000000001","status":{}}}"#, deep());
    let page =
        format!(r#"{{"connections":[{{"id":{}}},{record}],"totalPages":1,"totalConnections":2}}"#, deep());
    simulator.faults().set(Scope::Company(victim.clone()), Fault::Body(page));
    let scrape = program.next_poll().await;
    assert_eq!(scrape.sum("nectar_company_up", &[]), 3.0);
    let of_victim = ("company_id", victim.as_str());
    assert_eq!(scrape.sum("nectar_connections", &[of_victim]), 1.0);
    for reason in ["no_id", "bad_field"] {
        let labels = [of_victim, ("kind", "connection"), ("reason", reason)];
        let faults = scrape.value("nectar_company_record_faults", &labels);
        assert!(faults >= Some(1.0), "{reason}: {faults:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_that_say_no() {
    every_row(fault_table::statuses()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_none() {
    every_row(fault_table::bodies()).await;
}

#[tokio::test]
async fn servers_that_say_nothing() {
    let _stopped = PausedTime::new();
    every_row(fault_table::silences()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break() {
    every_row(fault_table::connections()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_not_there_or_somebody_else() {
    every_row(fault_table::servers()).await;
}

async fn every_row(rows: Vec<Row>) {
    for row in rows {
        for at in row.wrong.places() {
            // Tens of megabytes each: these two need not strike everywhere.
            if row.reason != "too_large" || matches!(at, At::Page | At::Everything) {
                holds(&row, *at).await;
            }
        }
    }
}

async fn holds(row: &Row, at: At) {
    let context = format!("{} {at:?}", row.name);
    let mut stage = FaultScenario::for_row(row, &[]).await;
    let before = stage.program.after_polls(1).await;
    let victim = stage.victim(&before);
    stage.spoil(&row.wrong, at, &victim).await;

    let program = &stage.program;
    program.clock.advance(Duration::from_secs(5 * 60));
    let during = stage.after_polls(2).await;
    says_so(&context, row, at, &victim, &during);
    let connections = |scrape: &Scrape| scrape.sum("nectar_connections", &[]);
    assert_eq!(connections(&during), connections(&before), "{context}: the last good data stays");
    let fresh = |scrape: &Scrape, since: &Scrape| {
        let now = since.sum("nectar_company_last_success_timestamp_seconds", &[]) / 3.0 + 1.0;
        let read = scrape.family("nectar_company_last_success_timestamp_seconds");
        read.filter(|(_, time)| *time > now).count()
    };
    let expected = if at.is_of_one() { 2 } else { 0 };
    assert_eq!(fresh(&during, &before), expected, "{context}: the others are fresh");
    assert_eq!(program.get("/-/ready").await.status(), 200, "{context}");

    program.clock.advance(Duration::from_secs(56 * 60));
    let old = stage.after_polls(3).await;
    let shown = companies(&old);
    assert_eq!(shown, expected, "{context}: what is too old is withdrawn, and only that");
    assert_eq!(old.family("nectar_company_up").count(), 3, "{context}: but not forgotten");

    stage.mend().await;
    let after = stage.program.next_poll().await;
    assert_eq!(after.value("nectar_up", &[]), Some(1.0), "{context}: it recovers");
    assert_eq!(after.sum("nectar_company_up", &[]), 3.0, "{context}");
    assert_eq!(connections(&after), connections(&before), "{context}");
    assert!(!after.has("nectar_last_failure"), "{context}");
}

/// `nectar_up`, `nectar_company_up` and one reason say what has failed.
fn says_so(context: &str, row: &Row, at: At, victim: &str, scrape: &Scrape) {
    assert_eq!(scrape.value("nectar_up", &[]), Some(0.0), "{context}");
    assert_eq!(scrape.value("nectar_last_failure", &[("reason", row.reason)]), Some(1.0), "{context}");
    let up = if at.is_of_one() { 2.0 } else { 0.0 };
    assert_eq!(scrape.sum("nectar_company_up", &[]), up, "{context}");
    assert_eq!(scrape.value("nectar_company_up", &[("company_id", victim)]), Some(0.0), "{context}");
    let because = [("reason", row.reason)];
    assert_eq!(scrape.sum("nectar_company_last_failure", &because), 3.0 - up, "{context}");
}

/// How many companies' connections are shown.
fn companies(scrape: &Scrape) -> usize {
    let connected = scrape.family("nectar_connections").filter(|(labels, _)| labels["status"] == "CONNECTED");
    connected.count()
}

/// A name that leads nowhere. That it recovers cannot be shown here: whom a name leads to is settled by the machine's resolver,
/// and none is handed in.
#[tokio::test]
async fn a_name_that_leads_nowhere() {
    let clock = TestClock::skipping(Duration::from_secs(60));
    let program =
        Exporter::start("http://nectar.invalid/v2.2", &["--nectar.request-timeout=5s"], clock).await;
    let scrape = program.after_polls(1).await;
    // On a machine whose resolver does not answer, time runs out instead.
    let said = ["dns", "timeout"].map(|reason| scrape.value("nectar_last_failure", &[("reason", reason)]));
    assert!(said.contains(&Some(1.0)), "{said:?}");
    assert_eq!(scrape.value("nectar_up", &[]), Some(0.0));
    assert_eq!(scrape.sum("nectar_api_requests_total", &[]), 4.0);
    assert!(!scrape.has("nectar_company_info"));
    assert_eq!(program.get("/-/ready").await.status(), 503);
}
