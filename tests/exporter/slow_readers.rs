//! Clients that take their time keep old renderings alive: eight of them, and no more.
//!
//! Both clocks stand still: nobody is cut off for the time that a test takes.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use nectar_exporter::simulator::{Fault, Plan, Scope, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::advance;

use crate::support::PATIENCE;
use crate::support::clock::TestClock;
use crate::support::program::{KEY, Program};
use crate::support::scrape::Scrape;
use crate::support::sockets;
use crate::support::stopped::StoppedTime;

/// Some hundred kilobytes of text: many times what the buffers of the sockets hold here.
const PLAN: Plan = Plan { companies: 40, connections: 5, accounts: 1, seed: 3, speed: 0.0 };
const STALENESS: &str = "nectar_connections_max_staleness_seconds";

/// An exporter after its first poll. It does not wait for anything by itself.
async fn exporter() -> (Program, Simulator) {
    let clock = TestClock::new();
    let simulator = Simulator::new(&PLAN, KEY, clock.clone());
    let program = Program::against(&simulator, &["--metrics.detail=accounts"], clock).await;
    program.after_polls(1).await;
    (program, simulator)
}

/// Has asked for the metrics, and has read a byte of them.
async fn reader(program: &Program) -> TcpStream {
    let address = program.url.trim_start_matches("http://").parse().unwrap();
    let mut stream = sockets::client(address).await;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0]).await.unwrap();
    stream
}

/// Eight of them, each a second after the one before.
async fn eight_readers(program: &Program) -> Vec<TcpStream> {
    let mut readers = Vec::new();
    for _ in 0..8 {
        program.clock.advance(Duration::from_secs(1));
        readers.push(reader(program).await);
    }
    readers
}

/// A whole scrape in the same encoding.
async fn scrape(program: &Program) -> Scrape {
    rest(reader(program).await).await.expect("it is cut off")
}

/// What it gets when it reads on to the end, if that is all of it.
async fn rest(mut stream: TcpStream) -> Option<Scrape> {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    (body.len() == length.parse::<usize>().unwrap()).then(|| Scrape::read(body))
}

#[tokio::test]
async fn who_reads_the_oldest_of_eight_is_cut_off_for_a_ninth() {
    let (program, _simulator) = exporter().await;
    let _stopped = StoppedTime::new();
    let age = scrape(&program).await.sum(STALENESS, &[]);
    let readers = eight_readers(&program).await;
    // The oldest is too young to be cut off: who comes now shares the newest, however long nobody came for it.
    program.clock.advance(Duration::from_secs(1));
    let mut shared = Vec::new();
    for _ in 0..3 {
        advance(Duration::from_secs(2)).await;
        shared.push(scrape(&program).await.sum(STALENESS, &[]));
    }
    // In the other encoding there is none that could be shared.
    let packed = program.scrape().await.sum(STALENESS, &[]);
    program.clock.advance(Duration::from_secs(3));
    let fresh = scrape(&program).await.sum(STALENESS, &[]);

    let mut read = Vec::new();
    for reader in readers {
        read.push(rest(reader).await.map(|scrape| scrape.sum(STALENESS, &[])));
    }
    let rows = (fresh - age) / 12.0;
    let aged = |seconds: f64| age + seconds * rows;
    assert!(rows > 50.0, "{rows}");
    assert_eq!(read[0], None, "the first was not cut off");
    for (number, seconds) in (1..8).zip(2_u8..) {
        assert_eq!(read[number], Some(aged(f64::from(seconds))), "reader {number} has what it began to read");
    }
    assert!(shared.iter().all(|age| *age == aged(8.0)), "{shared:?}");
    assert_eq!(packed, aged(9.0), "a scrape with gzip");
}

/// Whoever shares an old rendering must not see older counters than were sent before.
#[tokio::test]
async fn counters_never_fall_while_old_renderings_are_shared() {
    let (program, simulator) = exporter().await;
    simulator.faults().set(Scope::CompanyList, Fault::Status(500));
    let failures = |scrape: &Scrape| scrape.sum("nectar_api_request_failures_total", &[]);
    // The next poll begins a second after the last of the readers.
    program.clock.advance(Duration::from_secs(300 - 9));
    let _stopped = StoppedTime::new();
    let readers = eight_readers(&program).await;
    assert_eq!(failures(&scrape(&program).await), 0.0);
    // It begins, and by the wall clock no time has passed: what is rendered is shared, with counters of this moment.
    program.clock.advance(Duration::from_secs(1));
    program.clock.step(SignedDuration::from_secs(-1));
    let began = Instant::now();
    let mut later = scrape(&program).await;
    while failures(&later) == 0.0 {
        assert!(began.elapsed() < PATIENCE, "newer counters are never sent");
        later = scrape(&program).await;
    }
    // A second later it is old, and shared all the same.
    program.clock.step(SignedDuration::from_secs(1));
    let shared = scrape(&program).await;
    assert_eq!(shared.sum(STALENESS, &[]), later.sum(STALENESS, &[]), "not the shared rendering");
    assert_eq!(failures(&shared), failures(&later));
    drop(readers);
}
