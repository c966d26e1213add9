//! What a bad upstream may do, as a table: each fault on a page, on a company, on the list of companies and on everything.
//!
//! What must hold is the same for all of them, and stands once, in `holds`.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{FutureExt, StreamExt, stream};
use nectar_exporter::simulator::{Fault, Plan, Scope, Simulator};

use crate::support::program::Program;
use crate::support::scrape::Scrape;

/// Several pages of three for each company.
const PLAN: Plan = Plan { companies: 3, connections: 8, accounts: 1, seed: 7, speed: 0.0 };

/// A fault, and as what it counts.
#[derive(Debug, Clone)]
struct Row {
    name: &'static str,
    fault: Fault,
    reason: &'static str,
    /// Only a time limit in real time ends the request.
    is_slow: bool,
}

fn row(name: &'static str, fault: Fault, reason: &'static str) -> Row {
    Row { name, fault, reason, is_slow: false }
}

fn slow(name: &'static str, fault: Fault, reason: &'static str) -> Row {
    Row { name, fault, reason, is_slow: true }
}

fn statuses() -> Vec<Row> {
    let after = |wait: &str| Fault::StatusRetryAfter(429, wait.to_owned());
    vec![
        row("400", Fault::Status(400), "client_error"),
        row("401", Fault::Status(401), "auth"),
        row("403", Fault::Status(403), "forbidden"),
        row("404", Fault::Status(404), "not_found"),
        row("418", Fault::Status(418), "client_error"),
        row("429", Fault::Status(429), "rate_limited"),
        row("429, in seconds", after("7"), "rate_limited"),
        row("429, a date", after("Mon, 15 Jun 2026 12:05:42 GMT"), "rate_limited"),
        row("429, negative", after("-3"), "rate_limited"),
        row("429, garbage", after("soon"), "rate_limited"),
        row("500", Fault::Status(500), "server_error"),
        row("502", Fault::Status(502), "server_error"),
        row("503", Fault::Status(503), "server_error"),
        row("504", Fault::Status(504), "server_error"),
        row("204", Fault::Status(204), "decode"),
        row("redirect to nowhere", Fault::Redirect("http://127.0.0.1:1/".to_owned()), "other"),
        row("redirect to itself", Fault::Redirect("company".to_owned()), "other"),
    ]
}

fn bodies() -> Vec<Row> {
    let body = |text: &str| Fault::Body(text.to_owned());
    let wrong = r#"{"totalConnections":"many","totalPages":[],"connections":{"a":1}}"#;
    vec![
        row("empty", body(""), "decode"),
        row("HTML", body("<html><body>Welcome</body></html>"), "decode"),
        row("null", body("null"), "decode"),
        row("a number", body("17"), "decode"),
        row("a string", body(r#""ok""#), "decode"),
        row("an array of numbers in an array", body("[[1],[2]]"), "decode"),
        row("wrong in every field", body(wrong), "decode"),
        row("truncated", Fault::TruncatedJson, "decode"),
        row("other JSON", Fault::WrongJson, "decode"),
        row("not UTF-8", Fault::Bytes(vec![0xff, 0xfe, 0x00, 0x80]), "decode"),
        row("200,000 levels deep", Fault::Body(deep()), "decode"),
        row("not the gzip it says", Fault::Packed(b"<html>".to_vec()), "decode"),
        row("a gzip bomb", Fault::Packed(bomb()), "too_large"),
        row("without end", Fault::Endless, "too_large"),
        row("broken within", Fault::BrokenBody, "connect"),
        row("broken before", Fault::NoBody, "connect"),
    ]
}

fn deep() -> String {
    ["[".repeat(200_000), "]".repeat(200_000)].concat()
}

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

/// 65 MiB of blanks, packed.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let blanks = vec![b' '; 1024 * 1024];
    for _ in 0..65 {
        encoder.write_all(&blanks).unwrap();
    }
    encoder.finish().unwrap()
}

fn silences() -> Vec<Row> {
    vec![
        slow("no answer", Fault::Hang, "timeout"),
        slow("a head, then nothing", Fault::Silent, "timeout"),
        slow("a byte now and then", Fault::Trickle, "timeout"),
    ]
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
