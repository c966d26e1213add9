//! What a bad upstream may do: 36 faults, and the reason each must be told by.
//!
//! Must not know where a fault strikes, or what must hold then.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use nectar_exporter::simulator::Fault;

/// A fault, and as what it counts.
#[derive(Debug, Clone)]
pub struct Row {
    /// What it is called when something does not hold.
    pub name: &'static str,
    /// What the simulated Nectar does.
    pub fault: Fault,
    /// The `reason` it must be told by.
    pub reason: &'static str,
    /// Only a time limit in real time ends the request.
    pub is_slow: bool,
}

fn row(name: &'static str, fault: Fault, reason: &'static str) -> Row {
    Row { name, fault, reason, is_slow: false }
}

fn slow(name: &'static str, fault: Fault, reason: &'static str) -> Row {
    Row { name, fault, reason, is_slow: true }
}

/// Codes that say no.
pub fn statuses() -> Vec<Row> {
    let after = |wait: &str| Fault::StatusRetryAfter(429, wait.to_owned());
    vec![
        row("400", Fault::Status(400), "client_error"),
        row("401", Fault::Status(401), "auth"),
        row("403", Fault::Status(403), "forbidden"),
        row("404", Fault::Status(404), "not_found"),
        row("418", Fault::Status(418), "client_error"),
        row("429", Fault::Status(429), "rate_limited"),
        row("429, in seconds", after("7"), "rate_limited"),
        row("429, a date", after("Mon, 15 Jun 2026 12:05:42 GMT"), "rate_limited"),
        row("429, negative", after("-3"), "rate_limited"),
        row("429, garbage", after("soon"), "rate_limited"),
        row("500", Fault::Status(500), "server_error"),
        row("502", Fault::Status(502), "server_error"),
        row("503", Fault::Status(503), "server_error"),
        row("504", Fault::Status(504), "server_error"),
        row("204", Fault::Status(204), "decode"),
        row("redirect to nowhere", Fault::Redirect("http://127.0.0.1:1/".to_owned()), "other"),
        row("redirect to itself", Fault::Redirect("company".to_owned()), "other"),
    ]
}

/// Bodies that are no answer.
pub fn bodies() -> Vec<Row> {
    let body = |text: &str| Fault::Body(text.to_owned());
    let wrong = r#"{"totalConnections":"many","totalPages":[],"connections":{"a":1}}"#;
    vec![
        row("empty", body(""), "decode"),
        row("HTML", body("<html><body>Welcome</body></html>"), "decode"),
        row("null", body("null"), "decode"),
        row("a number", body("17"), "decode"),
        row("a string", body(r#""ok""#), "decode"),
        row("an array of numbers in an array", body("[[1],[2]]"), "decode"),
        row("wrong in every field", body(wrong), "decode"),
        row("truncated", Fault::TruncatedJson, "decode"),
        row("other JSON", Fault::WrongJson, "decode"),
        row("not UTF-8", Fault::Bytes(vec![0xff, 0xfe, 0x00, 0x80]), "decode"),
        row("200,000 levels deep", Fault::Body(deep()), "decode"),
        row("not the gzip it says", Fault::Packed(b"<html>".to_vec()), "decode"),
        row("a gzip bomb", Fault::Packed(bomb()), "too_large"),
        row("without end", Fault::Endless, "too_large"),
        row("broken within", Fault::BrokenBody, "connect"),
        row("broken before", Fault::NoBody, "connect"),
    ]
}

/// JSON that is nested 200,000 levels deep.
pub fn deep() -> String {
    ["[".repeat(200_000), "]".repeat(200_000)].concat()
}

/// 65 MiB of blanks, packed.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let blanks = vec![b' '; 1024 * 1024];
    for _ in 0..65 {
        encoder.write_all(&blanks).unwrap();
    }
    encoder.finish().unwrap()
}

/// Servers that say nothing, or next to nothing.
pub fn silences() -> Vec<Row> {
    vec![
        slow("no answer", Fault::Hang, "timeout"),
        slow("a head, then nothing", Fault::Silent, "timeout"),
        slow("a byte now and then", Fault::Trickle, "timeout"),
    ]
}
