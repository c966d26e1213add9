//! Webhook events: what is answered to them, and which readings they lead to.

use std::time::{Duration, Instant};

use futures::poll;
use jiff::Timestamp;
use nectar_simulator::{Fault, Plan, Scope, Simulator};
use reqwest::{Method, StatusCode, Url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use test_support::PATIENCE;
use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::exporter_process::{Running, nectar_exporter, run};
use test_support::paused_time::PausedTime;
use test_support::scrape::Scrape;
use test_support::webhooks::{Event, OTHER_SECRET, SECRET, SecretPlace};

use super::web_config::place::{Place, TLS};

const UPDATED: &str = "connection.updated.v2";
/// From an event to the reading.
const GATHER: Duration = Duration::from_secs(2);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

struct World {
    program: Exporter,
    simulator: Simulator,
    secret: SecretPlace,
}

impl World {
    /// An exporter that receives events, after its first poll, with further flags.
    async fn with(flags: &[&str]) -> Self {
        let (clock, secret) = (TestClock::new(), SecretPlace::new());
        let plan = Plan { companies: 4, connections: 10, ..Plan::default() };
        let simulator = Simulator::new(&plan, KEY, wall(&clock));
        let flags = secret.flags(flags);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let program = Exporter::against(&simulator, &flags, clock).await;
        program.after_polls(1).await;
        // The poll read every company a moment ago.
        program.clock.advance(seconds(60));
        Self { program, simulator, secret }
    }

    /// The id of a connection of the company in this place of the list, and that of the company.
    fn login(&self, company: usize) -> (String, String) {
        let company = self.simulator.companies()[company].clone();
        (self.simulator.connections(&company)[0].clone(), company)
    }

    /// Gives a login another status, and returns the labels of that of its series.
    fn change<'a>(&self, connection: &'a str, status: &'a str) -> [(&'a str, &'a str); 2] {
        assert!(self.simulator.set_connection_status(connection, status));
        [("connection_id", connection), ("status", status)]
    }

    async fn sends(&self, event: &Event) {
        assert_eq!(self.program.send(event).await.status(), StatusCode::NO_CONTENT);
    }

    /// Lets this much time pass, as soon as the exporter waits for exactly that.
    async fn pass(&self, duration: Duration) {
        self.until_awaited(duration).await;
        self.program.clock.advance(duration);
    }

    async fn until_awaited(&self, duration: Duration) {
        let began = Instant::now();
        while !self.program.clock.is_awaited(duration) {
            assert!(began.elapsed() < PATIENCE, "nothing waits for {duration:?}");
            tokio::task::yield_now().await;
        }
    }

    /// Scrapes until the login has a status.
    async fn shows(&self, labels: &[(&str, &str)]) -> Scrape {
        let name = "nectar_connection_status";
        self.program.until("the status", |scrape| scrape.value(name, labels) == Some(1.0)).await
    }

    /// How many events there were with this outcome.
    async fn events(&self, outcome: &str) -> f64 {
        self.program.scrape().await.sum("nectar_webhook_events_total", &[("outcome", outcome)])
    }
}

#[tokio::test]
async fn what_is_answered() {
    let world = World::with(&[]).await;
    let (connection, company) = world.login(0);
    let event = |id: &str| Event::of(id, UPDATED, &connection, Some(&company));
    let cases: [(&str, Event, u16, &str); 12] = [
        ("an event", event("a"), 204, "reading"),
        ("the same one again", event("a"), 204, "duplicate"),
        ("of another type", Event::of("b", "document.created.v2", "d", None), 204, "ignored"),
        ("no JSON", Event { body: "sim-secret".to_owned(), ..event("c") }, 204, "ignored"),
        ("another secret", Event { secret: OTHER_SECRET, ..event("d") }, 401, "bad_signature"),
        ("five minutes old", Event { signed_in: -300, ..event("e") }, 204, "reading"),
        ("a second older", Event { signed_in: -301, ..event("f") }, 400, "bad_time"),
        ("of the future", Event { signed_in: 301, ..event("g") }, 400, "bad_time"),
        ("without an id", event(""), 400, "malformed"),
        ("1 MiB", Event { body: " ".repeat(1024 * 1024), ..event("h") }, 204, "ignored"),
        ("a byte more", Event { body: " ".repeat(1024 * 1024 + 1), ..event("i") }, 413, "too_large"),
        ("a refused one, well signed", event("d"), 204, "reading"),
    ];
    for (name, event, status, outcome) in cases {
        let before = world.events(outcome).await;
        let answer = world.program.send(&event).await;
        assert_eq!(answer.status(), status, "{name}");
        let text = answer.text().await.unwrap();
        assert_eq!(text.lines().count(), usize::from(status != 204), "{name}: {text}");
        assert!(!text.contains("sim-secret") && text.len() < 20, "{name}: {text}");
        assert_eq!(world.events(outcome).await, before + 1.0, "{name}");
    }
    let scrape = world.program.scrape().await;
    let last = scrape.value("nectar_webhook_last_event_timestamp_seconds", &[]);
    assert_eq!(last, Some(world.program.clock.wall_seconds() as f64));
}

type Change = fn(&mut reqwest::Request);

/// Requests that are no events, one after the other, as who guesses would send them.
#[tokio::test]
async fn what_is_answered_to_other_requests() {
    let world = World::with(&["--webhook.path=/events"]).await;
    let (connection, _) = world.login(0);
    let event = Event::of("a", UPDATED, &connection, None);
    let request = |change: Change| {
        let mut request = world.program.request(&event).build().unwrap();
        change(&mut request);
        reqwest::Client::new().execute(request)
    };
    let cases: [(&str, Change, u16); 9] = [
        ("no signature", |request| drop(request.headers_mut().remove("svix-signature")), 400),
        ("no time", |request| drop(request.headers_mut().remove("svix-timestamp")), 400),
        ("no id", |request| drop(request.headers_mut().remove("svix-id")), 400),
        ("another body", |request| *request.body_mut() = Some("{}".into()), 401),
        ("GET", |request| *request.method_mut() = Method::GET, 405),
        ("PUT", |request| *request.method_mut() = Method::PUT, 405),
        ("the metrics", |request| request.url_mut().set_path("/metrics"), 404),
        ("the worklist", |request| request.url_mut().set_path("/worklist"), 404),
        (
            "10,000 signatures",
            |request| {
                let list = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ".repeat(10_000);
                request.headers_mut().insert("svix-signature", list.trim().parse().unwrap());
            },
            431,
        ),
    ];
    for (name, change, status) in cases {
        assert_eq!(request(change).await.unwrap().status(), status, "{name}");
    }
    let allowed = request(|request| *request.method_mut() = Method::GET).await.unwrap();
    assert_eq!(allowed.headers()["allow"], "POST");
    assert_eq!(world.program.get("/events").await.status(), 404, "not where the metrics are");
    world.sends(&event).await;
}

/// An event makes its company be read, and no other one.
#[tokio::test]
async fn a_change_is_shown_before_the_next_poll() {
    let world = World::with(&[]).await;
    for (place, names_company) in [(0, true), (1, false)] {
        let (connection, company) = world.login(place);
        let labels = world.change(&connection, "PASSWORD_INCORRECT");
        let requests = world.simulator.requests();
        let company = names_company.then(|| company.to_ascii_uppercase());
        world.sends(&Event::of(&connection, UPDATED, &connection, company.as_deref())).await;
        world.sends(&Event::of(&format!("{connection} again"), UPDATED, &connection, None)).await;
        world.pass(GATHER).await;
        world.shows(&labels).await;
        assert_eq!(world.simulator.requests(), requests + 1);
    }
    let scrape = world.program.scrape().await;
    assert_eq!(scrape.value("nectar_webhook_reading_delay_seconds_sum", &[]), Some(4.0));
    assert_eq!(scrape.value("nectar_webhook_reading_delay_seconds_count", &[]), Some(2.0));
    assert_eq!(scrape.sum("nectar_exporter_polls_total", &[]), 1.0);
}

/// What changes after a reading began is not lost, and leads to one more reading.
#[tokio::test]
async fn an_event_that_comes_later_leads_to_another_reading() {
    let world = World::with(&[]).await;
    let (connection, company) = world.login(0);
    let first = world.change(&connection, "PASSWORD_INCORRECT");
    world.sends(&Event::of("a", UPDATED, &connection, Some(&company))).await;
    world.pass(GATHER).await;
    world.shows(&first).await;
    let requests = world.simulator.requests();
    let second = world.change(&connection, "CONNECTED");
    for id in 0..100 {
        world.sends(&Event::of(&id.to_string(), UPDATED, &connection, Some(&company))).await;
    }
    world.pass(seconds(30)).await;
    world.shows(&second).await;
    assert_eq!(world.simulator.requests(), requests + 1, "one for a hundred events");
}

/// A login of a company that is not known leads to a poll of all: one in ten minutes, however many events there are.
#[tokio::test]
async fn an_unknown_login_leads_to_a_poll() {
    let world = World::with(&["--nectar.poll-interval=2h"]).await;
    let unknown = |id: &str| Event::of(id, "connection.created.v2", "no-such-login", Some("no-such-company"));
    for id in ["a", "b", "c"] {
        world.sends(&unknown(id)).await;
    }
    world.pass(GATHER).await;
    world.program.after_polls(2).await;
    for id in ["d", "e"] {
        world.sends(&unknown(id)).await;
    }
    world.pass(seconds(600)).await;
    world.program.after_polls(3).await;
    assert_eq!(world.events("poll").await, 5.0);
}

#[tokio::test]
async fn a_company_that_is_left_out_leads_to_nothing() {
    let left_out = Simulator::new(
        &Plan { companies: 4, connections: 10, ..Plan::default() },
        KEY,
        wall(&TestClock::new()),
    );
    let company = left_out.companies()[0].clone();
    let world = World::with(&[&format!("--nectar.exclude-company={company}")]).await;
    world.sends(&Event::of("a", UPDATED, "no-such-login", Some(&company.to_ascii_uppercase()))).await;
    assert_eq!(world.events("not_watched").await, 1.0);
    assert!(!world.program.clock.is_awaited(GATHER));
}

/// A reading that fails is said to have failed, and is tried again.
#[tokio::test]
async fn a_reading_that_fails_is_tried_again() {
    let world = World::with(&["--nectar.poll-interval=2h"]).await;
    let (connection, company) = world.login(0);
    let labels = world.change(&connection, "PASSWORD_INCORRECT");
    let up = [("company_id", &*company)];
    world.simulator.faults().set(Scope::Company(company.clone()), Fault::Status(404));
    world.sends(&Event::of("a", UPDATED, &connection, Some(&company))).await;
    world.pass(GATHER).await;
    let is_down = |scrape: &Scrape| scrape.value("nectar_company_up", &up) == Some(0.0);
    world.program.until("the failure", is_down).await;
    world.simulator.faults().clear();
    world.pass(seconds(300)).await;
    let scrape = world.shows(&labels).await;
    assert_eq!(scrape.value("nectar_company_up", &up), Some(1.0));
    assert_eq!(scrape.value("nectar_webhook_reading_delay_seconds_sum", &[]), Some(302.0));
}

/// A key that Nectar refuses is sent once per poll, and with no event.
#[tokio::test]
async fn events_send_no_refused_key() {
    let world = World::with(&[]).await;
    let (connection, company) = world.login(0);
    world.simulator.faults().set(Scope::Everything, Fault::Status(401));
    world.program.next_poll().await;
    let requests = world.simulator.requests();
    world.sends(&Event::of("a", UPDATED, &connection, Some(&company))).await;
    world.program.clock.advance(GATHER);
    world.program.next_poll().await;
    assert_eq!(world.simulator.requests(), requests + 1);
    world.simulator.faults().clear();
    let labels = world.change(&connection, "PASSWORD_INCORRECT");
    world.program.next_poll().await;
    world.shows(&labels).await;
    assert_eq!(world.simulator.requests(), requests + 1 + 1 + 4, "the list, and each company");
}

/// A key that is revoked between two polls is found out by a reading, and sent with no further event.
#[tokio::test]
async fn a_key_that_is_revoked_is_found_out_once() {
    let world = World::with(&["--nectar.poll-interval=2h"]).await;
    let (connection, company) = world.login(0);
    world.simulator.faults().set(Scope::Everything, Fault::Status(401));
    let requests = world.simulator.requests();
    world.sends(&Event::of("a", UPDATED, &connection, Some(&company))).await;
    world.pass(GATHER).await;
    let is_down = |scrape: &Scrape| scrape.sum("nectar_company_up", &[]) == 3.0;
    world.program.until("the failure", is_down).await;
    for place in [1, 2, 3] {
        let (connection, company) = world.login(place);
        world.sends(&Event::of(&connection, UPDATED, &connection, Some(&company))).await;
    }
    world.program.clock.advance(seconds(600));
    world.program.clock.advance(seconds(2 * 3600));
    world.program.after_polls(2).await;
    assert_eq!(world.simulator.requests(), requests + 2, "one reading, and the next poll's list");
}

/// A poll that an event asked for is asked for again if the list cannot be read.
#[tokio::test]
async fn a_poll_that_fails_is_tried_again() {
    let world = World::with(&["--nectar.poll-interval=2h"]).await;
    world.simulator.faults().set(Scope::CompanyList, Fault::Status(403));
    world.sends(&Event::of("a", "connection.created.v2", "no-such-login", None)).await;
    world.pass(GATHER).await;
    world.program.after_polls(2).await;
    world.simulator.faults().clear();
    world.pass(seconds(600)).await;
    let scrape = world.program.after_polls(3).await;
    assert_eq!(scrape.value("nectar_up", &[]), Some(1.0));
}

/// While a secret is rotated, the file has both; it is read again without a restart.
#[tokio::test]
async fn a_rotated_secret_comes_into_force() {
    let world = World::with(&[]).await;
    let (connection, _) = world.login(0);
    let signed = |id: &str, secret| Event { secret, ..Event::of(id, UPDATED, &connection, None) };
    for (number, (text, good)) in [
        (SECRET.to_owned(), [true, false]),
        (format!("{SECRET}\n{OTHER_SECRET}\n"), [true, true]),
        (OTHER_SECRET.to_owned(), [false, true]),
        // Nothing of use: what was read earlier stays.
        ("sim-secret".to_owned(), [false, true]),
    ]
    .into_iter()
    .enumerate()
    {
        world.secret.holds(&text);
        world.pass(seconds(10)).await;
        // The next wait begins when the file was read.
        world.until_awaited(seconds(10)).await;
        for (secret, is_good) in [SECRET, OTHER_SECRET].into_iter().zip(good) {
            let answer = world.program.send(&signed(&format!("{number}{secret}"), secret)).await;
            assert_eq!(answer.status() == StatusCode::NO_CONTENT, is_good, "file {number}, {secret}");
        }
    }
}

/// A connection on which an event is sent byte by byte, or several after each other.
struct Raw {
    stream: TcpStream,
    head: String,
    body: String,
}

impl Raw {
    async fn of(world: &World, event: &Event) -> Self {
        let url: Url = world.program.webhook_url.as_ref().unwrap().parse().unwrap();
        let stream = TcpStream::connect(("127.0.0.1", url.port().unwrap())).await.unwrap();
        let mut head =
            format!("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n", url.path(), event.body.len());
        for (name, value) in event.headers(world.program.clock.wall_seconds()) {
            head += &format!("{name}: {value}\r\n");
        }
        Self { stream, head: head + "\r\n", body: event.body.clone() }
    }

    async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }
}

/// A body that does not come is not waited for.
#[tokio::test]
async fn a_slow_body_is_given_up() {
    let world = World::with(&[]).await;
    let _stopped = PausedTime::new();
    let (connection, _) = world.login(0);
    let event = Event::of("a", UPDATED, &connection, None);
    let mut raw = Raw::of(&world, &event).await;
    raw.write(&(raw.head.clone() + "{")).await;
    // An answer to somebody who came later: the head has been read.
    world.sends(&Event { id: "b".to_owned(), ..event }).await;
    let mut said = Vec::new();
    let reading = raw.stream.read_to_end(&mut said);
    tokio::pin!(reading);
    while poll!(&mut reading).is_pending() {
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    assert!(said.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&said));
    assert_eq!(world.events("incomplete").await, 1.0);
}

/// A proxy keeps its connection for the next event.
#[tokio::test]
async fn a_connection_is_kept_for_the_next_event() {
    let world = World::with(&[]).await;
    let _stopped = PausedTime::new();
    let (connection, _) = world.login(0);
    let event = Event::of("a", UPDATED, &connection, None);
    let mut raw = Raw::of(&world, &event).await;
    for number in 0..3 {
        raw.write(&(raw.head.clone() + &raw.body)).await;
        let mut said = vec![0; 1024];
        let read = raw.stream.read(&mut said).await.unwrap();
        let said = String::from_utf8_lossy(&said[..read]);
        assert!(said.starts_with("HTTP/1.1 204 "), "event {number}: {said}");
        // Four times as long as a head may take. Somebody who comes then has been seen by whoever would close this connection.
        for _ in 0..20 {
            tokio::time::advance(seconds(1)).await;
            world.events("duplicate").await;
        }
    }
    assert_eq!(world.events("duplicate").await, 2.0);
    let refused = world.program.scrape().await.sum("nectar_exporter_requests_refused_total", &[]);
    assert_eq!(refused, 0.0);
}

/// The program with its flags: TLS of its own, files that are read again, and nothing on this port but the events.
#[tokio::test(flavor = "multi_thread")]
async fn as_a_program() {
    let (place, secret) = (Place::new(TLS), SecretPlace::new());
    let config = format!("--webhook.config.file={}", place.path("web.yml").display());
    let mut flags =
        secret.flags(&["--nectar.base-url=http://127.0.0.1:1", "--web.listen-address=127.0.0.1:0", &config]);
    let mut running = start(&flags);
    let metrics = running.address();
    let line = running.wait_for("Receiving webhook events on");
    let port = line.rsplit_once(':').unwrap().1.trim().to_owned();
    let http = place.authority.client().build().unwrap();
    let url = format!("https://localhost:{port}/webhooks/nectar");
    let event = Event::of("a", UPDATED, "no-such-login", None);
    let now = Timestamp::now().as_second();
    assert_eq!(event.request(&http, &url, now).send().await.unwrap().status(), 204);
    let plain = event.request(&http, &url.replace("https", "http"), now).send().await.unwrap();
    assert_eq!(plain.status(), 400, "without TLS");
    assert_eq!(http.get(format!("https://localhost:{port}/metrics")).send().await.unwrap().status(), 404);
    let text = http.get(format!("http://{metrics}/metrics")).send().await.unwrap().text().await.unwrap();
    let counted = "nectar_webhook_events_total{outcome=\"poll\",type=\"connection.updated\"} 1";
    assert!(text.contains(counted), "{text}");
    secret.holds(OTHER_SECRET);
    running.signal("HUP");
    running.wait_for("The webhook secret file has a new secret");
    let line = running.wait_for("SIGHUP: files were read again");
    assert!(
        line.contains("webhook_secret_file=\"new, and in force\" webhook_config_file=unchanged"),
        "{line}"
    );
    let (first, again) =
        (Event { id: "b".to_owned(), ..event.clone() }, Event { id: "c".to_owned(), ..event });
    for event in [&first, &again] {
        assert_eq!(event.request(&http, &url, now).send().await.unwrap().status(), 401);
    }
    running
        .wait_for("does not have the right signature; for an hour, further ones are counted and not logged");
    running.signal("TERM");
    assert_eq!(running.end(), Some(0));
    let refused = running.log.iter().filter(|line| line.contains("right signature")).count();
    assert_eq!(refused, 1, "{:?}", running.log);

    secret.holds("sim-secret");
    let mut running = start(&flags);
    let line = running.wait_for("webhook secret file");
    assert!(line.contains("holds something other than one to ten lines of whsec_ and base64"), "{line}");
    assert_eq!(running.end(), Some(1));
    secret.holds(SECRET);
    flags.insert(0, "check".to_owned());
    flags.push("--config-only".to_owned());
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let check = || run(nectar_exporter(&flags).env("NECTAR_API_KEY", KEY));
    let (code, said, _) = check();
    assert!(code == Some(0) && said.contains("Webhook events can be received."), "{said}");
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(secret.file(), everybody).unwrap();
    assert!(check().1.contains("can read or write the webhook secret file"));
    // Svix sends no password.
    place.write(
        "web.yml",
        "basic_auth_users:\n  a: $2y$10$abcdefghijklmnopqrstuuS6Zf3Xx4nqjQ0m9fVYcmYhL8oWEYXbm\n",
    );
    let (code, said, _) = check();
    assert!(code == Some(1) && said.contains("--webhook.config.file has basic_auth_users"), "{said}");
}

fn start(flags: &[String]) -> Running {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    Running::start(nectar_exporter(&flags).env("NECTAR_API_KEY", KEY))
}
