//! The key, logins, mail addresses, account numbers and error texts appear nowhere.
//!
//! Everything secret or personal that the simulator sends, and every key used here, contains [`PLANTED`].

use std::time::Duration;

use clap::FromArgMatches;
use jiff::Timestamp;
use nectar_exporter::app::App;
use nectar_exporter::clock::Clock;
use nectar_exporter::config::{Cli, Config, LogFlags, LogFormat, command};
use nectar_exporter::fleet::tally::Tallies;
use nectar_exporter::log::{self, Lines};
use nectar_exporter::model::Snapshot;
use nectar_exporter::nectar::{Key, decode, json};
use nectar_exporter::observe::DroppedLines;
use nectar_simulator::{Plan, SECRET as PLANTED, Simulator};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;

use test_support::PATIENCE;
use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::exporter_process::{Running, nectar_exporter};
use test_support::fault_scenario::FaultScenario;
use test_support::fault_table::{self, At, Row};
use test_support::http::answers;
use test_support::own_process::in_own_process;
use test_support::paused_time::PausedTime;
use test_support::webhooks::{Event, OTHER_SECRET, SecretPlace};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_planted_comes_out() {
    let plan = Plan { companies: 12, connections: 20, accounts: 3, seed: 5, speed: 0.0 };
    let simulator = Simulator::new(&plan, KEY, wall(&TestClock::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v2.2", listener.local_addr().unwrap());
    let company = simulator.companies()[0].clone();
    tokio::spawn(simulator.serve(vec![listener], CancellationToken::new()));
    let sent = reqwest::Client::new()
        .get(format!("{base_url}/connection/company/{company}"))
        .header("X-API-Key", KEY)
        .send();
    let sent = sent.await.unwrap().text().await.unwrap();
    assert!(KEY.contains(PLANTED) && sent.matches(PLANTED).count() > 50, "there is nothing to find");

    for (key, outcome) in [(KEY, "failures=0"), ("sim-secret-wrong-key", "reason=auth")] {
        let base_url = base_url.clone();
        let text = everything_said(&base_url, key, outcome).await;
        assert!(text.contains("nectar_up") && text.contains(outcome), "{text}");
        assert!(text.contains(r#"nectar_webhook_events_total{outcome="duplicate""#), "{text}");
        assert!(!text.contains(PLANTED), "a secret came out");
        assert!(!text.contains(key));
    }
}

/// A Nectar that quotes the key and a login in whatever it fails with, for every fault of the table. Each failure is one line of
/// the log when it begins and one when it ends, and none for its retries or for further polls.
#[test]
fn nothing_planted_comes_out_of_a_failure() {
    let (said, log) = in_own_process("secrets::every_fault_aloud");
    // The simulator is in that process, too, and says which fault it plays.
    let log: Vec<&str> = log.lines().filter(|line| !line.contains("A simulated fault")).collect();
    let leaks: Vec<&&str> = log.iter().filter(|line| line.contains(PLANTED)).collect();
    assert!(leaks.is_empty(), "a secret came out: {leaks:#?}");
    assert!(!log.iter().any(|line| line.contains("panicked")), "a panic prints what it likes");
    assert!(said.contains("nectar_last_failure") && !said.contains(PLANTED), "a secret came out");

    let acts: Vec<&[&str]> = log.split(|line| line.starts_with(ACT)).skip(1).collect();
    let rows = fault_table::all();
    let expected: usize = rows.iter().map(|row| places(row).len()).sum();
    assert_eq!(acts.len(), expected);
    let rows = rows.iter().flat_map(|row| places(row).iter().map(move |at| (row, at)));
    for (act, (row, at)) in acts.into_iter().zip(rows) {
        let context = format!("{} {at:?}: {act:#?}", row.name);
        let mut halves = act.split(|line| line.starts_with(MENDED));
        let [spoilt, mended] = [halves.next().unwrap(), halves.next().unwrap()];
        let begun: Vec<&&str> = spoilt.iter().filter(|line| line.contains("level=warn")).collect();
        assert!(begun.len() == 1 && begun[0].contains("cannot be read"), "{context}");
        assert!(begun[0].contains(&format!("reason={} ", row.reason)), "{context}");
        let again = |half: &[&str]| half.iter().filter(|line| line.contains("can be read again")).count();
        assert_eq!((again(spoilt), again(mended)), (0, 1), "{context}");
        assert!(!mended.iter().any(|line| line.contains("level=warn")), "{context}");
    }
}

const ACT: &str = "== act";
const MENDED: &str = "== mended";

/// The kinds of line differ for the list and for a company: one of each.
fn places(row: &Row) -> &'static [At] {
    match row.wrong.places() {
        [only] => std::slice::from_ref(only),
        // What takes long need not do so twice.
        _ if row.reason == "too_large" => &[At::Everything],
        _ => &[At::Page, At::Everything],
    }
}

#[test]
#[ignore = "run by nothing_planted_comes_out_of_a_failure, in a process of its own"]
fn every_fault_aloud() {
    let flags = LogFlags { level: LevelFilter::TRACE, format: LogFormat::Logfmt };
    let lines = Lines::to_standard_error(DroppedLines::default()).unwrap();
    tracing::subscriber::set_global_default(log::subscriber(flags, lines.clone())).unwrap();
    for row in fault_table::all() {
        for at in places(&row) {
            Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let _stopped = row.is_slow.then(PausedTime::new);
                aloud(&row, *at, &lines).await;
            });
        }
    }
}

async fn aloud(row: &Row, at: At, log: &Lines) {
    let mut stage = FaultScenario::for_row(row, &[]).await;
    let before = stage.program.after_polls(1).await;
    let victim = stage.victim(&before);
    log.wait_until_written();
    eprintln!("{ACT} {} {at:?}", row.name);
    stage.spoil(&row.wrong, at, &victim).await;
    for polls in [2, 3] {
        stage.program.clock.advance(Duration::from_secs(5 * 60));
        stage.after_polls(polls).await;
    }
    for path in ["/metrics", "/", "/worklist", "/worklist?format=csv", "/-/ready", "/-/healthy", "/nothing"] {
        println!("{}", stage.program.get(path).await.text().await.unwrap());
    }
    log.wait_until_written();
    eprintln!("{MENDED}");
    stage.mend().await;
    stage.program.next_poll().await;
    log.wait_until_written();
}

/// The whole log at its most talkative, every page, and the metrics at their most detailed.
async fn everything_said(base_url: &str, key: &str, outcome: &str) -> String {
    let secret = SecretPlace::new();
    let flags = secret.flags(&[
        "--nectar.base-url",
        base_url,
        "--web.listen-address=127.0.0.1:0",
        "--log.level=trace",
        "--metrics.detail=accounts",
        "--nectar.poll-interval=50ms",
    ]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut running = Running::start(nectar_exporter(&flags).env("NECTAR_API_KEY", key));
    let address = running.address();
    let receives = running.wait_for("Receiving webhook events on");
    let events = format!("http://{}/webhooks/nectar", receives.rsplit_once("address=").unwrap().1.trim());
    running.wait_for(outcome);
    running.wait_for("Poll finished");
    let mut said = String::new();
    let (http, now) = (reqwest::Client::new(), Timestamp::now().as_second());
    let event = Event::of("sim-secret-id", "connection.sim-secret", "sim-secret", Some("sim-secret"));
    for event in [
        Event { secret: OTHER_SECRET, ..event.clone() },
        Event { signed_in: -3600, ..event.clone() },
        Event { body: format!("{{{}", event.body), ..event.clone() },
        event,
    ] {
        let answer = event.request(&http, &events, now).send().await.unwrap();
        said +=
            &format!("{} {:?} {}", answer.status(), answer.headers().clone(), answer.text().await.unwrap());
    }
    for path in ["/metrics", "/", "/worklist", "/worklist?format=csv", "/-/ready", "/-/healthy", "/nothing"] {
        said.push_str(&get(&address, path));
    }
    running.signal("TERM");
    running.end();
    said.push_str(&running.log.join("\n"));
    said
}

fn get(address: &str, path: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    // Without chunks, whose ends could stand in the middle of a secret.
    let (head, body) = answers(&bytes, &["GET "]).remove(0);
    head + &String::from_utf8(body).unwrap()
}

/// Nor can anything that holds it, or that was read from an answer full of what is personal.
#[tokio::test]
async fn the_key_cannot_be_printed() {
    let key = Key::fixed(KEY.into()).unwrap();
    assert!(!format!("{key:?} {:?}", key.header()).contains(PLANTED));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{KEY}\n{KEY}")).unwrap();
    let errors = [
        Key::fixed(format!("{KEY}\n{KEY}").into()).unwrap_err(),
        Key::from_file(file.clone()).await.unwrap_err(),
    ];
    for error in errors {
        assert!(!format!("{error} {error:?}").contains(PLANTED));
    }
    std::fs::write(&file, KEY).unwrap();
    let key = Key::from_file(file).await.unwrap();
    assert!(!format!("{key:?}").contains(PLANTED));

    let matches = command("test".to_owned()).try_get_matches_from(["nectar-exporter"]).unwrap();
    let cli = Cli::from_arg_matches(&matches).unwrap();
    let (settings, source) =
        Config::for_api(&cli.exporter, &cli.nectar, &cli.webhook, Some(KEY.into())).unwrap();
    let mut printed = format!("{cli:?} {settings:?} {source:?}");
    printed += &format!("{:?}", App::new(settings, key, TestClock::new(), DroppedLines::default()).unwrap());
    assert!(printed.contains("base_url") && !printed.contains(PLANTED));
}

#[tokio::test]
async fn what_was_read_cannot_be_printed() {
    let clock = TestClock::new();
    let simulator = Simulator::new(&Plan::default(), KEY, wall(&clock));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v2.2", listener.local_addr().unwrap());
    let company = simulator.companies()[0].clone();
    tokio::spawn(simulator.serve(vec![listener], CancellationToken::new()));
    let client = reqwest::Client::new();
    let mut printed = String::new();
    for (path, is_list) in [("company".to_owned(), true), (format!("connection/company/{company}"), false)] {
        let sent = client.get(format!("{base_url}/{path}")).header("X-API-Key", KEY).send().await.unwrap();
        let body = sent.text().await.unwrap();
        if is_list {
            printed += &format!("{:?}", decode::company_list(body.as_bytes()).unwrap());
            continue;
        }
        assert!(body.contains(PLANTED));
        printed += &format!("{:?}", json::Fields::read(&body).unwrap());
        let page = decode::page(body.as_bytes(), clock.now()).unwrap();
        assert!(!page.rows.is_empty());
        printed += &format!("{page:?}");
        let connections: Vec<_> = page.rows.into_iter().map(|row| row.connection).collect();
        let begun_monotonic = clock.monotonic();
        let snapshot = Snapshot {
            begun_wall: clock.now(),
            begun_monotonic,
            connections: connections.into(),
            faults: page.faults,
        };
        let tallies = Tallies::of(&snapshot, jiff::SignedDuration::from_hours(24));
        printed += &format!("{snapshot:?} {tallies:?}");
    }
    assert!(printed.contains(&company) && printed.contains("CONNECTED"));
    assert!(!printed.contains(PLANTED), "a secret came out");
}

/// What the flags say cannot break out of the landing page.
#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let (program, _simulator) =
        Exporter::simulated(&Plan::default(), &["--web.telemetry-path=/a\"><b>"]).await;
    while program.get("/-/ready").await.status() != 200 {
        tokio::task::yield_now().await;
    }
    let answer = program.get("/").await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    let page = answer.text().await.unwrap();
    assert!(!page.contains("<b>") && page.contains("/a&#34;&#62;&#60;b&#62;"), "{page}");
    for foreign in ["<script", "src=", "@import", "http://", "https://"] {
        assert!(!page.contains(foreign), "{foreign} in {page}");
    }
}
