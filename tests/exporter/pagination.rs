//! Paging through the connections of a company, while rows come, go and move.
//!
//! What adds up and what does not stands beside the rule, in src/nectar/pagination.rs and src/nectar/decode.rs.

use nectar_simulator::{Fault, Plan, Scope};
use tokio_util::sync::CancellationToken;

use test_support::canned_nectar::{Bodies, connection, connection_with, page};
use test_support::exporter::Exporter;
use test_support::exporter_process::{Running, nectar_exporter};
use test_support::scrape::Scrape;

const ONE: Plan = Plan { companies: 1, connections: 20, accounts: 1, seed: 7, speed: 0.0 };

#[tokio::test]
async fn pages_that_do_not_add_up_are_read_again_twice_at_most() {
    for (fault, name) in [(Fault::Overlap, "overlap"), (Fault::RowsMove, "rows move")] {
        let (program, simulator) = Exporter::simulated(&ONE, &["--nectar.page-size=5"]).await;
        let first = program.after_polls(1).await;
        let connections = first.sum("nectar_connections", &[]);
        let pages = first.sum("nectar_api_requests_total", &[("endpoint", "connections")]);

        simulator.faults().set(Scope::Everything, fault);
        let failed = program.next_poll().await;
        assert_eq!(failed.sum("nectar_company_last_failure", &[("reason", "incomplete")]), 1.0, "{name}");
        assert_eq!(failed.sum("nectar_connections", &[]), connections, "{name}: the good snapshot stays");
        let sent = failed.sum("nectar_api_requests_total", &[("endpoint", "connections")]);
        assert_eq!(sent, pages + 3.0 * pages, "{name}: read three times");
        assert_eq!(failed.sum("nectar_api_request_failures_total", &[]), 0.0, "{name}");

        simulator.faults().clear();
        let healed = program.next_poll().await;
        assert_eq!(healed.sum("nectar_connections", &[]), connections, "{name}");
        assert_eq!(healed.value("nectar_up", &[]), Some(1.0), "{name}");
    }
}

#[tokio::test]
async fn a_second_reading_that_adds_up_is_good() {
    let (program, simulator) = Exporter::simulated(&ONE, &["--nectar.page-size=5"]).await;
    let id = simulator.companies()[0].clone();
    program.after_polls(1).await;
    simulator.faults().set_times(Scope::Page(id, 2), Fault::Overlap, 1);
    let scrape = program.next_poll().await;
    assert_eq!(scrape.value("nectar_up", &[]), Some(1.0));
}

/// From one reading to the next it is the same one, under the labels it had.
#[tokio::test]
async fn ids_that_come_in_another_letter_case() {
    let row = |connection: &str, account: &str, day: &str| {
        let account = format!(r#"{{"id":"{account}","status":"DETECTED"}}"#);
        page(1, 1, &[&connection_with(connection, "PENDING", &account).replace("06-14", day)])
    };
    let pages = Bodies::one_company(&[row("a", "x", "06-13")]).with("c.1", row("A", "X", "06-14"));
    let program = Exporter::scripted(pages, &["--metrics.detail=accounts"]).await;
    let ids = |scrape: &Scrape| {
        let [connection, account] = ["connection", "account"].map(|kind| {
            let info = format!("nectar_{kind}_info");
            let label = format!("{kind}_id");
            scrape.family(&info).map(|(labels, _)| labels[&label].clone()).collect::<Vec<_>>()
        });
        (connection, account)
    };
    let updated = |scrape: &Scrape| {
        scrape.value("nectar_connection_status_last_update_timestamp_seconds", &[("connection_id", "a")])
    };
    let (first, second) = (program.after_polls(1).await, program.next_poll().await);
    assert_eq!(ids(&first), (vec!["a".to_owned()], vec!["x".to_owned()]));
    assert_eq!(ids(&second), ids(&first));
    assert!(updated(&second) > updated(&first), "the second reading is shown");
}

/// What a person reads in the log when a company, or the list, is not what it was.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_add_up_is_told_with_its_numbers() {
    let list = r#"[{"id":"c","name":7,"externalId":12345}]"#;
    let bodies = Bodies::default().with("company", list).with("company", list).with("company", "[]");
    let bodies = bodies.with("c.1", page(2, 1, &[&connection("a", "CONNECTED")]));
    let url = bodies.serve(CancellationToken::new()).await;
    let flags =
        ["--nectar.base-url", &url, "--nectar.poll-interval=10ms", "--web.listen-address=127.0.0.1:0"];
    let mut running = Running::start(nectar_exporter(&flags).env("NECTAR_API_KEY", "any"));
    let line = running.wait_for("A company cannot be read");
    assert!(line.contains("company=7") && line.contains("Nectar names 2 connections, and lists 1"), "{line}");
    running.wait_for("The company list is empty");
}

/// Nothing readable in a list that is not empty: that is no empty fleet.
#[tokio::test]
async fn a_company_list_that_cannot_be_read() {
    let good = r#"[{"id":"c","name":"C","externalId":null}]"#;
    let rows = page(1, 1, &[&connection("a", "CONNECTED")]);
    let bodies = Bodies::default()
        .with("company", good)
        .with("company", r#"[{"companyId":"x"},5,{"id":null}]"#)
        .with("company", r#"[{"id":"c","name":"C"},{"id":""}]"#)
        .with("company", "[]")
        .with("c.1", rows);
    let program = Exporter::scripted(bodies, &[]).await;
    program.after_polls(1).await;
    let unreadable = program.next_poll().await;
    assert_eq!(unreadable.sum("nectar_connections", &[]), 1.0, "the fleet is still there");
    assert_eq!(unreadable.value("nectar_up", &[]), Some(0.0));
    assert_eq!(unreadable.sum("nectar_company_last_failure", &[("reason", "decode")]), 1.0);

    let in_part = program.next_poll().await;
    assert_eq!(in_part.sum("nectar_company_up", &[]), 1.0);
    assert_eq!(in_part.value("nectar_up", &[]), Some(0.0), "a company that has no id was not read");

    let empty = program.next_poll().await;
    assert!(!empty.has("nectar_company_info"));
    assert_eq!(empty.value("nectar_up", &[]), Some(1.0), "an empty list is whole");
}
