//! Boards when something is missing: what is not known is empty and never 0, and what is 0 is not empty.

use nectar_exporter::metrics::catalogue::objects;
use nectar_simulator::{Fault, Plan};
use xtask::queries::Query;

use crate::boards::{all_queries, nothing_is_new, one_is_mended};
use crate::fleet::a_quiet_login;
use crate::happenings::may_be_empty;
use crate::world::World;

fn find<'a>(queries: &'a [Query], board: &str, panel: &str) -> &'a Query {
    let found = queries.iter().find(|query| query.board == board && query.panel == panel);
    found.unwrap_or_else(|| panic!("{board} has no panel {panel}"))
}

fn is_of_fleet(query: &Query) -> bool {
    // The last poll, and alerts about the exporter, are shown even if there is no data of the fleet.
    let of_exporter = query.panel == "Last poll" || query.panel.starts_with("Firing alerts");
    query.board != "nectar-exporter" && !of_exporter
}

/// Nectar is down from the start: panels about the fleet are empty, and not 0. No company can be chosen, but the exporter can. (A
/// connection is typed in, and not chosen from a list.)
#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_down_from_the_start_leaves_the_fleet_empty() {
    let fault = Some(Fault::Status(403));
    let world = World::over(&Plan::default(), &[], fault, "nectar_exporter_polls_total > 0").await;
    let mut variables = Vec::new();
    for query in all_queries("any", "any") {
        let found = world.ask_as_board(&query).await;
        let is_expected = match (query.kind.as_str(), query.panel.as_str()) {
            ("variable", "job" | "instance") => true,
            ("variable", _) => false,
            _ if is_of_fleet(&query) => false,
            _ => continue,
        };
        assert_eq!(!found.is_empty(), is_expected, "{}, {}: {found:?}", query.board, query.panel);
        if query.kind == "variable" {
            variables.push(query.panel);
        }
    }
    variables.sort();
    variables.dedup();
    assert_eq!(variables, ["company", "instance", "job", "provider"]);
}

/// A key without companies: the counts are 0, and not empty.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_tenant_has_zeros() {
    let plan = Plan { companies: 0, ..Plan::default() };
    let world = World::over(&plan, &[], None, "nectar_up == 1").await;
    let queries = all_queries("any", "any");
    for panel in [
        "Connections",
        "Customers to act",
        "Logins waiting",
        "Website issues",
        "Accounts in error",
        "Companies unread",
    ] {
        let found = world.ask(&find(&queries, "nectar-overview", panel).expression).await;
        assert!(found.len() == 1 && found[0].value == 0.0, "{panel}: {found:?}");
    }
}

/// Without series per connection, what needs them is empty and not 0; everything else is as usual.
#[tokio::test(flavor = "multi_thread")]
async fn without_detail_only_what_needs_it_is_empty() {
    let world = World::start("none").await;
    let fleet = world.fleet().await;
    let login = a_quiet_login(&fleet);
    world.simulator.set_connection_status(&login.standing.id, "PASSWORD_INCORRECT");
    one_is_mended(&world, &fleet, &login.company_id).await;
    world.read_again().await;
    nothing_is_new(&world).await;
    for query in all_queries(&login.company_id, &login.standing.id) {
        // That panel says that there is no detail.
        if !is_of_fleet(&query) || may_be_empty(&query) || query.panel == "Listed below" {
            continue;
        }
        let needs_detail =
            objects::ALL.iter().any(|metric| query.expression.contains(&format!("{}{{", metric.name)));
        let found = world.ask_as_board(&query).await;
        assert_eq!(found.is_empty(), needs_detail, "{}, {}: {found:?}", query.board, query.panel);
    }
}
