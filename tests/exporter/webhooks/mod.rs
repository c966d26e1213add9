//! Webhook events: what is answered to them, and which readings they lead to.

mod program;

use std::time::{Duration, Instant};

use nectar_simulator::{Fault, Plan, Scope, Simulator};
use reqwest::{Method, StatusCode};

use test_support::PATIENCE;
use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::scrape::Scrape;
use test_support::webhooks::{Event, OTHER_SECRET, SECRET, SecretPlace};

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
