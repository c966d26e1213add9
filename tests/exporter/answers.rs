//! Answers in every form that HTTP and gzip allow, and in some that they do not.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use test_support::clock::TestClock;
use test_support::exporter::Exporter;
use test_support::http;

/// The list of companies of a key that has none.
const NOBODY: &[u8] = b"[]\n";

/// What a poll of it came to: nothing, or the reason.
async fn outcome(head: &str, body: &[u8]) -> Option<String> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n{head}");
    answered(head, body).await
}

async fn answered(head: String, body: &[u8]) -> Option<String> {
    let url = format!("http://{}", http::always(&head, body));
    let clock = TestClock::skipping(std::time::Duration::from_secs(60));
    let program = Exporter::start(&url, &[], clock).await;
    let scrape = program.after_polls(1).await;
    let mut reasons = scrape.family("nectar_last_failure");
    let reason = reasons.next().map(|(labels, _)| labels["reason"].clone());
    assert_eq!(scrape.value("nectar_up", &[]), Some(if reason.is_none() { 1.0 } else { 0.0 }));
    reason
}

/// Every form of either stands beside the rule, in src/nectar/body.rs.
#[tokio::test]
async fn gzip_is_read_and_no_other_coding() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(NOBODY).unwrap();
    let packed = encoder.finish().unwrap();
    assert_eq!(outcome("Content-Encoding: gzip\r\n", &packed).await, None);
    assert_eq!(outcome("Content-Encoding: br\r\n", &packed).await.as_deref(), Some("decode"));
}

/// A date says how long to wait by the clock of whoever wrote it: ours may be an hour off.
#[tokio::test]
async fn a_date_to_wait_for_is_by_the_servers_clock() {
    let head = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nDate: Mon, 15 Jun 2026 13:00:00 GMT\r\n\
                Retry-After: Mon, 15 Jun 2026 13:00:07 GMT\r\n";
    let clock = TestClock::skipping(std::time::Duration::from_secs(60));
    let program = Exporter::start(&format!("http://{}", http::always(head, b"")), &[], clock).await;
    program.after_polls(1).await;
    assert_eq!(program.clock.skipped(), [std::time::Duration::from_secs(7); 3]);
}

#[tokio::test]
async fn heads_long_and_odd() {
    let lines = |number: usize| (0..number).map(|n| format!("X-Line-{n}: {n}\r\n")).collect::<String>();
    assert_eq!(outcome(&lines(500), NOBODY).await, None);
    assert_eq!(outcome("X-Folded: a\r\n b\r\n", NOBODY).await, None);
    assert_eq!(outcome(&lines(2_000), NOBODY).await.as_deref(), Some("too_large"));
    let long = format!("X-Long: {}\r\n", "x".repeat(2_000_000));
    assert_eq!(outcome(&long, NOBODY).await.as_deref(), Some("too_large"));
    for head in ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 two hundred\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n"] {
        assert_eq!(answered(head.to_owned(), NOBODY).await.as_deref(), Some("decode"), "{head}");
    }
}
