//! Places for clients: who is slow or idle goes, and who comes in gets a place.
//!
//! Time stands still: nobody goes for the time that a test takes, but for what it turns the clock by.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::response::IntoResponse;
use nectar_exporter::http::{Limits, Request, TlsMode, serve};
use nectar_exporter::observe::{ObserveClients, Refusal, Uncounted};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{advance, timeout};
use tokio_util::sync::CancellationToken;

use test_support::PATIENCE;
use test_support::http::{answers, first_answer};
use test_support::paused_time::PausedTime;
use test_support::sockets::{self, LARGE};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const REQUEST_OF_LARGE: &[u8] = b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// Serves five bytes, or [`LARGE`], until `stop`; also the task that does.
fn server_until(stop: CancellationToken, limits: Limits) -> (SocketAddr, JoinHandle<()>) {
    let listener = sockets::listener();
    let address = listener.local_addr().unwrap();
    let routes = |request: Request| async move {
        let size = if request.uri().path() == "/large" { LARGE } else { 5 };
        vec![b'h'; size].into_response()
    };
    (address, tokio::spawn(serve(TlsMode::Plain, vec![listener], limits, routes, Arc::new(Uncounted), stop)))
}

fn server(limits: Limits) -> SocketAddr {
    server_until(CancellationToken::new(), limits).0
}

/// A client that has been answered, and keeps its connection.
async fn answered(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert!(asks(&mut stream).await, "a new client is answered");
    stream
}

/// A client that has sent `bytes` and nothing more.
async fn silent(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = sockets::client(address).await;
    stream.write_all(bytes).await.unwrap();
    stream
}

/// Turns the clock past `limit`, of which the server has a twentieth of that for heads as its smallest part. Whoever came before is
/// known to the server: it has answered somebody who came later.
async fn pass(address: SocketAddr, limit: Duration, limits: Limits) {
    answered(address).await;
    advance(limit + limits.header_time / 10).await;
}

/// Whether one more request on `stream` is answered.
async fn asks(stream: &mut TcpStream) -> bool {
    // Of two the server must know by its clock who came first.
    advance(Duration::from_millis(1)).await;
    if stream.write_all(REQUEST).await.is_err() {
        return false;
    }
    let mut bytes = Vec::new();
    loop {
        match timeout(PATIENCE, stream.read_buf(&mut bytes)).await.expect("an answer or an end") {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
        if let Some(((head, body), behind)) = first_answer(&bytes, "GET /", false) {
            assert!(body == b"hhhhh" && behind.is_empty(), "{head}");
            return head.starts_with("http/1.1 200 ");
        }
    }
}

/// Waits until the server closes `stream`, and returns what it said before.
async fn end_of(stream: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    // A reset ends it as well.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("the server closes it");
    said
}

/// The first byte of an answer.
async fn begun(stream: &mut TcpStream) -> Vec<u8> {
    let mut first = vec![0];
    stream.read_exact(&mut first).await.unwrap();
    first
}

/// That a client which has asked for it was not cut off.
fn is_all_of_large(bytes: &[u8]) {
    let (_, body) = answers(bytes, &["GET /large"]).remove(0);
    assert_eq!(body.len(), LARGE);
}

/// Records why clients were turned away.
#[derive(Default)]
struct Refusals(Mutex<Vec<Refusal>>);

impl ObserveClients for Refusals {
    fn refused(&self, refusal: Refusal) {
        self.0.lock().unwrap().push(refusal);
    }
}

/// Counted where they had asked for something: not who was idle.
#[tokio::test]
async fn who_has_to_go_is_counted() {
    let _stopped = PausedTime::new();
    let limits = Limits { connections: 2, ..Limits::default() };
    let (listener, refusals) = (sockets::listener(), Arc::new(Refusals::default()));
    let address = listener.local_addr().unwrap();
    let routes = |_: Request| async { "hhhhh".into_response() };
    let serving =
        serve(TlsMode::Plain, vec![listener], limits, routes, refusals.clone(), CancellationToken::new());
    tokio::spawn(serving);
    let mut half = silent(address, b"GET / HTTP/1.1\r\nHo").await;
    answered(address).await;
    let _idle = answered(address).await;
    let _idle = answered(address).await;
    end_of(&mut half).await;
    assert_eq!(*refusals.0.lock().unwrap(), [Refusal::NoPlace], "the others were idle");
    let mut slow = silent(address, b"GET / HTTP/1.1\r\nHo").await;
    pass(address, limits.header_time, limits).await;
    end_of(&mut slow).await;
    let mut odd = silent(address, b"\x00\xff\r\n\r\n").await;
    end_of(&mut odd).await;
    while refusals.0.lock().unwrap().len() < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*refusals.0.lock().unwrap(), [Refusal::NoPlace, Refusal::TooSlow, Refusal::Malformed]);
}

#[tokio::test]
async fn the_longest_idle_or_unfinished_makes_room() {
    let _stopped = PausedTime::new();
    let limits = Limits { connections: 3, ..Limits::default() };
    let table: [(&str, &[u8]); 3] =
        [("says nothing", b""), ("half a head", b"GET / HTTP/1.1\r\nHo"), ("garbage", b"\x00\xff")];
    for (name, bytes) in table {
        let address = server(limits);
        let mut first = silent(address, bytes).await;
        let mut second = answered(address).await;
        let mut third = answered(address).await;
        // All places are taken, but for the one whose garbage has ended it already.
        let mut fourth = answered(address).await;
        end_of(&mut first).await;
        assert!(asks(&mut second).await && asks(&mut third).await, "{name}: they could stay");
        // Of the idle ones the one that was answered first is next.
        let mut fifth = answered(address).await;
        let gone = if bytes.starts_with(b"\x00") { None } else { Some(&mut fourth) };
        if let Some(fourth) = gone {
            end_of(fourth).await;
        }
        assert!(asks(&mut second).await && asks(&mut fifth).await, "{name}: they were used later");
    }
}

#[tokio::test]
async fn who_is_being_answered_goes_last() {
    let _stopped = PausedTime::new();
    let address = server(Limits { connections: 2, ..Limits::default() });
    let mut reader = silent(address, REQUEST_OF_LARGE).await;
    let begun = begun(&mut reader).await;
    let mut idle = answered(address).await;
    let _third = answered(address).await;
    end_of(&mut idle).await;
    is_all_of_large(&[begun, end_of(&mut reader).await].concat());
}

/// Where requests have bodies: who sends one slowly is being answered, and must not keep others out.
#[tokio::test]
async fn who_is_being_answered_goes_first_if_it_came_first() {
    let _stopped = PausedTime::new();
    let address = server(Limits { connections: 2, spares_answered: false, ..Limits::default() });
    let mut reader = silent(address, REQUEST_OF_LARGE).await;
    begun(&mut reader).await;
    let mut idle = answered(address).await;
    let _third = answered(address).await;
    assert!(end_of(&mut reader).await.len() < LARGE, "it could stay");
    assert!(asks(&mut idle).await, "it had to go");
}

#[tokio::test]
async fn a_slow_head_ends_and_an_idle_connection_stays() {
    let _stopped = PausedTime::new();
    let limits = Limits::default();
    let address = server(limits);
    let mut idle = answered(address).await;
    for begun in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX: y"] {
        let mut slow = silent(address, begun).await;
        pass(address, limits.header_time, limits).await;
        assert_eq!(end_of(&mut slow).await, b"", "the slow one got an answer");
    }
    // Nor may a head that came along with the request before it.
    let mut slow = silent(address, &[REQUEST, b"GET /metr"].concat()).await;
    pass(address, limits.header_time, limits).await;
    let said = end_of(&mut slow).await;
    assert_eq!(answers(&said, &["GET /"])[0].1, b"hhhhh", "only the whole request is answered");
    // It has been idle for four times as long as a head may take.
    assert!(asks(&mut idle).await, "the idle one was closed");
    // Once it begins a request it has no more time than others.
    idle.write_all(b"GET /").await.unwrap();
    pass(address, limits.header_time, limits).await;
    end_of(&mut idle).await;
}

#[tokio::test]
async fn an_idle_connection_ends_at_last() {
    let _stopped = PausedTime::new();
    let limits = Limits::default();
    let address = server(limits);
    let mut idle = answered(address).await;
    pass(address, limits.idle_time, limits).await;
    assert_eq!(end_of(&mut idle).await, b"");
}

#[tokio::test]
async fn who_takes_an_answer_too_slowly_is_cut_off() {
    let _stopped = PausedTime::new();
    // Shorter than what a client has that takes nothing at all.
    let limits = Limits { answer_time: Duration::from_secs(10), ..Limits::default() };
    let address = server(limits);
    let mut slow = silent(address, REQUEST_OF_LARGE).await;
    let mut taken = 0;
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = slow.read(&mut bytes).await {
        taken += read;
        pass(address, Duration::from_secs(1), limits).await;
    }
    assert!(taken < LARGE, "it got all of it");
}

#[tokio::test]
async fn who_is_being_answered_at_the_end_gets_all_of_it() {
    let _stopped = PausedTime::new();
    let stop = CancellationToken::new();
    let (address, serving) = server_until(stop.clone(), Limits::default());
    let mut reader = silent(address, REQUEST_OF_LARGE).await;
    let begun = begun(&mut reader).await;
    let mut idle = answered(address).await;
    stop.cancel();
    end_of(&mut idle).await;
    assert!(!serving.is_finished(), "the end does not wait for the reader");
    is_all_of_large(&[begun, end_of(&mut reader).await].concat());
    timeout(PATIENCE, serving).await.expect("the end").unwrap();
}
