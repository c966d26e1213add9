//! The door itself: slow handshakes, with limits that are handed in, so that this takes no longer than it must.

use std::sync::Arc;
use std::time::Duration;

use nectar_exporter::web::answer::{TEXT, answer};
use nectar_exporter::web::{Door, Limits, Request, serve_through};
use nectar_exporter::webconfig::Keeper;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::place::{Place, TLS};

async fn door(place: &Place) -> Door {
    let tls = Keeper::load(place.path("web.yml")).await.unwrap().now().tls.clone();
    Door::Tls(Arc::new(move || tls.clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_handshake_ends_and_holds_up_nobody() {
    let place = Place::new(TLS);
    let limits = Limits { header_time: Duration::from_secs(5), ..Limits::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = |_: Request| async { answer(hyper::StatusCode::OK, TEXT, "hello") };
    tokio::spawn(serve_through(door(&place).await, vec![listener], limits, routes, CancellationToken::new()));

    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let client = place.authority.client().build().unwrap();
    let url = format!("https://localhost:{}/", address.port());
    let early = tokio::time::timeout(Duration::from_millis(4500), client.get(url).send()).await;
    assert_eq!(early.expect("an answer while others are silent").unwrap().status(), 200);
    for mut stream in silent {
        let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "a silent client stays for good");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_still_at_the_door_does_not_hold_up_the_end() {
    let place = Place::new(TLS);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let limits = Limits { drain_time: Duration::from_secs(60), ..Limits::default() };
    let limits = Limits { header_time: Duration::from_secs(60), ..limits };
    let routes = |_: Request| async { answer(hyper::StatusCode::OK, TEXT, "hello") };
    let serving =
        tokio::spawn(serve_through(door(&place).await, vec![listener], limits, routes, stop.clone()));
    let _silent = TcpStream::connect(address).await.unwrap();
    // Accepted by now, for certain: the second comes after the first.
    let client = place.authority.client().build().unwrap();
    client.get(format!("https://localhost:{}/", address.port())).send().await.unwrap();
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(20), serving).await.expect("the end").unwrap();
}
