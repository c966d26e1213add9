//! What stays, goes and is counted from poll to poll.

use jiff::Timestamp;
use nectar_simulator::{Fault, Plan, Scope, Simulator};

use test_support::exporter::Exporter;
use test_support::scrape::Scrape;

const SMALL: Plan = Plan { companies: 3, connections: 6, accounts: 2, seed: 11, speed: 0.0 };
const CHANGES: &str = "nectar_connection_status_changes_total";

/// Some connection that is CONNECTED, as company and connection id.
fn a_connected_one(scrape: &Scrape) -> (String, String) {
    let mut statuses = scrape.family("nectar_connection_status");
    let (labels, _) = statuses.find(|(labels, _)| labels["status"] == "CONNECTED").unwrap();
    (labels["company_id"].clone(), labels["connection_id"].clone())
}

fn changes_to(scrape: &Scrape, company: &str, status: &str) -> Option<f64> {
    scrape.value(CHANGES, &[("company_id", company), ("status", status)])
}

#[tokio::test]
async fn changes_are_counted_from_0() {
    let (program, simulator) = Exporter::simulated(&SMALL, &[]).await;
    let first = program.after_polls(1).await;
    let (company, connection) = a_connected_one(&first);
    assert_eq!(first.sum(CHANGES, &[]), 0.0, "what is seen for the first time has not changed");
    assert_eq!(changes_to(&first, &company, "PASSWORD_INCORRECT"), Some(0.0));

    assert!(simulator.set_connection_status(&connection, "PASSWORD_INCORRECT"));
    let second = program.next_poll().await;
    assert_eq!(changes_to(&second, &company, "PASSWORD_INCORRECT"), Some(1.0));
    assert_eq!(second.sum(CHANGES, &[]), 1.0);
    let accounts = second.sum("nectar_account_status_changes_total", &[]);
    assert!(accounts > 0.0, "its accounts followed");

    let third = program.next_poll().await;
    assert_eq!(third.sum(CHANGES, &[]), 1.0, "what stays is not counted again");
    assert_eq!(third.sum("nectar_account_status_changes_total", &[]), accounts);
    assert!(simulator.set_connection_status(&connection, "CONNECTED"));
    let fourth = program.next_poll().await;
    assert_eq!(changes_to(&fourth, &company, "CONNECTED"), Some(1.0));
    assert_eq!(fourth.sum(CHANGES, &[]), 2.0);
}

#[tokio::test]
async fn a_change_during_an_outage_is_counted_after_it() {
    let (program, simulator) = Exporter::simulated(&SMALL, &["--nectar.max-data-age=6m"]).await;
    let (company, connection) = a_connected_one(&program.after_polls(1).await);
    simulator.faults().set(Scope::Everything, Fault::Status(500));
    simulator.set_connection_status(&connection, "MFA_TOKEN_EXPIRED");
    program.next_poll().await;
    let withdrawn = program.next_poll().await;
    assert!(!withdrawn.has("nectar_connections"));
    assert_eq!(changes_to(&withdrawn, &company, "MFA_TOKEN_EXPIRED"), Some(0.0), "kept while withdrawn");
    simulator.faults().clear();
    assert_eq!(changes_to(&program.next_poll().await, &company, "MFA_TOKEN_EXPIRED"), Some(1.0));
}

/// One that comes into a status as another leaves it changes no count, and no oldest time.
#[tokio::test]
async fn the_newest_of_a_status_tells_of_a_further_one() {
    let (program, simulator) = Exporter::simulated(&Plan { companies: 1, ..SMALL }, &[]).await;
    program.after_polls(1).await;
    let id = simulator.companies()[0].clone();
    let company = Scope::Company(id);
    let waits = |id: &str, first: &str, last: &str| {
        format!(
            r#"{{"id":"{id}","status":"PASSWORD_INCORRECT","statusFirstSeenTime":{first},"statusLastUpdateTime":{last}}}"#
        )
    };
    let (early, late) = (r#""2026-06-15T11:00:00Z""#, r#""2026-06-15T12:00:00Z""#);
    let (at_eleven, at_twelve) = (Some(1_781_521_200.0), Some(1_781_524_800.0));
    let first = waits("a", early, late);
    // The connection beside the first one, and the newest time of both.
    let table = [
        ("another as early", waits("b", early, late), at_eleven),
        ("a later one in its place", waits("c", late, late), at_twelve),
        ("it has only an update", waits("d", "null", late), at_twelve),
        ("it has no time", waits("e", "null", "null"), at_eleven),
    ];
    for (what, other, newest) in table {
        simulator.faults().clear();
        let body = format!(r#"{{"totalConnections":2,"totalPages":1,"connections":[{first},{other}]}}"#);
        simulator.faults().set(company.clone(), Fault::Body(body));
        let scrape = program.next_poll().await;
        let of = |name: &str| scrape.value(name, &[("status", "PASSWORD_INCORRECT")]);
        assert_eq!(of("nectar_connections"), Some(2.0), "{what}");
        assert_eq!(of("nectar_connections_oldest_status_first_seen_timestamp_seconds"), at_eleven, "{what}");
        assert_eq!(of("nectar_connections_newest_status_first_seen_timestamp_seconds"), newest, "{what}");
    }
}

#[tokio::test]
async fn a_company_that_is_gone_leaves_no_trace() {
    let (program, simulator) = Exporter::simulated(&SMALL, &["--metrics.detail=accounts"]).await;
    program.after_polls(1).await;
    let gone = simulator.companies()[0].clone();
    assert!(simulator.remove_company(&gone));
    let scrape = program.next_poll().await;
    assert!(scrape.samples.iter().all(|(_, labels, _)| labels.get("company_id") != Some(&gone)));
    assert_eq!(scrape.family("nectar_company_info").count(), 2);
    assert_eq!(scrape.value("nectar_up", &[]), Some(1.0));
}

/// It may be any of those that are missing.
#[tokio::test]
async fn no_company_goes_while_one_in_the_list_has_no_id() {
    let (program, simulator) = Exporter::simulated(&SMALL, &[]).await;
    let before = program.after_polls(1).await;
    let first = simulator.companies()[0].clone();
    let list = format!(r#"[{{"id":"{first}","name":"A"}},{{"id":null,"name":"B"}}]"#);
    simulator.faults().set(Scope::CompanyList, Fault::Body(list));
    let scrape = program.next_poll().await;
    assert_eq!(scrape.value("nectar_up", &[]), Some(0.0));
    assert_eq!(scrape.sum("nectar_company_up", &[]), 3.0, "all are still read");
    assert_eq!(scrape.sum("nectar_connections", &[]), before.sum("nectar_connections", &[]));
}

#[tokio::test]
async fn a_company_is_renamed_even_while_it_fails() {
    let (program, simulator) = Exporter::simulated(&SMALL, &[]).await;
    let before = program.after_polls(1).await;
    let ids = simulator.companies();
    let rows: Vec<String> = ids
        .iter()
        .map(|id| format!(r#"{{"id":"{}","name":"Renamed","externalId":"x"}}"#, id.to_uppercase()))
        .collect();
    // In another letter case it is the same one.
    simulator.faults().set(Scope::CompanyList, Fault::Body(format!("[{}]", rows.join(","))));
    simulator.faults().set(Scope::Company(ids[0].clone()), Fault::Status(403));
    let scrape = program.next_poll().await;
    let named = scrape.samples.iter().filter_map(|(_, labels, _)| labels.get("company"));
    assert!(named.into_iter().all(|name| name == "Renamed"));
    assert_eq!(scrape.sum("nectar_connections", &[]), before.sum("nectar_connections", &[]));
    assert_eq!(scrape.value("nectar_company_up", &[("company_id", &ids[0])]), Some(0.0));
    assert_eq!(scrape.sum("nectar_company_last_failure", &[("reason", "forbidden")]), 1.0);
}

#[tokio::test]
async fn only_some_companies() {
    let probe = |flags: Vec<String>| async move {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let (program, simulator) = Exporter::simulated(&SMALL, &flags).await;
        (program.after_polls(1).await, program, simulator)
    };
    let ids = Simulator::new(&SMALL, "any", Timestamp::now).companies();
    let absent = "00000000-0000-4000-8000-000000000000";

    let (scrape, ..) = probe(vec![format!("--nectar.company={}", ids[1].to_uppercase())]).await;
    assert_eq!(scrape.family("nectar_company_info").count(), 1);
    assert_eq!(scrape.value("nectar_company_up", &[("company_id", &ids[1])]), Some(1.0));
    assert_eq!(scrape.value("nectar_up", &[]), Some(1.0));

    // How ids may be written stands beside the rule, in src/config/settings.rs.
    let list = format!("{}, {}", ids[0], ids[2].to_uppercase());
    let (scrape, ..) = probe(vec![format!("--nectar.exclude-company={list}")]).await;
    assert_eq!(scrape.family("nectar_company_up").count(), 1);
    assert_eq!(scrape.value("nectar_company_up", &[("company_id", &ids[1])]), Some(1.0));
    let (scrape, ..) = probe(vec![format!("--nectar.company={list}")]).await;
    assert_eq!(scrape.family("nectar_company_up").count(), 2);
    assert_eq!(scrape.sum("nectar_company_up", &[]), 2.0);

    let both = vec![format!("--nectar.company={}", ids[0]), format!("--nectar.company={absent}")];
    let (scrape, program, _simulator) = probe(both).await;
    assert_eq!(scrape.value("nectar_company_up", &[("company_id", absent), ("company", absent)]), Some(0.0));
    let why = [("company_id", absent), ("reason", "not_listed")];
    assert_eq!(scrape.value("nectar_company_last_failure", &why), Some(1.0));
    assert_eq!(scrape.value("nectar_exporter_poll_failures_total", &[("reason", "not_listed")]), Some(1.0));
    assert_eq!(scrape.value("nectar_up", &[]), Some(0.0));
    assert_eq!(program.get("/-/ready").await.status(), 200, "the other one was read");

    let (_, program, _simulator) = probe(vec![format!("--nectar.company={absent}")]).await;
    assert_eq!(program.get("/-/ready").await.status(), 503, "nothing was read");

    let none = format!("--nectar.exclude-company={}", ids.join(","));
    let (scrape, program, _simulator) = probe(vec![none]).await;
    assert_eq!(program.get("/-/ready").await.status(), 200, "there was nothing to read");
    assert_eq!(scrape.value("nectar_up", &[]), Some(1.0));

    // One that was asked for, and was there, is no longer listed.
    let (_, program, simulator) = probe(vec![format!("--nectar.company={}", ids[1])]).await;
    simulator.remove_company(&ids[1]);
    let scrape = program.next_poll().await;
    assert!(!scrape.has("nectar_connections") && !scrape.has(CHANGES));
    assert_eq!(scrape.sum("nectar_company_last_failure", &[("reason", "not_listed")]), 1.0);
}

#[tokio::test]
async fn detail_is_all_or_nothing() {
    let objects = |scrape: &Scrape| {
        scrape.samples.iter().filter(|(_, labels, _)| labels.contains_key("connection_id")).count()
    };
    for detail in ["connections", "accounts"] {
        let flag = format!("--metrics.detail={detail}");
        let (program, _simulator) = Exporter::simulated(&SMALL, &[&flag]).await;
        let all = objects(&program.after_polls(1).await);
        assert!(all > 0);
        for (limit, expected, limited) in [(all, all, 0.0), (all - 1, 0, 1.0), (0, 0, 1.0)] {
            let limit = format!("--metrics.detail-limit={limit}");
            let (program, _simulator) = Exporter::simulated(&SMALL, &[&flag, &limit]).await;
            let scrape = program.after_polls(1).await;
            assert_eq!(objects(&scrape), expected, "{detail} {limit}");
            assert_eq!(
                scrape.value("nectar_exporter_detail_limited", &[]),
                Some(limited),
                "{detail} {limit}"
            );
            assert!(scrape.has("nectar_connections"), "the counts stay");
        }
    }
    let (program, _simulator) = Exporter::simulated(&SMALL, &["--metrics.detail=none"]).await;
    let scrape = program.after_polls(1).await;
    assert_eq!(objects(&scrape), 0);
    assert_eq!(scrape.value("nectar_exporter_detail_limited", &[]), Some(0.0));
}

/// 32 unknown statuses have a name; the others share one until a name is free.
#[tokio::test]
async fn unknown_statuses_give_their_names_back() {
    let (program, simulator) = Exporter::simulated(&Plan { companies: 1, ..SMALL }, &[]).await;
    program.after_polls(1).await;
    let id = simulator.companies()[0].clone();
    let mut words: Vec<String> = (0..34).map(|n| format!("NEW_{n:02}")).collect();
    simulator.faults().set(Scope::Company(id.clone()), body(&words));
    let full = program.next_poll().await;
    let count = |scrape: &Scrape, status: &str| scrape.value("nectar_connections", &[("status", status)]);
    assert_eq!(count(&full, "OVERFLOW"), Some(2.0));
    assert_eq!(full.family("nectar_connections").count(), 12 + 32 + 1);
    let (names, overflow): (Vec<_>, Vec<_>) = full
        .family("nectar_connection_status")
        .map(|(labels, _)| labels["status"].clone())
        .partition(|status| status != "OVERFLOW");
    assert_eq!((names.len(), overflow.len()), (32, 2));

    // One of the named goes: one of the others gets a name, and only one.
    words[0] = "CONNECTED".to_owned();
    simulator.faults().clear();
    simulator.faults().set(Scope::Company(id.clone()), body(&words));
    let after = program.next_poll().await;
    assert_eq!(count(&after, "NEW_00"), None);
    assert_eq!(count(&after, "OVERFLOW"), Some(1.0));
    assert_eq!(after.sum(CHANGES, &[]), 1.0, "a new name is no change of status");
    assert_eq!(changes_to(&after, &id, "NEW_00"), None, "a name that was given back is forgotten");
    assert_eq!(after.family(CHANGES).count(), 12 + 32 + 1);
}

/// What was counted as OVERFLOW stays so: a counter never falls.
#[tokio::test]
async fn a_change_to_an_unnamed_status_stays_counted() {
    let (program, simulator) = Exporter::simulated(&Plan { companies: 1, ..SMALL }, &[]).await;
    program.after_polls(1).await;
    let id = simulator.companies()[0].clone();
    let mut words: Vec<String> =
        (0..32).map(|n| format!("NEW_{n:02}")).chain(["CONNECTED".to_owned()]).collect();
    let poll = async |words: &[String]| {
        simulator.faults().clear();
        simulator.faults().set(Scope::Company(id.clone()), body(words));
        program.next_poll().await
    };
    poll(&words).await;
    words[32] = "NEW_32".to_owned();
    let overflow = |scrape: &Scrape| changes_to(scrape, &id, "OVERFLOW");
    assert_eq!(overflow(&poll(&words).await), Some(1.0));
    words[0] = "CONNECTED".to_owned();
    let named = poll(&words).await;
    assert_eq!(overflow(&named), Some(1.0));
    assert_eq!(changes_to(&named, &id, "NEW_32"), Some(0.0));
}

/// One page of connections with these statuses.
fn body(words: &[String]) -> Fault {
    let rows: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(n, word)| format!(r#"{{"id":"con-{n:02}","status":"{word}"}}"#))
        .collect();
    let total = rows.len();
    Fault::Body(format!(
        r#"{{"totalConnections":{total},"totalPages":1,"connections":[{}]}}"#,
        rows.join(",")
    ))
}

/// A company whose two names differ only by where one label ends is still two series.
#[tokio::test]
async fn label_values_do_not_run_together() {
    let (program, simulator) = Exporter::simulated(&Plan { companies: 1, ..SMALL }, &[]).await;
    program.after_polls(1).await;
    let rows = [("ab", "c"), ("a", "bc"), ("abc", "")]
        .map(|(id, name)| format!(r#"{{"id":"{id}","name":"{name}","externalId":null}}"#));
    simulator.faults().set(Scope::CompanyList, Fault::Body(format!("[{}]", rows.join(","))));
    let scrape = program.next_poll().await;
    assert_eq!(scrape.family("nectar_company_info").count(), 3);
}
