//! Clients that take their time keep old renderings alive: eight of them, and no more.

use std::io::{ErrorKind, Read};
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

/// As many times a reader reads before it stalls: each time so much that the server sends more.
const PARTS: usize = 3;

/// One that nothing is sent to while it reads: the server has this thread, too.
struct Stalling {
    stream: std::net::TcpStream,
    read: usize,
    /// Of head and body.
    length: usize,
}

/// What became of an answer.
#[derive(Debug, PartialEq)]
enum End {
    Whole,
    CutOff,
    /// More is to come.
    Open,
}

impl Stalling {
    /// Begins to read the metrics.
    async fn start(program: &Program) -> Self {
        let mut stream = reader(program).await;
        let mut head = vec![b'H'];
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let text = String::from_utf8(head).unwrap();
        let body = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let (read, length) = (text.len(), text.len() + body.parse::<usize>().unwrap());
        Self { stream: stream.into_std().unwrap(), read, length }
    }

    /// Reads at most `most` bytes of what the system has for it.
    fn read(&mut self, most: usize) -> End {
        let mut buffer = vec![0; 64 * 1024];
        let until = self.length.min(self.read.saturating_add(most));
        while self.read < until {
            let room = buffer.len().min(until - self.read);
            match self.stream.read(&mut buffer[..room]) {
                Ok(0) => return End::CutOff,
                Ok(read) => self.read += read,
                Err(cause) if cause.kind() == ErrorKind::WouldBlock => return End::Open,
                Err(cause) => {
                    assert_eq!(cause.kind(), ErrorKind::ConnectionReset);
                    return End::CutOff;
                }
            }
        }
        if self.read == self.length { End::Whole } else { End::Open }
    }
}

/// Lets the server do what it has to do.
async fn let_it_work(program: &Program) {
    for _ in 0..3 {
        program.get("/-/healthy").await;
    }
}

/// The end of a body is handed over before it is sent. Until it was, its reader holds the rendering, and can be cut off.
#[tokio::test]
async fn who_stalls_before_the_end_is_cut_off_for_a_ninth() {
    let (program, _simulator) = Program::simulated(&LARGE, &["--metrics.detail=accounts"]).await;
    program.after_polls(1).await;
    program.clock.advance(Duration::from_secs(1));
    let mut first = Stalling::start(&program).await;
    let_it_work(&program).await;
    first.read(usize::MAX);
    // So much the system takes for who does not read.
    let buffered = first.read;
    let mut stalling = Vec::new();
    for short in 1..=16 {
        let mut reader = Stalling::start(&program).await;
        let part = (reader.length - buffered - short * 4_000) / PARTS;
        for _ in 0..PARTS {
            let_it_work(&program).await;
            reader.read(part);
        }
        let_it_work(&program).await;
        stalling.push(reader);
    }
    let mut others = Vec::new();
    for _ in 1..8 {
        program.clock.advance(Duration::from_secs(2));
        others.push(reader(&program).await);
    }
    program.clock.advance(Duration::from_secs(1));
    scrape(&program).await;
    let_it_work(&program).await;

    let ends: Vec<End> = stalling.iter_mut().map(|reader| reader.read(usize::MAX)).collect();
    // Of some, the system had the last byte already: there was nothing to cut off.
    assert!(ends.contains(&End::CutOff), "{ends:?}");
    assert!(!ends.contains(&End::Open), "{ends:?}");
    drop((first, others));
}
