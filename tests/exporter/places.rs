//! Places for clients: who is slow or idle goes, and who comes in gets a place.
//!
//! The limits are handed in, so that nothing here takes long.

use std::net::SocketAddr;
use std::time::Duration;

use nectar_exporter::web::answer::{TEXT, answer};
use nectar_exporter::web::{Limits, Request, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

async fn server(limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = |request: Request| async move {
        let size = if request.uri().path() == "/large" { 64 << 20 } else { 5 };
        answer(hyper::StatusCode::OK, TEXT, vec![b'h'; size])
    };
    tokio::spawn(serve(vec![listener], limits, routes, Default::default()));
    address
}

/// A client that has been answered, and keeps its connection.
async fn answered(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert!(asks(&mut stream).await, "a new client is answered");
    stream
}

/// A client that has sent `bytes` and nothing more.
async fn silent(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// Whether one more request on `stream` is answered.
async fn asks(stream: &mut TcpStream) -> bool {
    if stream.write_all(REQUEST).await.is_err() {
        return false;
    }
    let mut text = Vec::new();
    while !text.ends_with(b"hhhhh") {
        match timeout(PATIENCE, stream.read_buf(&mut text)).await.expect("an answer or an end") {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    text.starts_with(b"HTTP/1.1 200 ")
}

/// Waits until the server closes `stream`, and returns what it said before.
async fn end_of(stream: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    // A reset ends it as well.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("the server closes it");
    said
}

#[tokio::test]
async fn the_longest_idle_or_unfinished_makes_room() {
    let limits = Limits { connections: 3, ..Limits::default() };
    let table: [(&str, &[u8]); 3] =
        [("says nothing", b""), ("half a head", b"GET / HTTP/1.1\r\nHo"), ("garbage", b"\x00\xff")];
    for (name, bytes) in table {
        let address = server(limits).await;
        let mut first = silent(address, bytes).await;
        let mut second = answered(address).await;
        let mut third = answered(address).await;
        // The room is full, but for the one whose garbage has ended it already.
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
    let address = server(Limits { connections: 2, ..Limits::default() }).await;
    let mut reader = silent(address, b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let mut first_byte = [0];
    reader.read_exact(&mut first_byte).await.unwrap();
    let mut idle = answered(address).await;
    let _third = answered(address).await;
    end_of(&mut idle).await;
    let body = end_of(&mut reader).await;
    assert!(body.len() > 64 << 20, "the reader was cut off after {}", body.len());
}

#[tokio::test]
async fn a_slow_head_ends_and_an_idle_connection_stays() {
    let limits = Limits { header_time: Duration::from_millis(300), ..Limits::default() };
    let address = server(limits).await;
    let mut idle = answered(address).await;
    for begun in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX: y"] {
        let mut slow = silent(address, begun).await;
        assert_eq!(end_of(&mut slow).await, b"", "the slow one got an answer");
    }
    // Nor may a head that came along with the request before it.
    let mut slow = silent(address, &[REQUEST, b"GET /metr"].concat()).await;
    assert!(end_of(&mut slow).await.ends_with(b"hhhhh"), "only the whole request is answered");
    // It has been idle for at least three times as long as a head may take.
    assert!(asks(&mut idle).await, "the idle one was closed");
    // Once it begins a request it has no more time than others.
    idle.write_all(b"GET /").await.unwrap();
    end_of(&mut idle).await;
}

#[tokio::test]
async fn an_idle_connection_ends_at_last() {
    let limits = Limits {
        header_time: Duration::from_millis(100),
        idle_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let mut idle = answered(server(limits).await).await;
    assert_eq!(end_of(&mut idle).await, b"");
}

#[tokio::test]
async fn who_takes_an_answer_too_slowly_is_cut_off() {
    let limits = Limits {
        header_time: Duration::from_millis(100),
        answer_time: Duration::from_millis(300),
        idle_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let address = server(limits).await;
    let mut slow = silent(address, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut taken = 0;
    let mut bytes = [0; 512];
    // A little at a time, with something else done in between: the server waits for us, not we for it.
    let cut = timeout(PATIENCE, async {
        loop {
            match slow.read(&mut bytes).await {
                Ok(0) | Err(_) => return,
                Ok(read) => taken += read,
            }
            answered(address).await;
        }
    });
    cut.await.expect("it is cut off");
    assert!(taken < 64 << 20);
}
