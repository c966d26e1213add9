//! The key, logins, mail addresses, account numbers and error texts appear nowhere.
//!
//! Everything secret or personal that the simulator sends, and every key used here, contains [`PLANTED`].

use std::time::Duration;

use nectar_exporter::nectar::Key;
use nectar_exporter::simulator::{Fault, Plan, SECRET as PLANTED, Scope, Simulator};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::binary::{Running, nectar_exporter};
use crate::support::clock::TestClock;
use crate::support::program::{KEY, Program};

#[tokio::test]
async fn nothing_planted_comes_out() {
    let plan = Plan { companies: 12, connections: 20, accounts: 3, seed: 5, speed: 0.0 };
    let simulator = Simulator::new(&plan, KEY, TestClock::new());
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
        let text =
            tokio::task::spawn_blocking(move || everything_said(&base_url, key, outcome)).await.unwrap();
        assert!(text.contains("nectar_up") && text.contains(outcome), "{text}");
        assert!(!text.contains(PLANTED), "a secret came out");
        assert!(!text.contains(key));
    }
}

/// A Nectar that quotes the key and a login in whatever it fails with. Each failure is one line of the log when it begins, and
/// none for its retries.
#[tokio::test]
async fn nothing_planted_comes_out_of_a_failure() {
    let simulator = Simulator::new(&Plan::default(), KEY, TestClock::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v2.2", listener.local_addr().unwrap());
    let quote = format!("{KEY} {PLANTED}@example.org");
    let faults = [
        (Fault::Status(401), 1, "auth"),
        (Fault::Redirect(format!("http://{PLANTED}.example/{PLANTED}?key={KEY}")), 1, "other"),
        (Fault::Status(500), 4, "server_error"),
        (Fault::Body(format!("<html>{quote}")), 1, "decode"),
        (Fault::StatusRetryAfter(429, "0".to_owned()), 4, "rate_limited"),
        (Fault::Body(format!(r#"[{{"id":17,"name":"{quote}"}}]"#)), 1, "decode"),
        (Fault::BrokenBody, 4, "connect"),
        (Fault::Packed(quote.into_bytes()), 1, "decode"),
    ];
    for (fault, times, _) in &faults {
        simulator.faults().set_times(Scope::CompanyList, fault.clone(), *times);
    }
    tokio::spawn(simulator.serve(vec![listener], CancellationToken::new()));
    let said = tokio::task::spawn_blocking(move || everything_said(&base_url, KEY, "failures=0"));
    let said = said.await.unwrap();
    assert!(!said.contains(PLANTED), "a secret came out");
    let begun: Vec<&str> =
        said.lines().filter(|line| line.contains("The company list cannot be read")).collect();
    assert_eq!(begun.len(), faults.len(), "{begun:#?}");
    for (line, (_, _, reason)) in begun.iter().zip(&faults) {
        assert!(line.contains(&format!("reason={reason}")), "{line}");
    }
}

/// The whole log at its most talkative, every page, and the metrics at their most detailed.
fn everything_said(base_url: &str, key: &str, outcome: &str) -> String {
    let mut command = nectar_exporter(&[
        "--nectar.base-url",
        base_url,
        "--web.listen-address=127.0.0.1:0",
        "--log.level=trace",
        "--metrics.detail=accounts",
        "--nectar.poll-interval=50ms",
    ]);
    let mut running = Running::start(command.env("NECTAR_API_KEY", key));
    let address = running.address();
    running.wait_for(outcome);
    running.wait_for("Poll finished");
    let mut said = String::new();
    for path in ["/metrics", "/", "/-/ready", "/-/healthy", "/nothing"] {
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
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn the_key_cannot_be_printed() {
    let key = Key::fixed(KEY.into()).unwrap();
    assert!(!format!("{key:?} {:?}", key.header()).contains(PLANTED));
    let error = Key::fixed(format!("{KEY}\n{KEY}").into()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(PLANTED));
}

/// The landing page escapes what comes from Nectar: it shows none of it, and what the flags say cannot break out.
#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let (program, _simulator) =
        Program::simulated(&Plan::default(), &["--web.telemetry-path=/a\"><b>"]).await;
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
