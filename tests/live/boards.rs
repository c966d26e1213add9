//! Every query of every board against a real Prometheus, with a fleet that has something of everything: none is empty, and what they
//! count is true.

use jiff::{SignedDuration, Timestamp};
use nectar_exporter::status::{Category, Recheck};
use xtask::boards;
use xtask::queries::{self, Choices, Query};

use crate::fleet::{Login, a_quiet_utility};
use crate::happenings::may_be_empty;
use crate::panels;
use crate::trend;
use crate::truth::Seen;
use crate::world::{SMALL, World};

/// The range of rates: scrapes are two seconds apart here.
const RATE_INTERVAL: &str = "15s";

/// The values chosen for a board's variables, by name.
type Chosen<'a> = [(&'a str, &'a str)];

/// All queries of one board, with these values of its variables.
pub fn queries_of(board: &str, chosen: &Chosen<'_>) -> Vec<Query> {
    let chosen = chosen.iter().chain(&[("__rate_interval", RATE_INTERVAL)]);
    let choices: Choices = chosen.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let found = boards::all().into_iter().find(|(which, _)| which.uid() == board);
    let (_, board) = found.unwrap_or_else(|| panic!("there is no board {board}"));
    queries::of_board(&board, &choices).unwrap()
}

/// All queries of all boards, with one company and one of its connections chosen.
pub fn all_queries(company: &str, connection: &str) -> Vec<Query> {
    let chosen = [("company", company), ("connection", connection)];
    boards::all().into_iter().flat_map(|(which, _)| queries_of(which.uid(), &chosen)).collect()
}

/// A login that is checked weekly, and one of the same company that waits for its customer: on every board there is something to see of
/// them.
fn chosen(fleet: &[Login]) -> (Login, Login) {
    let waiting = |company: &str| {
        let mut of = fleet.iter().filter(|login| login.company_id == company);
        of.find(|login| login.standing.is_in(Category::InterventionNeeded))
    };
    let mut found = fleet.iter().filter_map(|login| Some((login, waiting(&login.company_id)?)));
    let works = |login: &Login| {
        let standing = &login.standing;
        standing.status.recheck() == Recheck::Periodic
            && standing.first_seen.is_some()
            && login.accounts.len() > 1
    };
    let (login, waiting) = found.find(|(login, _)| works(login)).expect("a company that must act");
    (login.clone(), waiting.clone())
}

/// Waits until what was changed is no news any more: the changes in seven days are asked as changes since a moment ago.
pub async fn nothing_is_new(world: &World) {
    for query in queries_of("nectar-overview", &[]) {
        if query.reference == "C" && query.expression.contains(" offset 7d") {
            world.until(&trend::in_a_young_world(&query.expression)).await;
        }
    }
}

/// A fleet that has something of everything: besides what the simulator has anyway, a utility that is down, and a login whose check is
/// late.
async fn lively(world: &World) -> Vec<Login> {
    let fleet = world.fleet().await;
    let (utility, companies) = a_quiet_utility(&fleet);
    world.simulator.set_utility_down(&utility, &companies, true);
    let (login, _) = chosen(&fleet);
    one_is_mended(world, &fleet, &login.company_id).await;
    let last = Timestamp::now() - SignedDuration::from_hours(9 * 24);
    let first = last - SignedDuration::from_hours(24);
    assert!(world.simulator.set_connection_times(&login.standing.id, first, last));
    world.read_again().await;
    world.until(&format!("rate(nectar_exporter_polls_total[{RATE_INTERVAL}]) > 0")).await;
    world.until(r#"ALERTS{alertstate="firing", nectar_scope="fleet"}"#).await;
    nothing_is_new(world).await;
    world.fleet().await
}

/// A login of another company than this one needs its customer, and stops doing so after four days.
pub async fn one_is_mended(world: &World, fleet: &[Login], but: &str) {
    let mut others = fleet.iter().filter(|login| login.company_id != but);
    let login = others.find(|login| login.standing.is(&["CONNECTED"])).expect("a login of another company");
    assert!(world.simulator.set_connection_status(&login.standing.id, "PASSWORD_INCORRECT"));
    let since = Timestamp::now() - SignedDuration::from_hours(4 * 24);
    assert!(world.simulator.set_connection_times(&login.standing.id, since, since));
    world.read_again().await;
    assert!(world.simulator.set_connection_status(&login.standing.id, "CONNECTED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_finds_something_in_a_lively_world_and_counts_are_true() {
    let world = World::start("accounts").await;
    let fleet = lively(&world).await;
    let (one, _) = chosen(&fleet);
    let queries = all_queries(&one.company_id, &one.standing.id);
    assert!(queries.len() > 90, "only {} queries", queries.len());
    for query in &queries {
        finds_something(&world, query).await;
    }
    no_alert_is_missing(&world).await;
    counts_are_true(&world, &fleet).await;
    let changes = trend::changes(&world.simulator, &fleet);
    let seen = Seen { changes: &changes, ..seen(&fleet, &one, &[]) };
    for board in ["nectar-trend", "nectar-exporter"] {
        panels::are_true(&world, &queries_of(board, &[]), &seen).await;
    }
}

/// Three exporters that share the companies are on the boards as one is. Not asked of the Trend board: what three counters rose by in some
/// seconds is extrapolated three times, and each time by another factor.
#[tokio::test(flavor = "multi_thread")]
async fn counts_are_true_with_shards() {
    let (world, _shards) = World::sharded(&SMALL, 3, &["--metrics.detail=accounts"]).await;
    world.until("count(nectar_company_up) == 8").await;
    let fleet = lively(&world).await;
    counts_are_true(&world, &fleet).await;
}

/// What the boards about the fleet show for one moment is true, with different things chosen.
async fn counts_are_true(world: &World, fleet: &[Login]) {
    let (one, waiting) = chosen(fleet);
    let company = ("company", one.company_id.as_str());
    let connection = ("connection", one.standing.id.as_str());
    let provider = ("provider", waiting.utility.as_str());
    for (board, chosen) in [
        ("nectar-overview", &[][..]),
        ("nectar-company", &[company]),
        ("nectar-worklist", &[connection]),
        ("nectar-worklist", &[connection, company, provider]),
        ("nectar-provider", &[]),
        ("nectar-provider", &[provider]),
    ] {
        let seen = seen(fleet, &one, chosen);
        panels::are_true(world, &queries_of(board, chosen), &seen).await;
    }
}

/// The number of alerts by name is that of Prometheus: two logins of one company at one utility are two alerts.
async fn no_alert_is_missing(world: &World) {
    let queries = queries_of("nectar-overview", &[]);
    let numbers =
        queries.iter().find(|query| query.is("nectar-overview", "Firing alerts by name", "B")).unwrap();
    let firing = r#"ALERTS{alertstate="firing", nectar_scope=~"fleet|exporter", severity!="none"}"#;
    let shown = format!("sum by (alertname) ({})", numbers.expression);
    let missing = world.ask(&format!("count by (alertname) ({firing}) - on (alertname) {shown}")).await;
    assert!(!missing.is_empty() && missing.iter().all(|series| series.value == 0.0), "{missing:?}");
}

async fn finds_something(world: &World, query: &Query) {
    let found = world.ask_as_board(query).await;
    let which = format!("{}, {}, {}", query.board, query.panel, query.reference);
    assert!(may_be_empty(query) || !found.is_empty(), "{which} is empty: {}", query.expression);
    for series in &found {
        let missing = query.labels.iter().find(|label| !series.labels.contains_key(*label));
        assert!(missing.is_none(), "{which} has no label {missing:?}: {series:?}");
    }
}

/// What a board shows with these values chosen.
fn seen<'a>(fleet: &'a [Login], one: &'a Login, chosen: &Chosen<'_>) -> Seen<'a> {
    let allows = |variable: &str, value: &str| {
        chosen.iter().find(|(name, _)| *name == variable).is_none_or(|(_, chosen)| *chosen == value)
    };
    let of_companies: Vec<&Login> =
        fleet.iter().filter(|login| allows("company", &login.company_id)).collect();
    let logins = of_companies.iter().copied().filter(|login| allows("provider", &login.utility)).collect();
    Seen { of_companies, logins, one, changes: &[], now: Timestamp::now().as_duration().as_secs_f64() }
}

/// Every number that is shown for one moment is compared with the truth, or exempt for a reason.
#[test]
fn every_number_is_compared_with_the_truth() {
    for query in all_queries("any", "any") {
        let is_number = !query.over_time && query.kind != "variable";
        // Alerts are not facts of Nectar's.
        let is_exempt = may_be_empty(&query) || query.panel.starts_with("Firing alerts");
        let which = (&query.board, &query.panel, &query.reference);
        assert!(!is_number || is_exempt || panels::is_listed(&query), "{which:?} is not in the table");
    }
}
