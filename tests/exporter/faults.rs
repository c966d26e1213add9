//! What a bad upstream may do, as a table: each fault on a page, on a company, on the list of companies and on everything.
//!
//! The table is in `support/faults.rs`. What must hold is the same for all of them, and stands once, in `holds`.

use std::time::Duration;

use futures::{FutureExt, StreamExt, stream};
use nectar_exporter::simulator::{Fault, Plan, Scope, Simulator};

use crate::support::faults::{Row, bodies, deep, silences, statuses};
use crate::support::program::Program;
use crate::support::scrape::Scrape;

/// Several pages of three for each company.
const PLAN: Plan = Plan { companies: 3, connections: 8, accounts: 1, seed: 7, speed: 0.0 };

/// A record that is 200,000 levels deep costs only itself.
#[tokio::test]
async fn a_deep_record_costs_only_itself() {
    let (program, simulator) = Program::simulated(&PLAN, &[]).await;
    let before = program.after_polls(1).await;
    let victim = victim(&simulator, &before);
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

/// Where a fault strikes, and how many of the three companies it makes unreadable.
#[derive(Debug, Clone, Copy)]
enum At {
    Page,
    Company,
    List,
    Everything,
}

impl At {
    const ALL: [Self; 4] = [Self::Page, Self::Company, Self::List, Self::Everything];

    fn scope(self, victim: &str) -> Scope {
        match self {
            Self::Page => Scope::Page(victim.to_owned(), 2),
            Self::Company => Scope::Company(victim.to_owned()),
            Self::List => Scope::CompanyList,
            Self::Everything => Scope::Everything,
        }
    }

    fn is_of_one(self) -> bool {
        matches!(self, Self::Page | Self::Company)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_that_say_no() {
    every_row(statuses()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_none() {
    every_row(bodies()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_say_nothing() {
    every_row(silences()).await;
}

async fn every_row(rows: Vec<Row>) {
    let all = rows.into_iter().flat_map(|row| At::ALL.map(|at| holds(row.clone(), at).boxed()));
    // A few at a time: the waits of those that hang overlap, and nobody else is slowed into a time-out.
    stream::iter(all).buffer_unordered(4).collect::<()>().await;
}

async fn holds(row: Row, at: At) {
    let context = format!("{} {at:?}", row.name);
    let timeout = if row.is_slow { "2s" } else { "30s" };
    let flag = format!("--nectar.request-timeout={timeout}");
    let (program, simulator) = Program::simulated(&PLAN, &["--nectar.page-size=3", &flag]).await;
    let before = program.after_polls(1).await;
    let victim = victim(&simulator, &before);
    simulator.faults().set(at.scope(&victim), row.fault.clone());

    let during = program.next_poll().await;
    says_so(&context, &row, at, &victim, &during);
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

    if !row.is_slow {
        program.clock.advance(Duration::from_secs(56 * 60));
        let old = program.after_polls(3).await;
        let shown = companies(&old);
        assert_eq!(shown, expected, "{context}: what is too old is withdrawn, and only that");
        assert_eq!(old.family("nectar_company_up").count(), 3, "{context}: but not forgotten");
    }

    simulator.faults().clear();
    let after = program.next_poll().await;
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

/// A company of at least two pages.
fn victim(simulator: &Simulator, scrape: &Scrape) -> String {
    let size = |id: &String| scrape.sum("nectar_connections", &[("company_id", id)]);
    simulator.companies().into_iter().find(|id| size(id) > 3.0).expect("a company of two pages")
}

/// How many companies' connections are shown.
fn companies(scrape: &Scrape) -> usize {
    let connected = scrape.family("nectar_connections").filter(|(labels, _)| labels["status"] == "CONNECTED");
    connected.count()
}
