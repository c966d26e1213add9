//! Walks through the pages of a company, while rows come, go and move.

use nectar_exporter::simulator::{Fault, Plan, Scope};

use crate::support::program::Program;
use crate::support::scripted::{Bodies, connection, connection_with, page};

const ONE: Plan = Plan { companies: 1, connections: 20, accounts: 1, seed: 7, speed: 0.0 };

#[tokio::test]
async fn a_walk_that_does_not_add_up_is_repeated_twice_at_most() {
    for (fault, name) in [(Fault::Overlap, "overlap"), (Fault::RowsMove, "rows move")] {
        let (program, simulator) = Program::simulated(&ONE, &["--nectar.page-size=5"]).await;
        let first = program.after_polls(1).await;
        let connections = first.sum("nectar_connections", &[]);
        let pages = first.sum("nectar_api_requests_total", &[("endpoint", "connections")]);

        simulator.faults().set(Scope::Everything, fault);
        let failed = program.next_poll().await;
        assert_eq!(failed.sum("nectar_company_last_failure", &[("reason", "incomplete")]), 1.0, "{name}");
        assert_eq!(failed.sum("nectar_connections", &[]), connections, "{name}: the good snapshot stays");
        let sent = failed.sum("nectar_api_requests_total", &[("endpoint", "connections")]);
        assert_eq!(sent, pages + 3.0 * pages, "{name}: three walks");
        assert_eq!(failed.sum("nectar_api_request_failures_total", &[]), 0.0, "{name}");

        simulator.faults().clear();
        let healed = program.next_poll().await;
        assert_eq!(healed.sum("nectar_connections", &[]), connections, "{name}");
        assert_eq!(healed.value("nectar_up", &[]), Some(1.0), "{name}");
    }
}

#[tokio::test]
async fn a_second_walk_that_adds_up_is_good() {
    let (program, simulator) = Program::simulated(&ONE, &["--nectar.page-size=5"]).await;
    let id = simulator.companies()[0].clone();
    program.after_polls(1).await;
    simulator.faults().set_times(Scope::Page(id, 2), Fault::Overlap, 1);
    let scrape = program.next_poll().await;
    assert_eq!(scrape.value("nectar_up", &[]), Some(1.0));
}

/// A list that changes while it is read: the last page says how many there are.
#[tokio::test]
async fn lists_that_grow_or_shrink_meanwhile() {
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|id| connection(id, "CONNECTED"));
    let cases = [
        ("grows by a page", vec![page(2, 2, &[&a]), page(3, 3, &[&b]), page(3, 3, &[&c])], 3.0),
        ("grows twice", vec![page(1, 1, &[&a]), page(2, 2, &[&b])], 1.0),
        (
            "grows while the further pages are read",
            vec![page(2, 2, &[&a]), page(3, 3, &[&b]), page(4, 4, &[&c]), page(4, 4, &[&d])],
            4.0,
        ),
        ("shrinks", vec![page(3, 3, &[&a]), page(2, 2, &[&b]), page(2, 2, &[&b])], 2.0),
        ("no page at all", vec![page(0, 0, &[])], 0.0),
    ];
    for (name, pages, connections) in cases {
        let program = Program::scripted(Bodies::one_company(&pages), &["--nectar.page-size=1"]).await;
        let scrape = program.after_polls(1).await;
        assert_eq!(scrape.value("nectar_up", &[]), Some(1.0), "{name}");
        assert_eq!(scrape.sum("nectar_connections", &[]), connections, "{name}");
    }
}

/// More pages than connections: nobody can walk that, and it is not tried.
#[tokio::test]
async fn an_envelope_that_contradicts_itself() {
    let body = page(1, u64::MAX, &[&connection("a", "CONNECTED")]);
    let program = Program::scripted(Bodies::one_company(&[body]), &[]).await;
    let scrape = program.after_polls(1).await;
    assert_eq!(scrape.sum("nectar_api_requests_total", &[("endpoint", "connections")]), 1.0);
    assert_eq!(scrape.value("nectar_exporter_poll_failures_total", &[("reason", "decode")]), Some(1.0));
}

#[tokio::test]
async fn of_two_rows_of_one_age_the_later_read_wins() {
    let account = |status: &str| {
        format!(
            r#"{{"id":"x","status":"{status}","statusLastUpdateTime":"2026-06-14T12:00:00Z","statusFirstSeenTime":null}}"#
        )
    };
    let first = connection("a", "WEBSITE_DOWN");
    let second =
        connection_with("a", "CONNECTED", &format!("{},{}", account("DETECTED"), account("ONBOARDED")));
    let pages = [page(2, 2, &[&first, &connection("b", "PENDING")]), page(2, 2, &[&second])];
    let program = Program::scripted(Bodies::one_company(&pages), &[]).await;
    let scrape = program.after_polls(1).await;
    let status = |status| scrape.value("nectar_connections", &[("status", status)]);
    assert_eq!((status("CONNECTED"), status("WEBSITE_DOWN")), (Some(1.0), Some(0.0)));
    assert_eq!(scrape.value("nectar_accounts", &[("status", "ONBOARDED")]), Some(1.0));
    assert_eq!(scrape.sum("nectar_accounts", &[]), 1.0);
    let twice = [("reason", "duplicate_id"), ("kind", "connection")];
    assert_eq!(scrape.value("nectar_company_record_faults", &twice), Some(0.0), "on two pages is no fault");
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
    let program = Program::scripted(bodies, &[]).await;
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
