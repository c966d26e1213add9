//! Slow handshakes. Time stands still unless a test advances it.

use std::sync::Arc;

use axum::response::IntoResponse;
use nectar_exporter::http::web_config::ConfigReloader;
use nectar_exporter::http::{Limits, Request, TlsMode, serve};
use nectar_exporter::observe::Uncounted;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{advance, timeout};
use tokio_util::sync::CancellationToken;

use super::place::{Place, TLS};
use test_support::PATIENCE;
use test_support::paused_time::PausedTime;

async fn tls_mode(place: &Place) -> TlsMode {
    let tls = ConfigReloader::load(place.path("web.yml")).await.unwrap().now().tls.clone();
    TlsMode::Tls(Arc::new(move || tls.clone()))
}

#[tokio::test]
async fn a_slow_handshake_ends_and_holds_up_nobody() {
    let place = Place::new(TLS);
    let tls_mode = tls_mode(&place).await;
    let _stopped = PausedTime::new();
    let limits = Limits::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = |_: Request| async { "hello".into_response() };
    tokio::spawn(serve(
        tls_mode,
        vec![listener],
        limits,
        routes,
        Arc::new(Uncounted),
        CancellationToken::new(),
    ));

    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let client = place.authority.client().build().unwrap();
    let response = client.get(format!("https://localhost:{}/", address.port())).send();
    let response = timeout(PATIENCE, response).await.expect("a response while others are silent");
    assert_eq!(response.unwrap().status(), 200);
    advance(limits.header_time + limits.header_time / 10).await;
    for mut stream in silent {
        let ended = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "a silent client stays for good");
    }
}

#[tokio::test]
async fn an_unfinished_handshake_does_not_hold_up_the_drain() {
    let place = Place::new(TLS);
    let tls_mode = tls_mode(&place).await;
    let _stopped = PausedTime::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let limits = Limits { drain_time: PATIENCE * 3, header_time: PATIENCE * 3, ..Limits::default() };
    let routes = |_: Request| async { "hello".into_response() };
    let serving =
        tokio::spawn(serve(tls_mode, vec![listener], limits, routes, Arc::new(Uncounted), stop.clone()));
    let _silent = TcpStream::connect(address).await.unwrap();
    // Accepted by now, for certain: the second comes after the first.
    let client = place.authority.client().build().unwrap();
    client.get(format!("https://localhost:{}/", address.port())).send().await.unwrap();
    stop.cancel();
    timeout(PATIENCE, serving).await.expect("the end").unwrap();
}
