//! The queries of the runbooks, with two replicas: somebody runs them at night, and they must work. The placeholders of
//! docs/runbooks.md are filled in.

use nectar_exporter::status::{Kind, Status};
use nectar_simulator::Plan;

use crate::servers::in_checkout;
use crate::world::World;

/// Each query of the runbooks, with the alert that its section is about.
fn queries() -> Vec<(String, String)> {
    let page = std::fs::read_to_string(in_checkout("docs/runbooks.md")).unwrap();
    let (mut alert, mut is_query, mut found) = (String::new(), false, Vec::new());
    for line in page.lines().map(str::trim) {
        match line {
            "```promql" => is_query = true,
            "```" => is_query = false,
            _ if is_query => found.push((alert.clone(), line.to_owned())),
            _ => {
                if let Some(name) = line.strip_prefix("## ") {
                    alert = name.to_owned();
                }
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_runbooks_answers_with_two_replicas() {
    let plan = Plan { companies: 8, connections: 14, accounts: 2, seed: 1, speed: 0.0 };
    let seen = "count(count by (instance) (nectar_company_up)) == 2";
    let flags = ["--metrics.detail=accounts"];
    let world = World::seen_as(&["127.0.0.1", "localhost"], &plan, &flags, None, seen).await;
    world.until(r#"ALERTS{alertname="NectarInterventionNeeded", alertstate="firing"}"#).await;
    let fleet = world.fleet().await;
    let wrong = Status::read(Kind::Connection, Some("PASSWORD_INCORRECT"));
    let login = fleet.iter().find(|login| login.standing.status == wrong).expect("a wrong password");

    let all = queries();
    assert!(all.len() > 60, "only {} queries", all.len());
    let mut answered = 0;
    for (alert, query) in &all {
        let query = query.replace("\"ID\"", &format!("{:?}", login.company_id));
        let query = query.replace("\"UTILITY\"", &format!("{:?}", login.utility));
        // An error panics in here, with the query's text.
        let rows = world.ask(&query).await;
        answered += usize::from(!rows.is_empty());
        if alert == "NectarInterventionNeeded" {
            assert!(!rows.is_empty(), "{query}");
        }
    }
    assert!(answered > 30, "only {answered} of {} find anything", all.len());
}
