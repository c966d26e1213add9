//! Every query of every board against a real Prometheus, in a lively world and in three hostile ones.

use std::collections::BTreeSet;
use std::time::Duration;

use nectar_exporter::simulator::{Fault, Plan, Scope};
use nectar_exporter::status::{Category, Kind, Recheck, Status};
use serde_json::Value;
use xtask::boards;
use xtask::queries::{self, Choices, Query};

use crate::world::World;

/// Rates over this many seconds: scrapes are a second apart here.
const RATE_INTERVAL: &str = "15s";

/// What may be empty in a healthy world: board, panel, letter, and why.
const MAY_BE_EMPTY: &[(&str, &str, &str, &str)] = &[
    ("nectar-overview", "Data age", "B", "there only while the data is too old"),
    ("nectar-company", "Data age", "B", "there only while the data is too old"),
    ("nectar-exporter", "Data age", "B", "there only while the data is too old"),
    ("nectar-company", "Last reading", "B", "there only after a failure"),
    ("nectar-company", "Its connections", "E", "there only where no series per connection are served"),
];

/// All queries of all boards, one company and one connection of it chosen.
fn all_queries(company: &str, connection: &str) -> Vec<Query> {
    let choices = [("company", company), ("connection", connection), ("__rate_interval", RATE_INTERVAL)];
    let choices: Choices =
        choices.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    boards::all().into_iter().flat_map(|(_, board)| queries::of_board(&board, &choices).unwrap()).collect()
}

fn find<'a>(queries: &'a [Query], board: &str, panel: &str) -> &'a Query {
    let found = queries.iter().find(|query| query.board == board && query.panel == panel);
    found.unwrap_or_else(|| panic!("{board} has no panel {panel}"))
}

fn status(kind: Kind, record: &Value) -> Status {
    Status::read(kind, record["status"].as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_finds_something_in_a_lively_world() {
    let world = World::start("accounts").await;
    let all = world.connections().await;
    let chosen = |(_, connection): &&(String, Value)| {
        status(Kind::Connection, connection).recheck() == Recheck::Weekly
            && connection["accounts"].as_array().is_some_and(|accounts| accounts.len() > 1)
            && !connection["statusFirstSeenTime"].is_null()
            && all.iter().any(|(_, other)| {
                other["company"] == connection["company"]
                    && status(Kind::Connection, other).category() == Category::InterventionNeeded
            })
    };
    let (_, connection) = all.iter().find(chosen).expect("a company that must act, with a login that works");
    let company = connection["company"]["id"].as_str().unwrap();
    world.until(&format!("rate(nectar_exporter_polls_total[{RATE_INTERVAL}]) > 0")).await;
    world.until(r#"ALERTS{alertstate="firing", nectar_scope="fleet"}"#).await;

    let queries = all_queries(company, connection["id"].as_str().unwrap());
    assert!(queries.len() > 90, "only {} queries", queries.len());
    for query in &queries {
        let found = world.ask(&query.expression, query.over_time).await;
        let key = (query.board.as_str(), query.panel.as_str(), query.reference.as_str());
        let may_be_empty =
            MAY_BE_EMPTY.iter().any(|(board, panel, letter, _)| (*board, *panel, *letter) == key);
        assert!(may_be_empty || !found.is_empty(), "{key:?} is empty: {}", query.expression);
        for series in &found {
            let missing = query.labels.iter().find(|label| !series.labels.contains_key(*label));
            assert!(missing.is_none(), "{key:?} has no label {missing:?}: {series:?}");
        }
    }
    let whole: Vec<&Value> = all.iter().map(|(_, connection)| connection).collect();
    equals_the_truth(&world, &queries, "nectar-overview", &whole).await;
    let of_one: Vec<&Value> = whole.into_iter().filter(|c| c["company"]["id"] == company).collect();
    equals_the_truth(&world, &queries, "nectar-company", &of_one).await;
}

/// The counts of a board against a count of what the simulated Nectar sends.
async fn equals_the_truth(world: &World, queries: &[Query], board: &str, connections: &[&Value]) {
    let accounts: Vec<&Value> =
        connections.iter().flat_map(|connection| connection["accounts"].as_array().unwrap()).collect();
    let of = |category: Category| {
        let in_it = |c: &&&Value| status(Kind::Connection, c).category() == category;
        connections.iter().filter(in_it).count()
    };
    let in_error = |account: &&&Value| status(Kind::Account, account).category() == Category::Error;
    let customers: BTreeSet<&str> = connections
        .iter()
        .filter(|c| status(Kind::Connection, c).category() == Category::InterventionNeeded)
        .map(|c| c["company"]["id"].as_str().unwrap())
        .collect();
    let mut truth = vec![
        ("Connections", connections.len()),
        ("Waiting for the customer", of(Category::InterventionNeeded)),
        ("Website issues", of(Category::WebsiteIssue)),
        ("Accounts in error", accounts.iter().filter(in_error).count()),
    ];
    if board == "nectar-overview" {
        truth.push(("Customers who must act", customers.len()));
        truth.push(("Companies unreadable", 0));
    }
    for (panel, count) in truth {
        let found = world.ask(&find(queries, board, panel).expression, false).await;
        assert_eq!(found.len(), 1, "{board}, {panel}");
        assert_eq!(found[0].value, f64::from(u32::try_from(count).unwrap()), "{board}, {panel}");
    }
}

/// Nectar is down from the start: what is about the fleet is empty, and not 0.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_down_from_the_start_leaves_the_fleet_empty() {
    let world = World::over(
        &Plan::default(),
        "connections",
        Some(Fault::Status(403)),
        "nectar_exporter_polls_total > 0",
    )
    .await;
    for query in all_queries("any", "any") {
        let is_of_fleet = query.board != "nectar-exporter" && query.kind != "variable";
        let found = world.ask(&query.expression, query.over_time).await;
        // Alerts about the exporter are what should be seen here.
        if is_of_fleet && query.panel != "Firing alerts" {
            assert!(found.is_empty(), "{}, {}: {found:?}", query.board, query.panel);
        }
    }
}

/// A key without companies: the counts are 0, and not empty.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_tenant_has_zeros() {
    let plan = Plan { companies: 0, ..Plan::default() };
    let world = World::over(&plan, "connections", None, "nectar_up == 1").await;
    let queries = all_queries("any", "any");
    for panel in [
        "Connections",
        "Customers who must act",
        "Waiting for the customer",
        "Website issues",
        "Accounts in error",
        "Companies unreadable",
    ] {
        let found = world.ask(&find(&queries, "nectar-overview", panel).expression, false).await;
        assert!(found.len() == 1 && found[0].value == 0.0, "{panel}: {found:?}");
    }
}

/// Nectar stops answering: the counts stay, and the page says how old they are.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_stops_makes_the_data_old() {
    let world = World::start("connections").await;
    world.simulator.faults().set(Scope::Everything, Fault::Status(403));
    world.until("nectar_up == 0").await;
    let queries = all_queries("any", "any");
    let connections = &find(&queries, "nectar-overview", "Connections").expression;
    let age = find(&queries, "nectar-exporter", "Data age against the interval");
    let before = world.ask(&age.expression, false).await[0].value;
    let began = std::time::Instant::now();
    while world.ask(&age.expression, false).await[0].value < before + 3.0 {
        assert!(began.elapsed() < Duration::from_secs(30), "the data does not age");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(world.ask(connections, false).await[0].value, 98.0);
}
