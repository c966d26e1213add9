//! Walks through the pages of a company, while rows come, go and move.

use nectar_simulator::{Fault, Plan, Scope};
use tokio_util::sync::CancellationToken;

use test_support::binary::{Running, nectar_exporter};
use test_support::program::Program;
use test_support::scrape::Scrape;
use test_support::scripted::{Bodies, connection, connection_with, page};

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

/// Numbers that contradict each other, or the rows: what adds up is good, and nothing else is.
#[tokio::test]
async fn envelopes_that_contradict_themselves() {
    let [a, b, c] = ["a", "b", "c"].map(|id| connection(id, "CONNECTED"));
    let envelope =
        |numbers: &str, rows: &[&str]| format!(r#"{{{numbers},"connections":[{}]}}"#, rows.join(","));
    let good = |connections: f64, pages: f64| (Some(connections), pages, "");
    let bad = |reason, pages: f64| (None, pages, reason);
    let cases = [
        // Nobody can walk more pages than there are connections, and it is not tried.
        (vec![page(1, u64::MAX, &[&a])], bad("decode", 1.0)),
        (vec![page(2, 3, &[&a]), page(2, 3, &[&b])], bad("decode", 1.0)),
        // `hasNext` says nothing that the other numbers do not say.
        (vec![envelope(r#""totalConnections":1,"totalPages":1,"hasNext":true"#, &[&a])], good(1.0, 1.0)),
        (
            vec![
                envelope(r#""totalConnections":2,"totalPages":2,"hasNext":false"#, &[&a]),
                envelope(r#""totalConnections":2,"totalPages":2,"hasNext":true"#, &[&b]),
            ],
            good(2.0, 2.0),
        ),
        (vec![page(2, 0, &[&a, &b])], good(2.0, 1.0)),
        // Three walks, and none adds up.
        (vec![page(5, 1, &[&a, &b])], bad("incomplete", 3.0)),
        (vec![page(0, 1, &[&a])], bad("incomplete", 3.0)),
        (vec![page(1, 1, &[])], bad("incomplete", 3.0)),
        (vec![page(2, 2, &[&a]), page(2, 2, &[])], bad("incomplete", 6.0)),
        (vec![page(2, 2, &[&a]), page(2, 2, &[&a])], bad("incomplete", 6.0)),
        // More rows than any page has named: no further page is asked for.
        (vec![page(2, 2, &[&a, &b, &c]), page(2, 2, &[])], bad("incomplete", 3.0)),
        // Nor where the number is none that we would live to see the end of.
        (vec![page(1_000_001, 1_000_001, &[&a])], bad("decode", 1.0)),
        // The last page has the last word.
        (vec![page(2, 2, &[&a]), page(1, 2, &[&b])], bad("decode", 2.0)),
        (vec![page(3, 2, &[&a]), page(2, 2, &[&b])], good(2.0, 2.0)),
        // A page that is named but is not there.
        (vec![page(2, 2, &[&a])], bad("not_found", 2.0)),
        // JSON has one kind of number.
        (vec![envelope(r#""totalConnections":1.0,"totalPages":1e0"#, &[&a])], good(1.0, 1.0)),
        // Numbers that are none.
        (vec![envelope(r#""totalConnections":-1,"totalPages":1"#, &[&a])], bad("decode", 1.0)),
        (vec![envelope(r#""totalConnections":1.5,"totalPages":1"#, &[&a])], bad("decode", 1.0)),
        (vec![envelope(r#""totalConnections":"1","totalPages":1"#, &[&a])], bad("decode", 1.0)),
        (vec![envelope(r#""totalConnections":1,"totalPages":1e99"#, &[&a])], bad("decode", 1.0)),
        (
            vec![envelope(r#""totalConnections":99999999999999999999999,"totalPages":1"#, &[&a])],
            bad("decode", 1.0),
        ),
        (vec![envelope(r#""totalConnections":1"#, &[&a])], bad("decode", 1.0)),
        // One more than is read of any list, and as many.
        (vec![page(1, 1, &["0"; 100_001])], bad("decode", 1.0)),
        (vec![page(1, 1, &["0"; 100_000])], good(0.0, 1.0)),
        (vec![r#"{"totalConnections":1,"totalPages":1}"#.to_owned()], bad("decode", 1.0)),
    ];
    for (pages, (connections, requests, reason)) in cases {
        let context = format!("{pages:?}");
        let program = Program::scripted(Bodies::one_company(&pages), &[]).await;
        let scrape = program.after_polls(1).await;
        let shown = scrape.has("nectar_connections").then(|| scrape.sum("nectar_connections", &[]));
        assert_eq!(shown, connections, "{context}");
        let failed = scrape.value("nectar_last_failure", &[("reason", reason)]);
        assert_eq!(failed, connections.is_none().then_some(1.0), "{context}");
        assert_eq!(
            scrape.sum("nectar_api_requests_total", &[("endpoint", "connections")]),
            requests,
            "{context}"
        );
    }
}

/// A list of accounts that is too long to be one costs itself, and not one fault for each element.
#[tokio::test]
async fn a_list_of_accounts_beyond_all_measure() {
    for (elements, no_id, bad_field) in [(100_000, 100_000.0, 0.0), (100_001, 0.0, 1.0)] {
        let row = connection_with("a", "CONNECTED", &vec!["0"; elements].join(","));
        let program = Program::scripted(Bodies::one_company(&[page(1, 1, &[&row])]), &[]).await;
        let scrape = program.after_polls(1).await;
        let faults = |reason, kind| {
            scrape.value("nectar_company_record_faults", &[("reason", reason), ("kind", kind)])
        };
        assert_eq!(faults("no_id", "account"), Some(no_id), "{elements} elements");
        assert_eq!(faults("bad_field", "connection"), Some(bad_field), "{elements} elements");
    }
}

/// The same company twice in the list is one company, under the name that came first.
#[tokio::test]
async fn a_company_that_stands_twice_in_the_list() {
    for (name, id, second) in
        [("the same name", "c", "C"), ("another name", "c", "D"), ("another letter case", "C", "C")]
    {
        let list = format!(
            r#"[{{"id":"c","name":"C","externalId":"1"}},{{"id":"d","name":"Other"}},{{"id":"{id}","name":"{second}","externalId":"2"}}]"#
        );
        let bodies = Bodies::default()
            .with("company", list)
            .with("c.1", page(1, 1, &[&connection("a", "CONNECTED")]))
            .with("d.1", page(1, 1, &[&connection("a", "PENDING")]));
        let program = Program::scripted(bodies, &[]).await;
        let scrape = program.after_polls(1).await;
        assert_eq!(scrape.value("nectar_up", &[]), Some(1.0), "{name}");
        assert_eq!(scrape.family("nectar_company_info").count(), 2, "{name}");
        let first = [("company_id", "c"), ("company", "C"), ("external_id", "1")];
        assert_eq!(scrape.value("nectar_company_info", &first), Some(1.0), "{name}");
        assert_eq!(
            scrape.sum("nectar_connections", &[("company_id", "c")]),
            1.0,
            "{name}: not counted twice"
        );
        let asked = scrape.sum("nectar_api_requests_total", &[("endpoint", "connections")]);
        assert_eq!(asked, 2.0, "{name}: nor asked for twice");
    }
}

/// A record that stands twice on a page, with another status: the later update is shown, and both are told of.
#[tokio::test]
async fn a_record_that_stands_twice_on_a_page() {
    let row =
        |status: &str, day: u32| connection("a", status).replace("2026-06-14", &format!("2026-06-{day}"));
    let cases = [
        ("the later one last", row("PENDING", 13), row("CONNECTED", 14), 1, Some("CONNECTED")),
        ("the later one first", row("PENDING", 14), row("CONNECTED", 13), 1, Some("PENDING")),
        ("of one age", row("PENDING", 14), row("CONNECTED", 14), 1, Some("CONNECTED")),
        (
            "in another letter case",
            row("PENDING", 13),
            row("CONNECTED", 14).replace(r#""a""#, r#""A""#),
            1,
            Some("CONNECTED"),
        ),
        ("counted twice by Nectar", row("PENDING", 13), row("CONNECTED", 14), 2, None),
    ];
    for (name, first, second, total, shown) in cases {
        let pages = [page(total, 1, &[&first, &second])];
        let program = Program::scripted(Bodies::one_company(&pages), &[]).await;
        let scrape = program.after_polls(1).await;
        let Some(status) = shown else {
            // Two rows, one id: whether a connection is missing, nobody can tell.
            assert_eq!(scrape.value("nectar_last_failure", &[("reason", "incomplete")]), Some(1.0), "{name}");
            continue;
        };
        assert_eq!(scrape.sum("nectar_connections", &[]), 1.0, "{name}");
        assert_eq!(scrape.value("nectar_connections", &[("status", status)]), Some(1.0), "{name}");
        let twice = [("reason", "duplicate_id"), ("kind", "connection")];
        assert_eq!(scrape.value("nectar_company_record_faults", &twice), Some(1.0), "{name}");
    }
}

/// Between one reading and the next, too: it is the same one, under the labels it had.
#[tokio::test]
async fn ids_that_come_in_another_letter_case() {
    let row = |connection: &str, account: &str, day: &str| {
        let account = format!(r#"{{"id":"{account}","status":"DETECTED"}}"#);
        page(1, 1, &[&connection_with(connection, "PENDING", &account).replace("06-14", day)])
    };
    let pages = Bodies::one_company(&[row("a", "x", "06-13")]).with("c.1", row("A", "X", "06-14"));
    let program = Program::scripted(pages, &["--metrics.detail=accounts"]).await;
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
