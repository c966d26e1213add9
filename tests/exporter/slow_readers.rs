//! Clients that take their time keep old renderings alive: eight of them, and no more.

use std::time::{Duration, Instant};

use nectar_exporter::simulator::Plan;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::program::Program;
use crate::support::scrape::Scrape;

/// More text than the sockets' buffers hold.
const LARGE: Plan = Plan { companies: 40, connections: 50, accounts: 3, seed: 3, speed: 0.0 };
const STALENESS: &str = "nectar_connections_max_staleness_seconds";

/// Has asked for the metrics, and has read a byte of them.
async fn reader(program: &Program) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let address = program.url.trim_start_matches("http://").parse().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0]).await.unwrap();
    stream
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

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_the_oldest_of_eight_is_cut_off_for_a_ninth() {
    let (program, _simulator) = Program::simulated(&LARGE, &["--metrics.detail=accounts"]).await;
    let age = program.after_polls(1).await.sum(STALENESS, &[]);
    let mut readers = Vec::new();
    for _ in 0..8 {
        program.clock.advance(Duration::from_secs(1));
        readers.push(reader(&program).await);
    }
    // The oldest is too young to be cut off: who comes now shares the newest.
    program.clock.advance(Duration::from_secs(1));
    let until = Instant::now() + Duration::from_millis(2_500);
    let mut shared = Vec::new();
    while Instant::now() < until {
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
    assert!(rows > 100.0, "{rows}");
    assert_eq!(read[0], None, "the first was not cut off");
    for (number, seconds) in (1..8).zip(2_u8..) {
        assert_eq!(read[number], Some(aged(f64::from(seconds))), "reader {number} has what it began to read");
    }
    assert!(shared.iter().all(|age| *age == aged(8.0)), "{shared:?}");
    assert_eq!(packed, aged(9.0), "a scrape with gzip");
}

/// Whoever shares an old rendering must not see older counters than were sent before.
#[tokio::test(flavor = "multi_thread")]
async fn counters_never_fall_while_old_renderings_are_shared() {
    const CPU: &str = "process_cpu_seconds_total";
    let (program, _simulator) = Program::simulated(&LARGE, &["--metrics.detail=accounts"]).await;
    program.after_polls(1).await;
    let mut readers = Vec::new();
    for _ in 0..8 {
        program.clock.advance(Duration::from_secs(1));
        readers.push(reader(&program).await);
    }
    // The eighth rendering is shared, with counters of its own time. They count whole seconds of CPU: scrapes take some.
    let first = scrape(&program).await;
    let mut later = scrape(&program).await;
    let patience = Instant::now() + Duration::from_secs(60);
    while later.value(CPU, &[]) == first.value(CPU, &[]) {
        assert!(Instant::now() < patience, "no CPU is used");
        later = scrape(&program).await;
    }
    program.clock.advance(Duration::from_secs(1));
    let shared = scrape(&program).await;
    assert_eq!(shared.sum(STALENESS, &[]), later.sum(STALENESS, &[]), "not the shared rendering");
    assert!(shared.value(CPU, &[]) >= later.value(CPU, &[]), "{:?}", shared.value(CPU, &[]));
    drop(readers);
}
