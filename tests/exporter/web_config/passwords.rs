//! Passwords: right, wrong and missing; what they cost; and that nobody gets to see them.

use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::place::{PASSWORD, PLANTED, Place, TLS, get, users};
use test_support::PATIENCE;
use test_support::exporter_process::{Running, nectar_exporter};

#[tokio::test(flavor = "multi_thread")]
async fn right_wrong_and_missing() {
    let place = Place::new(&format!(
        "http_server_config:\n  headers:\n    X-Frame-Options: deny\n{}",
        users(&[("alice", 4), ("bob", 5)])
    ));
    let program = place.serve().await;
    let basic = |text: &[u8]| Some(format!("Basic {}", STANDARD.encode(text)));
    let of = |user: &str, password: &str| basic(format!("{user}:{password}").as_bytes());
    let cases = [
        (of("alice", PASSWORD), 200),
        (of("bob", PASSWORD), 200),
        (of("alice", PASSWORD).map(|header| header.replace("Basic", "bAsIc")), 200),
        (None, 401),
        (of("alice", "wrong"), 401),
        (of("alice", ""), 401),
        (of("alice", &format!("{PASSWORD}x")), 401),
        (of("carol", PASSWORD), 401),
        (of("", PASSWORD), 401),
        (of("Alice", PASSWORD), 401),
        (basic(PASSWORD.as_bytes()), 401),
        (basic(b"\xff\xfe:\xff\x00"), 401),
        (Some("Basic".to_owned()), 401),
        (Some("Basic ***".to_owned()), 401),
        (Some(format!("Bearer {PASSWORD}")), 401),
    ];
    let client = reqwest::Client::new();
    // Twice, for what is known by then.
    for (header, status) in cases.iter().chain(&cases) {
        for path in ["/metrics", "/", "/nothing", "/-/healthy/"] {
            let mut request = client.get(format!("{}{path}", program.url));
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            let answer = request.send().await.unwrap();
            let found = if answer.status() == 404 { 200 } else { answer.status().as_u16() };
            assert_eq!(found, *status, "{path}: {header:?}");
            let asks = answer.headers().get("www-authenticate").map(|value| value.to_str().unwrap());
            assert_eq!(asks, (*status == 401).then_some("Basic"), "{path}: {header:?}");
            assert_eq!(answer.headers()["x-frame-options"], "deny");
            assert!(*status == 200 || !answer.text().await.unwrap().contains("nectar_"));
        }
    }
    let scrape = client
        .get(format!("{}/metrics", program.url))
        .basic_auth("alice", Some(PASSWORD))
        .send()
        .await
        .unwrap();
    // Twelve of the cases, twice, at each of four paths.
    let counted = "nectar_exporter_requests_refused_total{reason=\"unauthorized\"} 96\n";
    assert!(scrape.text().await.unwrap().contains(counted));
}

/// Health needs no password, but where there is TLS it needs that.
#[tokio::test(flavor = "multi_thread")]
async fn health_is_open() {
    for (tls, secret) in [("", false), (TLS, true)] {
        let place = Place::new(&format!("{tls}{}", users(&[("alice", 4)])));
        let program = place.serve().await;
        assert_eq!(program.url.starts_with("https://"), secret);
        for (path, status) in
            [("/-/healthy", 200), ("/-/ready", 503), ("/metrics", 401), ("/", 401), ("/worklist", 401)]
        {
            let answer = get(place.authority.client(), &program, path).await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
        }
    }
}

/// Asks a running exporter, and returns the status.
fn ask(address: &str, user: &str, password: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let shown = STANDARD.encode(format!("{user}:{password}"));
    let request = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    write!(stream, "{request}Authorization: Basic {shown}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(!answer.contains(PLANTED) && !answer.contains("$2"), "a secret came out");
    answer.split(' ').nth(1).unwrap().to_owned()
}

/// Costs of the passwords that were hashed, in order, as the log has them at its most talkative.
fn hashed(running: &Running) -> Vec<u32> {
    let lines = running.log.iter().filter(|line| line.contains("A password is hashed"));
    lines.map(|line| line.split_once("cost=").unwrap().1.trim().parse().unwrap()).collect()
}

fn started(place: &Place) -> (Running, String) {
    let flag = place.flag();
    let nowhere = "--nectar.base-url=http://127.0.0.1:1";
    let flags = [nowhere, "--web.listen-address=127.0.0.1:0", "--log.level=trace", &flag];
    let mut running = Running::start(nectar_exporter(&flags).env("NECTAR_API_KEY", "sim-secret-key"));
    let address = running.address();
    (running, address)
}

/// bcrypt's effort doubles with each step of the cost.
fn effort(costs: &[u32]) -> u64 {
    costs.iter().map(|cost| 1 << cost).sum()
}

#[test]
fn a_wrong_password_costs_the_same_for_everybody() {
    let place = Place::new(&users(&[("alice", 4), ("bob", 6), ("carol", 8)]));
    for user in ["alice", "bob", "carol", "nobody", ""] {
        let (mut running, address) = started(&place);
        for _ in 0..2 {
            assert_eq!(ask(&address, user, "wrong"), "401", "{user}");
        }
        running.signal("TERM");
        running.end();
        assert_eq!(effort(&hashed(&running)), 2 * (1 << 8), "{user}: {:?}", hashed(&running));
    }
}

#[test]
fn a_right_password_is_hashed_once() {
    let place = Place::new(&users(&[("alice", 4), ("bob", 5)]));
    let (mut running, address) = started(&place);
    for _ in 0..50 {
        assert_eq!(ask(&address, "alice", PASSWORD), "200");
        assert_eq!(ask(&address, "bob", PASSWORD), "200");
    }
    // One that is known lets nobody else in, and is not forgotten over wrong ones.
    assert_eq!(ask(&address, "carol", PASSWORD), "401");
    assert_eq!(ask(&address, "alice", "wrong"), "401");
    assert_eq!(ask(&address, "alice", PASSWORD), "200");
    running.signal("TERM");
    running.end();
    assert_eq!(hashed(&running), [4, 5, 5, 4, 4]);
}

/// Many wrong passwords at once wait for each other, and leave room for whoever is known.
#[test]
fn guessing_does_not_hold_up_a_scrape() {
    // A guess takes so long that whoever waits for all of them waits for much longer than the test's threads do for a processor.
    let place = Place::new(&users(&[("alice", 14)]));
    let (mut running, address) = started(&place);
    assert_eq!(ask(&address, "alice", PASSWORD), "200");
    let mut guesses = Vec::new();
    for number in 0..100 {
        let mut stream = TcpStream::connect(&address).unwrap();
        let shown = STANDARD.encode(format!("alice:wrong{number}"));
        write!(stream, "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {shown}\r\n\r\n").unwrap();
        guesses.push(std::thread::spawn(move || stream.read(&mut [0]).is_ok_and(|length| length > 0)));
    }
    assert_eq!(ask(&address, "alice", PASSWORD), "200");
    running.signal("KILL");
    running.end();
    let answered =
        guesses.into_iter().map(|guess| guess.join().unwrap()).filter(|answered| *answered).count();
    assert!(answered < 80, "{answered} of 100 guesses went before the scrape");
    let cores = std::thread::available_parallelism().unwrap().get();
    let begun = hashed(&running).len();
    assert!(begun <= 1 + answered + 2 * cores, "{begun} hashed for {answered} answers");
}

/// The whole log at its most talkative, and every answer, over TLS and with a file that breaks meanwhile.
#[test]
fn secrets_are_in_no_log() {
    let web = users(&[("alice", 4)]);
    let place = Place::new(&web);
    let (mut running, address) = started(&place);
    let hash = web.split_once("alice: ").unwrap().1.trim();
    assert_eq!(ask(&address, "alice", PASSWORD), "200");
    assert_eq!(ask(&address, "alice", "sim-secret-wrong"), "401");
    place.write("web.yml", format!("basic_auth_users:\n  alice: {hash}sim-secret\n  bob: {PASSWORD}\n"));
    running.signal("HUP");
    running.wait_for("The changed web configuration is not usable");
    // Still the one read earlier.
    assert_eq!(ask(&address, "alice", PASSWORD), "200");
    place.write("web.yml", users(&[("bob", 4)]));
    running.signal("HUP");
    running.wait_for("has changed and is in force");
    assert_eq!(ask(&address, "alice", PASSWORD), "401");
    assert_eq!(ask(&address, "bob", PASSWORD), "200");
    running.signal("TERM");
    assert_eq!(running.end(), Some(0));
    let log = running.log.join("\n");
    let told = |text: &str| log.matches(text).count();
    assert_eq!((told("is not usable"), told("is in force")), (1, 1), "one line per change:\n{log}");
    let digest = STANDARD.encode(format!("alice:{PASSWORD}"));
    for secret in [PLANTED, hash, "$2", &digest] {
        assert!(!log.contains(secret), "{secret}:\n{log}");
    }
}

#[tokio::test]
async fn nothing_secret_can_be_printed() {
    let web = users(&[("alice", 4)]);
    let place = Place::new(&format!("{TLS}{web}"));
    let config =
        nectar_exporter::http::web_config::ConfigReloader::load(place.path("web.yml")).await.unwrap();
    let key = std::fs::read_to_string(place.path("key.pem")).unwrap();
    let shown = format!("{config:?} {:?}", config.now());
    assert!(shown.contains("Users(1)") && !shown.contains("$2"), "{shown}");
    assert!(key.lines().all(|line| !shown.contains(line)), "{shown}");
}
