//! Bad visitors where webhook events are received, as a table: whatever they do, events are taken, polls and scrapes go on, and neither
//! memory nor descriptors run out.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use test_support::PATIENCE;
use test_support::exporter::KEY;
use test_support::exporter_process::{Running, nectar_exporter};
use test_support::scrape::Scrape;
use test_support::webhooks::{Event, SecretPlace};

use super::visitors::{Attack, Exporter, Port, connect, http2_resets, large_head};

const MIB: usize = 1024 * 1024;
/// So long a request may take to arrive. On a machine that is busy enough, it does.
const LEAST_TIME: Duration = Duration::from_secs(5);

/// More visitors than there are places, or than there may be bodies in memory.
const ATTACKS: &[Attack] = &[
    Attack { name: "idle from the start", visitors: 600, visit: |_| Ok(()) },
    Attack {
        name: "half a head",
        visitors: 600,
        visit: |stream| stream.write_all(b"POST /webhooks/nectar HTTP/1.1\r\nsvix-i"),
    },
    Attack { name: "a body that never comes", visitors: 600, visit: |stream| announce(stream, MIB) },
    Attack { name: "a body that stops before its end", visitors: 600, visit: stopping_body },
    Attack { name: "a chunk that stops before its end", visitors: 600, visit: stopping_chunk },
    Attack { name: "a body without end", visitors: 90, visit: endless_body },
    Attack { name: "nobody's signatures", visitors: 15, visit: unsigned_flood },
    Attack { name: "1 MB of headers", visitors: 60, visit: large_head },
    Attack { name: "a request, then garbage", visitors: 90, visit: pipelined_garbage },
    Attack { name: "HTTP/2 and resets", visitors: 90, visit: http2_resets },
    Attack {
        name: "a TLS hello",
        visitors: 90,
        visit: |stream| stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00"),
    },
];

/// The head of an event that is all right, but for its signature.
fn unsigned(body: &str) -> String {
    let now = Timestamp::now().as_second();
    let signature = "A".repeat(43);
    format!(
        "POST /webhooks/nectar HTTP/1.1\r\nHost: x\r\nsvix-id: x\r\nsvix-timestamp: {now}\r\n\
         svix-signature: v1,{signature}=\r\n{body}\r\n\r\n"
    )
}

fn announce(stream: &mut TcpStream, bytes: usize) -> std::io::Result<()> {
    stream.write_all(unsigned(&format!("Content-Length: {bytes}")).as_bytes())
}

fn stopping_body(stream: &mut TcpStream) -> std::io::Result<()> {
    announce(stream, MIB)?;
    stream.write_all(&vec![b' '; MIB - 1])
}

fn stopping_chunk(stream: &mut TcpStream) -> std::io::Result<()> {
    begin_chunk(stream, MIB)?;
    stream.write_all(&vec![b' '; MIB - 1])
}

/// Eight times as much as is taken.
fn endless_body(stream: &mut TcpStream) -> std::io::Result<()> {
    begin_chunk(stream, 8 * MIB)?;
    let part = vec![b' '; MIB];
    (0..8).try_for_each(|_| stream.write_all(&part))
}

fn begin_chunk(stream: &mut TcpStream, bytes: usize) -> std::io::Result<()> {
    let head = unsigned("Transfer-Encoding: chunked");
    stream.write_all(format!("{head}{bytes:x}\r\n").as_bytes())
}

fn unsigned_flood(stream: &mut TcpStream) -> std::io::Result<()> {
    let request = unsigned("Content-Length: 2") + "{}";
    let last = unsigned("Connection: close\r\nContent-Length: 2") + "{}";
    stream.write_all((request.repeat(299) + &last).as_bytes())?;
    let mut answers = String::new();
    stream.read_to_string(&mut answers)?;
    assert_eq!(answers.matches("HTTP/1.1 401 ").count(), 300, "{answers}");
    Ok(())
}

fn pipelined_garbage(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all((unsigned("Content-Length: 2") + "{}").as_bytes())?;
    stream.write_all(&[0, 0xff, b'\r', b'\n'].repeat(10_000))
}

/// A request with an event that is signed.
fn signed(id: &str) -> String {
    request_with(&Event::of(id, "connection.updated.v2", "no-such-login", None))
}

fn request_with(event: &Event) -> String {
    let mut request = "POST /webhooks/nectar HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".to_owned();
    for (name, value) in event.headers(Timestamp::now().as_second()) {
        request += &format!("{name}: {value}\r\n");
    }
    request + &format!("Content-Length: {}\r\n\r\n{}", event.body.len(), event.body)
}

/// Its answer must be that it was taken; `when` says which request it was.
fn is_taken(stream: TcpStream, request: &str, when: &str) {
    let answer = answer(stream, request);
    assert!(is_good(&answer), "{when}: {answer:?}");
}

/// What came, and how it ended.
fn answer(mut stream: TcpStream, request: &str) -> (String, std::io::Result<()>) {
    let mut answer = String::new();
    let outcome = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
    (answer, outcome.map(|_| ()))
}

fn is_good((answer, _): &(String, std::io::Result<()>)) -> bool {
    answer.starts_with("HTTP/1.1 204 ")
}

struct World {
    exporter: Exporter,
    /// Where it receives events.
    events: String,
    _simulator: Running,
    _secret: SecretPlace,
}

impl World {
    fn start() -> Self {
        let fleet = ["--sim.companies=4", "--sim.connections=10", "--sim.listen-address=127.0.0.1:0"];
        let mut command = nectar_exporter(&["simulate"]);
        let mut simulator = Running::start(command.args(fleet).arg(format!("--sim.api-key={KEY}")));
        let base_url = format!("--nectar.base-url=http://{}/v2.2", simulator.address());
        let secret = SecretPlace::new();
        let flags = ["--web.listen-address=127.0.0.1:0", "--nectar.poll-interval=50ms", &base_url];
        let mut command = nectar_exporter(&[]);
        command.args(secret.flags(&flags)).env("NECTAR_API_KEY", KEY);
        let mut running = Running::start(&mut command);
        let address = running.address();
        let line = running.wait_for("Receiving webhook events on");
        let events = line.rsplit_once("address=").unwrap().1.trim().to_owned();
        running.wait_for("Poll finished");
        Self { exporter: Exporter { running, address }, events, _simulator: simulator, _secret: secret }
    }

    /// An event is taken. Who is told that it was too slow, and was, sends it again, as Svix does.
    fn takes(&self, request: &str, name: &str) {
        let began = Instant::now();
        loop {
            let sent = Instant::now();
            let answer = answer(connect(&self.events), request);
            if is_good(&answer) {
                return;
            }
            let was_slow = sent.elapsed() >= LEAST_TIME && began.elapsed() < PATIENCE;
            assert!(was_slow, "{name}: {answer:?} after {:?}", sent.elapsed());
        }
    }

    /// Scrapes until two further polls have ended: one that was under way, and a whole one.
    fn polls_go_on(&self, name: &str) {
        let polls = || Scrape::read(&self.exporter.scrape()).sum("nectar_exporter_polls_total", &[]);
        let (before, began) = (polls(), Instant::now());
        while polls() < before + 2.0 {
            assert!(began.elapsed() < PATIENCE, "{name}: no poll");
        }
    }
}

#[test]
fn whatever_visitors_do_events_are_taken() {
    let world = World::start();
    // Each of them may have sent a body of 1 MiB; the rest is what their sockets and the allocator keep.
    let port = Port { address: &world.events, places: 64, memory_kib: 192 * 1024 };
    world.exporter.withstands(&port, ATTACKS, |name, batch| {
        world.takes(&signed(&format!("{name} {batch}")), name);
        world.polls_go_on(name);
    });
}

/// Only who is too slow is told so.
#[test]
fn broken_bodies_are_bad_requests() {
    let world = World::start();
    let chunked = "Transfer-Encoding: chunked";
    for (name, body, sent) in [
        ("no size of a chunk", chunked, "no size\r\n"),
        ("no size of a further chunk", chunked, "2\r\n{}\r\n-\r\n"),
        ("more than the size of a chunk", chunked, "2\r\n{}}\r\n0\r\n\r\n"),
        ("an end within a chunk", chunked, "2\r\n{"),
        ("an end before the last chunk", chunked, "2\r\n{}\r\n"),
        ("an end within a body", "Content-Length: 2", "{"),
    ] {
        let mut stream = connect(&world.events);
        stream.write_all((unsigned(body) + sent).as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("\r\n\r\nBad request.\n"),
            "{name}: {answer}"
        );
    }
    let scrape = Scrape::read(&world.exporter.scrape());
    let refused = |outcome| scrape.sum("nectar_webhook_events_total", &[("outcome", outcome)]);
    assert_eq!([refused("malformed"), refused("incomplete")], [6.0, 0.0]);
}

/// Not even the one who is not done with its head, when there is no place left.
#[test]
fn slow_bodies_keep_nobody_out() {
    let world = World::start();
    let slow = |_| {
        let mut stream = connect(&world.events);
        let head = unsigned("Expect: 100-continue\r\nContent-Length: 9");
        stream.write_all(head.as_bytes()).unwrap();
        // From now on the body is waited for.
        let mut answer = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut answer).unwrap();
        stream
    };
    let _slow: Vec<TcpStream> = (0..63).map(slow).collect();
    let request = signed("a");
    let (begin, rest) = request.split_at(request.len() / 2);
    let mut stream = connect(&world.events);
    stream.write_all(begin.as_bytes()).unwrap();
    is_taken(connect(&world.events), &signed("b"), "who needs another place");
    is_taken(stream, rest, "who is not done");
}

/// Who has the secret is believed to send events, and not to be careful.
#[test]
fn whatever_is_signed_is_taken() {
    let world = World::start();
    let before = world.exporter.memory_kib();
    for (part, end) in [
        ("[", "]"),
        (r#"{"company":"#, "}"),
        (r#"{"id":"k","#, "}"),
        ("0", ""),
        (r#"{"k":"#, ""),
        (r#"{"id":"\ud800"#, r#""}"#),
        ("\u{0}", ""),
    ] {
        let times = MIB / (part.len() + end.len());
        let body = part.repeat(times) + &end.repeat(times);
        let event = Event { body, ..Event::of(&part.escape_debug().to_string(), "", "", None) };
        is_taken(connect(&world.events), &request_with(&event), &part.escape_debug().to_string());
    }
    let memory = world.exporter.memory_kib().saturating_sub(before);
    assert!(memory < 32 * 1024, "{memory} KiB more");
    world.polls_go_on("odd bodies");
}
