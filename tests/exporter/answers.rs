//! Answers in every form that HTTP and gzip allow, and in some that they do not.

use std::io::Write;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use test_support::clock::TestClock;
use test_support::http;
use test_support::program::Program;

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
    let program = Program::start(&url, &[], clock).await;
    let scrape = program.after_polls(1).await;
    let mut reasons = scrape.family("nectar_last_failure");
    let reason = reasons.next().map(|(labels, _)| labels["reason"].clone());
    assert_eq!(scrape.value("nectar_up", &[]), Some(if reason.is_none() { 1.0 } else { 0.0 }));
    reason
}

fn packed(builder: GzBuilder, plain: &[u8]) -> Vec<u8> {
    let mut encoder = builder.write(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn member(plain: &[u8]) -> Vec<u8> {
    packed(GzBuilder::new(), plain)
}

#[tokio::test]
async fn every_coding_of_gzip_is_read() {
    let whole = member(NOBODY);
    for coding in ["gzip", "GZIP", "Gzip", "x-gzip", "X-GZIP", " gzip ", "identity, gzip"] {
        let head = format!("Content-Encoding: {coding}\r\n");
        assert_eq!(outcome(&head, &whole).await, None, "{coding}");
    }
    for coding in ["identity", "Identity", ""] {
        let head = format!("Content-Encoding: {coding}\r\n");
        assert_eq!(outcome(&head, NOBODY).await, None, "{coding:?}");
    }
    let twice = member(&whole);
    for (coding, body) in
        [("br", &whole), ("deflate", &whole), ("gzip, gzip", &twice), ("gzip", &NOBODY.to_vec())]
    {
        let head = format!("Content-Encoding: {coding}\r\n");
        assert_eq!(outcome(&head, body).await.as_deref(), Some("decode"), "{coding}");
    }
}

/// RFC 1952: several members, and each of the optional fields of a member's head.
#[tokio::test]
async fn every_form_of_gzip_is_read() {
    let (begin, end) = NOBODY.split_at(1);
    let named =
        GzBuilder::new().filename("list.json").comment("of companies").mtime(1).extra(vec![1, 2, 0, 0]);
    let mut cut = member(NOBODY);
    cut.truncate(cut.len() - 1);
    let mut wrong = member(NOBODY);
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    for (name, body, reason) in [
        ("several members", [member(begin), member(b""), member(end)].concat(), None),
        ("all fields", packed(named, NOBODY), None),
        (
            "stored",
            {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
                encoder.write_all(NOBODY).unwrap();
                encoder.finish().unwrap()
            },
            None,
        ),
        ("cut", cut, Some("decode")),
        ("another length", wrong, Some("decode")),
        ("something behind it", [&*member(NOBODY), b"more"].concat(), Some("decode")),
    ] {
        assert_eq!(outcome("Content-Encoding: gzip\r\n", &body).await.as_deref(), reason, "{name}");
    }
}

/// A date says how long to wait by the clock of whoever wrote it: ours may be an hour off.
#[tokio::test]
async fn a_date_to_wait_for_is_by_the_servers_clock() {
    let head = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nDate: Mon, 15 Jun 2026 13:00:00 GMT\r\n\
                Retry-After: Mon, 15 Jun 2026 13:00:07 GMT\r\n";
    let clock = TestClock::skipping(std::time::Duration::from_secs(60));
    let program = Program::start(&format!("http://{}", http::always(head, b"")), &[], clock).await;
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
