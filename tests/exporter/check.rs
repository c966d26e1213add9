//! `nectar-exporter check`: what a newcomer runs first.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use nectar_exporter::clock::Clock;
use nectar_exporter::storage::Folder;
use nectar_simulator::{Fault, Plan, Scope, Simulator};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use test_support::canned_nectar::{Bodies, connection, page};
use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::exporter_process::{nectar_exporter, run};

const PLAN: Plan = Plan { companies: 25, connections: 20, accounts: 1, seed: 4, speed: 0.0 };

/// A Nectar, and where it is.
async fn nectar() -> (Simulator, String) {
    let simulator = Simulator::new(&PLAN, KEY, Timestamp::now);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v2.2", listener.local_addr().unwrap());
    tokio::spawn(simulator.clone().serve(vec![listener], CancellationToken::new()));
    (simulator, url)
}

/// Its exit code, and what it says.
async fn check(url: &str, key: &str, flags: &[&str]) -> (Option<i32>, String) {
    let mut command = nectar_exporter(&["check", "--nectar.base-url", url]);
    command.args(flags).env("NECTAR_API_KEY", key);
    let (code, stdout, stderr) = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
    assert!(stderr.is_empty() && !stdout.contains(key), "{stdout}{stderr}");
    (code, stdout)
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well() {
    let (simulator, url) = nectar().await;
    let before = simulator.requests();
    let (code, said) = check(&url, KEY, &[]).await;
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "The flags hold together",
        "takes the key",
        "The clocks agree",
        "The list has 25 companies; to be read: 25.",
        "Looked at 10 companies: ",
        "That makes about ",
        "at --metrics.detail=connections",
        "A poll sends about 26 requests",
        "312 requests in an hour",
    ] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    assert_eq!(simulator.requests() - before, 1 + 1 + 10, "no more than it has to ask");

    let (code, said) =
        check(&url, KEY, &["--all", "--metrics.detail=none", "--nectar.exclude-company=x"]).await;
    assert!(
        code == Some(0)
            && said.contains("Looked at 25 companies: ")
            && said.contains("no series about single ones"),
        "{said}"
    );
    assert!(said.contains("The company x is to be left out, and is not in the list"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_named_with_what_to_do() {
    let (simulator, url) = nectar().await;
    let nowhere = "http://127.0.0.1:1/v2.2".to_owned();
    for (url, key, fault, flags, parts) in [
        (&url, "sim-wrong", None, &[][..], ["Nectar refuses the API key", "--nectar.api-key-file"]),
        (&url, "\"sim-wrong\"", None, &[], ["stands in quotes", "--nectar.api-key-file"]),
        (&nowhere, KEY, None, &[], ["Connection refused", "check the network"]),
        (
            &url,
            KEY,
            Some((Scope::CompanyList, 404)),
            &[],
            ["The company list cannot be read", "--nectar.base-url"],
        ),
        (&url, KEY, None, &["--nectar.company=x"], ["The company x is asked for", "--nectar.company"]),
        (&url, KEY, None, &["--metrics.detail-limit=10"], ["would be withheld", "--metrics.detail-limit"]),
    ] {
        if let Some((scope, status)) = fault {
            simulator.faults().set(scope, Fault::Status(status));
        }
        let (code, said) = check(url, key, flags).await;
        simulator.faults().clear();
        assert_eq!(code, Some(1), "{said}");
        for part in ["failed  ", "What to do: "].into_iter().chain(parts) {
            assert!(said.contains(part), "{part} is not in: {said}");
        }
    }
    // One company that cannot be read keeps nothing from working; all of them do.
    let companies = simulator.companies();
    simulator.faults().set(Scope::Company(companies[0].clone()), Fault::Status(403));
    let (code, said) = check(&url, KEY, &["--all"]).await;
    assert!(
        code == Some(0)
            && said.contains("the API key may not see it (it answers 403 Forbidden). What to do:"),
        "{said}"
    );
    for company in companies {
        simulator.faults().set(Scope::Company(company), Fault::Status(403));
    }
    let (code, said) = check(&url, KEY, &[]).await;
    assert!(code == Some(1) && said.contains("No company could be read"), "{said}");
    let (code, ..) = run(&mut nectar_exporter(&["check", "--nectar.page-size=0"]));
    assert_eq!(code, Some(2), "usage");
}

/// One that is ahead of this machine's.
fn clock_ahead(by: SignedDuration) -> Arc<TestClock> {
    let clock = TestClock::new();
    clock.step(Timestamp::now().duration_since(clock.now()) + by);
    clock
}

/// It says what it would export, as a scrape then shows it.
#[tokio::test(flavor = "multi_thread")]
async fn the_series_are_those_of_a_scrape() {
    let (_simulator, url) = nectar().await;
    for detail in ["none", "connections", "accounts"] {
        let flag = format!("--metrics.detail={detail}");
        let (_, said) = check(&url, KEY, &["--all", &flag]).await;
        let program = Exporter::start(&url, &[&flag], clock_ahead(SignedDuration::ZERO)).await;
        let scrape = program.after_polls(1).await;
        let of = |single: bool| {
            let is_single = |labels: &BTreeMap<String, String>| labels.contains_key("connection_id");
            let of_companies =
                scrape.samples.iter().filter(|(_, labels, _)| labels.contains_key("company_id"));
            of_companies.filter(|(_, labels, _)| is_single(labels) == single).count()
        };
        if detail != "none" {
            assert!(said.contains(&format!("about {} series about single ones", of(true))), "{said}");
        }
        assert!(said.contains(&format!("about {} about companies", of(false))), "{} in {said}", of(false));
    }
}

/// Clocks are compared by what the answer says.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_told() {
    for (minutes, code, words) in [
        (60, Some(1), "The clock of this machine is 1h"),
        (-60, Some(1), "behind Nectar's"),
        (2, Some(0), "ahead of Nectar's"),
    ] {
        let simulator = Simulator::new(&PLAN, KEY, wall(&clock_ahead(-SignedDuration::from_mins(minutes))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v2.2", listener.local_addr().unwrap());
        tokio::spawn(simulator.serve(vec![listener], CancellationToken::new()));
        let (ended, said) = check(&url, KEY, &[]).await;
        assert!(ended == code && said.contains(words), "{minutes}: {said}");
    }
}

/// What would never be exported is no success, and no name of a company makes a line of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_company_that_does_not_add_up() {
    let list = r#"[{"id":"c","name":"A\nok      fine","externalId":null}]"#;
    let rows = page(5, 1, &[&connection("a", "CONNECTED"), r#"{"id":null}"#]);
    let bodies = Bodies::default().with("ping", "{}").with("company", list).with("c.1", rows);
    let url = bodies.serve(CancellationToken::new()).await;
    let (code, said) = check(&url, KEY, &[]).await;
    assert_eq!(code, Some(1), "{said}");
    for part in ["Nectar names 5 connections, and lists 2", "No company could be read"] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    assert!(!said.lines().any(|line| line.starts_with("ok      fine")), "{said}");
}

/// For scripts before each start: an outage of Nectar must not keep the exporter from starting.
#[tokio::test(flavor = "multi_thread")]
async fn without_network_only_files_and_flags_count() {
    let (code, said) = check("http://127.0.0.1:1/v2.2", KEY, &["--config-only"]).await;
    assert!(code == Some(0) && said.contains("NECTAR_API_KEY"), "{said}");
    for flag in ["--web.config.file=/nowhere/web.yml", "--nectar.ca-file=/nowhere/ca.pem"] {
        let (code, said) = check("http://127.0.0.1:1/v2.2", KEY, &["--config-only", flag]).await;
        assert!(code == Some(1) && said.contains("/nowhere/"), "{said}");
    }
    let place = tempfile::tempdir().unwrap();
    let (new, file) = (place.path().join("new/folder"), place.path().join("file"));
    std::fs::write(&file, "").unwrap();
    let taken = place.path().join("taken");
    let mut other = Folder::new(taken.clone());
    other.claim().unwrap();
    for (folder, expected, words) in [
        (place.path(), 0, "ok      The state can be stored in"),
        (&*new, 0, "ok      The exporter will create "),
        (&*taken, 0, "note    Another process stores its state in"),
        (&*file, 1, "failed  The state cannot be stored in"),
    ] {
        let flag = format!("--storage.path={}", folder.display());
        let (code, said) = check("http://127.0.0.1:1/v2.2", KEY, &["--config-only", &flag]).await;
        assert!(code == Some(expected) && said.contains(words), "{said}");
    }
    let names = |folder: &Path| {
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(place.path()), ["file", "taken"], "nothing is created: whose it would be is not known");
    assert_eq!(names(&taken), ["lock"]);
}
