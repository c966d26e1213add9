//! A scrape says the same in each encoding and each version of HTTP.

use std::io::Read;

use flate2::read::GzDecoder;
use nectar_simulator::Plan;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use test_support::exporter::Exporter;
use test_support::http;

/// Families of several hundred kilobytes: many times what a socket takes at once.
pub const LONG: Plan = Plan { companies: 20, connections: 120, accounts: 1, seed: 11, speed: 0.0 };
pub const FLAG: &str = "--metrics.detail=connections";

/// Without the exporter's own counters, which go on between two scrapes.
pub fn of_the_fleet(text: &str) -> String {
    let is_own =
        |line: &&str| ["process_", "nectar_api_", "nectar_exporter_"].iter().any(|own| line.starts_with(own));
    let fleet: Vec<&str> = text.lines().filter(|line| !is_own(line)).collect();
    assert!(fleet.len() > 5_000, "{} lines are not many", fleet.len());
    fleet.join("\n")
}

pub fn unpacked(packed: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text
}

/// What is answered to `requests`, sent at once on one connection, which the last one closes.
async fn answers(program: &Exporter, requests: &[&str]) -> Vec<(String, Vec<u8>)> {
    let address = program.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(requests.concat().as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    http::answers(&bytes, requests)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_says_the_same_plain_and_compressed() {
    const PLAIN: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    const HEAD: &str = "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    const PAGE: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const PACKED: &str =
        "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n";
    const OLD: &str = "GET /metrics HTTP/1.0\r\n\r\n";
    const OLD_PACKED: &str = "GET /metrics HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n";
    let (program, _simulator) = Exporter::simulated(&LONG, &[FLAG]).await;
    program.after_polls(1).await;

    let together = answers(&program, &[PLAIN, HEAD, PLAIN, PAGE, PACKED]).await;
    let old = [answers(&program, &[OLD]).await.remove(0), answers(&program, &[OLD_PACKED]).await.remove(0)];
    let [first, _, third, page, packed] = together.try_into().unwrap();
    for (head, _) in [&first, &third, &page, &packed].into_iter().chain(&old) {
        assert!(head.contains(" 200 ok\r\n"), "{head}");
    }
    assert!(String::from_utf8_lossy(&page.1).contains("<html"));
    let expected = of_the_fleet(&unpacked(&packed.1));
    for (name, text) in [
        ("the first", String::from_utf8(first.1).unwrap()),
        ("the third", String::from_utf8(third.1).unwrap()),
        ("HTTP/1.0", String::from_utf8(old[0].1.clone()).unwrap()),
        ("HTTP/1.0, compressed", unpacked(&old[1].1)),
    ] {
        let text = of_the_fleet(&text);
        let differing = text.lines().zip(expected.lines()).find(|(text, expected)| text != expected);
        assert_eq!(differing, None, "{name}");
        assert_eq!(text.len(), expected.len(), "{name}");
    }
}
