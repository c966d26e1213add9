//! Webhook events on connections that are slow or kept, and the whole program with its flags.

use std::time::Duration;

use futures::poll;
use jiff::Timestamp;
use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use test_support::exporter::KEY;
use test_support::exporter_process::{Running, nectar_exporter, run};
use test_support::paused_time::PausedTime;
use test_support::webhooks::{Event, OTHER_SECRET, SECRET, SecretPlace};

use super::{UPDATED, World, seconds};
use crate::web_config::place::{Place, TLS};

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
        // Longer than a minute, after which many proxies close theirs. Somebody who comes then has been seen by whoever would close this
        // connection.
        for _ in 0..75 {
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
