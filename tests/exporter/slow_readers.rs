//! Clients that take their time over a scrape: each gets the whole of the moment at which it asked, whatever happens meanwhile.
//!
//! Both clocks stand still: nobody is cut off for the time that a test takes.

use std::time::{Duration, Instant};

use nectar_simulator::{Fault, Plan, Scope, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::encodings::unpacked;
use test_support::PATIENCE;
use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::http;
use test_support::paused_time::PausedTime;
use test_support::scrape::Scrape;
use test_support::sockets;

/// Some hundred kilobytes of text: many times what the buffers of the sockets hold here.
const PLAN: Plan = Plan { companies: 40, connections: 5, accounts: 1, seed: 3, speed: 0.0 };
const PLAIN: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const PACKED: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n";

/// Has asked for the metrics, and has read a byte of them.
async fn reader(program: &Exporter, request: &str) -> (TcpStream, Vec<u8>) {
    let address = program.url.trim_start_matches("http://").parse().unwrap();
    let mut stream = sockets::client(address).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = vec![0];
    stream.read_exact(&mut first).await.unwrap();
    (stream, first)
}

/// What it gets when it reads on to the end.
async fn rest((mut stream, mut bytes): (TcpStream, Vec<u8>), request: &str) -> Scrape {
    stream.read_to_end(&mut bytes).await.unwrap();
    let (head, body) = http::answers(&bytes, &[request]).remove(0);
    let is_packed = head.contains("content-encoding: gzip");
    Scrape::read(&if is_packed { unpacked(&body) } else { String::from_utf8(body).unwrap() })
}

/// As [`Exporter::next_poll`], but for that nothing is waited for by tokio's clock, which stands still.
async fn next_poll(program: &Exporter) {
    let polls = |scrape: &Scrape| scrape.sum("nectar_exporter_polls_total", &[]);
    let before = polls(&rest(reader(program, PLAIN).await, PLAIN).await);
    program.clock.advance(Duration::from_secs(5 * 60));
    let began = Instant::now();
    while polls(&rest(reader(program, PLAIN).await, PLAIN).await) == before {
        assert!(began.elapsed() < PATIENCE, "the next poll never ends");
    }
}

/// What happens at Nectar.
type Event = (&'static str, fn(&Simulator));

/// What a scrape says of the fleet and its age, and of nothing that goes on by itself.
fn shown(scrape: &Scrape) -> (f64, f64, f64, usize) {
    (
        scrape.sum("nectar_connections_max_staleness_seconds", &[]),
        scrape.sum("nectar_connections", &[("status", "WEBSITE_DOWN")]),
        scrape.sum("nectar_exporter_polls_total", &[]),
        scrape.family("nectar_company_info").count(),
    )
}

#[tokio::test]
async fn who_reads_slowly_gets_the_whole_of_one_moment() {
    let clock = TestClock::new();
    let simulator = Simulator::new(&PLAN, KEY, wall(&clock));
    let program = Exporter::against(&simulator, &["--metrics.detail=accounts"], clock).await;
    program.after_polls(1).await;
    let _stopped = PausedTime::new();
    let mut readers = Vec::new();
    let events: [Event; 4] = [
        ("nothing", |_| {}),
        ("all utilities go down", |nectar| {
            for utility in Simulator::utilities() {
                nectar.set_utility_down(utility, &nectar.companies(), true);
            }
        }),
        ("a company goes", |nectar| assert!(nectar.remove_company(&nectar.companies()[0]))),
        ("Nectar fails, until all is withdrawn", |nectar| {
            nectar.faults().set(Scope::Everything, Fault::Status(403))
        }),
    ];
    for (event, happens) in events {
        let now = shown(&rest(reader(&program, PLAIN).await, PLAIN).await);
        for request in [PLAIN, PACKED] {
            readers.push((event, request, now, reader(&program, request).await));
        }
        happens(&simulator);
        next_poll(&program).await;
    }
    program.clock.advance(Duration::from_secs(100 * 60));
    let withdrawn = rest(reader(&program, PLAIN).await, PLAIN).await;
    assert!(!withdrawn.has("nectar_connections"));
    for (event, request, then, reader) in readers {
        assert_eq!(shown(&rest(reader, request).await), then, "before {event}: {request}");
    }
}
