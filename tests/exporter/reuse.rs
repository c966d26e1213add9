//! What was rendered at an earlier poll and is used again says the same as what a fresh exporter renders.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nectar_simulator::{Fault, Plan, Scope, Simulator};

use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::scrape::Scrape;

/// Companies for three chunks, the last one not full.
const PLAN: Plan = Plan { companies: 40, connections: 3, accounts: 2, seed: 5, speed: 0.0 };
const FLAGS: &[&str] = &["--metrics.detail=accounts", "--nectar.max-data-age=7m"];
/// The first company of the last chunk. Each company has a connection.
const GONE: usize = 32;
/// What a fresh exporter cannot know, or has done less often.
const OWN: &[&str] = &["process_", "nectar_api_", "nectar_exporter_poll", "nectar_exporter_start"];

/// The metrics, without what is of the exporter itself or counted since its start.
async fn of_the_fleet(program: &Exporter) -> String {
    let text = program.text().await;
    let is_own = |line: &str| {
        let name = line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ");
        OWN.iter().any(|own| name.starts_with(own))
            || name.contains("_status_changes_total")
            || name.contains("_status_duration")
    };
    text.lines().filter(|line| !is_own(line)).flat_map(|line| [line, "\n"]).collect()
}

/// What happens at Nectar, where there are these connections, one of each company that has one.
type Event = fn(&Simulator, &[String]);

const EVENTS: &[(&str, Event)] = &[
    ("nothing", |_, _| {}),
    ("a status that is on no page", |nectar, ids| set(nectar, &ids[20], "NEW_WORD")),
    ("another such", |nectar, ids| set(nectar, &ids[20], "OTHER_WORD")),
    ("a status of the page", |nectar, ids| set(nectar, &ids[20], "MFA_TOKEN_EXPIRED")),
    ("a later check that finds the same", |nectar, ids| {
        let checked = Timestamp::from_second(1_781_000_000).unwrap();
        assert!(nectar.set_connection_times(&ids[20], checked - SignedDuration::from_hours(9), checked));
    }),
    ("a utility is down everywhere", |nectar, _| {
        assert!(nectar.set_utility_down("Northgate Power & Light", &nectar.companies(), true) > 0);
    }),
    ("the first company of a chunk goes", |nectar, _| {
        assert!(nectar.remove_company(&sorted(nectar)[GONE]));
    }),
    ("other external ids, and the last company of a chunk is not listed", |nectar, _| {
        list(nectar, "Named", 31)
    }),
    ("other names, and another is not listed", |nectar, _| list(nectar, "Renamed", 30)),
    ("the old names again", |nectar, _| nectar.faults().clear()),
];

/// Lists all but one, under other names.
fn list(nectar: &Simulator, name: &str, without: usize) {
    let listed = sorted(nectar).into_iter().enumerate().filter(|(place, _)| *place != without);
    let row = |(place, id)| format!(r#"{{"id":"{id}","name":"{name} {place}","externalId":"x"}}"#);
    let rows: Vec<String> = listed.map(row).collect();
    nectar.faults().clear();
    nectar.faults().set(Scope::CompanyList, Fault::Body(format!("[{}]", rows.join(","))));
}

fn sorted(nectar: &Simulator) -> Vec<String> {
    let mut ids = nectar.companies();
    ids.sort();
    ids
}

fn one_of_each_company(scrape: &Scrape) -> Vec<String> {
    let there = scrape.family("nectar_connection_info").map(|(labels, _)| labels);
    let by_company: BTreeMap<_, _> =
        there.map(|labels| (&labels["company_id"], labels["connection_id"].clone())).collect();
    by_company.into_values().collect()
}

fn set(nectar: &Simulator, connection: &str, status: &str) {
    assert!(nectar.set_connection_status(connection, status));
}

async fn says_what_a_fresh_one_says(kept: &Exporter, nectar: &Simulator, event: &str) {
    let fresh = Exporter::against(nectar, FLAGS, kept.clock.clone()).await;
    fresh.after_polls(1).await;
    for passed in [0, 17] {
        kept.clock.advance(Duration::from_secs(passed));
        let (kept, fresh) = (of_the_fleet(kept).await, of_the_fleet(&fresh).await);
        let differing = kept.lines().zip(fresh.lines()).find(|(kept, fresh)| kept != fresh);
        assert_eq!(differing, None, "{event}, {passed} s later");
        assert_eq!(kept.len(), fresh.len(), "{event}, {passed} s later");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_again_is_what_would_be_rendered() {
    let clock = TestClock::skipping(Duration::from_secs(5 * 60 - 1));
    let nectar = Simulator::new(&PLAN, KEY, wall(&clock));
    let kept = Exporter::against(&nectar, FLAGS, clock).await;
    let first = kept.after_polls(1).await;
    let ids = one_of_each_company(&first);
    assert_eq!(ids.len(), PLAN.companies as usize);
    for (event, happens) in EVENTS {
        happens(&nectar, &ids);
        kept.next_poll().await;
        says_what_a_fresh_one_says(&kept, &nectar, event).await;
    }
    so_are_many_words(&kept, &nectar, &ids).await;
    so_is_what_was_withdrawn(&kept, &nectar).await;
}

async fn so_are_many_words(kept: &Exporter, nectar: &Simulator, ids: &[String]) {
    // With two that the fleet has from the start, one status more than have names of their own; which one has none, a
    // fresh exporter may see otherwise. Then it gets one, and nothing else changes with its company.
    for (number, id) in ids[GONE + 1..].iter().chain(&ids[..GONE]).take(31).enumerate() {
        set(nectar, id, &format!("WORD_{number}"));
        if number >= 29 {
            kept.next_poll().await;
        }
    }
    set(nectar, &ids[GONE + 1], "PENDING");
    kept.next_poll().await;
    says_what_a_fresh_one_says(kept, nectar, "a status gets a name").await;
}

async fn so_is_what_was_withdrawn(kept: &Exporter, nectar: &Simulator) {
    // Not asked again before the next poll.
    nectar.faults().set(Scope::Everything, Fault::Status(403));
    assert!(kept.next_poll().await.has("nectar_connections"), "not yet as old as that");
    // Between two polls: nothing is read anew then.
    kept.clock.advance(Duration::from_secs(150));
    assert!(!kept.scrape().await.has("nectar_connections"), "withdrawn for its age");
    nectar.faults().clear();
    kept.next_poll().await;
    says_what_a_fresh_one_says(kept, nectar, "an outage").await;
}
