//! What a bad upstream may do, as a table: each fault, as what it counts, and where it can strike.
//!
//! Wherever a fault can carry text, it carries the key and a login: Nectar may quote them in what it fails with.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use nectar_simulator::{Fault, SECRET, Scope};

use crate::exporter::KEY;
use crate::faulty_proxy::Cut;

/// A fault, and as what it counts.
#[derive(Debug, Clone)]
pub struct Row {
    pub name: &'static str,
    pub wrong: Wrong,
    pub reason: &'static str,
    /// Only a time limit ends the request.
    pub is_slow: bool,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Wrong {
    /// A response is wrong.
    Answer(Fault),
    /// A connection breaks off.
    Connection(Cut),
    /// Nobody listens.
    Absence,
    /// The certificate is bad.
    Certificate(BadCertificate),
}

/// How a certificate can be wrong.
#[derive(Debug, Clone, Copy)]
pub enum BadCertificate {
    /// It is for another name.
    OtherName,
    /// It was not signed by an authority that we trust.
    OtherAuthority,
    /// It was valid once.
    Expired,
}

/// Where a fault strikes, and how many of the three companies it makes unreadable.
#[derive(Debug, Clone, Copy)]
pub enum At {
    Page,
    Company,
    List,
    Everything,
}

impl At {
    pub const ALL: [Self; 4] = [Self::Page, Self::Company, Self::List, Self::Everything];

    pub fn scope(self, victim: &str) -> Scope {
        match self {
            Self::Page => Scope::Page(victim.to_owned(), 2),
            Self::Company => Scope::Company(victim.to_owned()),
            Self::List => Scope::CompanyList,
            Self::Everything => Scope::Everything,
        }
    }

    pub fn is_of_one(self) -> bool {
        matches!(self, Self::Page | Self::Company)
    }
}

impl Wrong {
    /// A server that is not there, or not who it should be, is so for every request.
    pub fn places(&self) -> &'static [At] {
        match self {
            Self::Answer(_) | Self::Connection(_) => &At::ALL,
            Self::Absence | Self::Certificate(_) => &[At::Everything],
        }
    }
}

fn row(name: &'static str, fault: Fault, reason: &'static str) -> Row {
    Row { name, wrong: Wrong::Answer(fault), reason, is_slow: false }
}

fn slow(name: &'static str, fault: Fault, reason: &'static str) -> Row {
    Row { is_slow: true, ..row(name, fault, reason) }
}

/// What must not come out again.
fn quote() -> String {
    format!("{KEY} of {SECRET}@example.org")
}

/// All of them.
pub fn all() -> Vec<Row> {
    [statuses(), bodies(), silences(), connections(), servers()].concat()
}

/// Responses that refuse, or redirect.
pub fn statuses() -> Vec<Row> {
    let after = |wait: &str| Fault::StatusRetryAfter(429, wait.to_owned());
    let nowhere = format!("http://127.0.0.1:1/{SECRET}?key={KEY}");
    vec![
        row("400", Fault::Status(400), "client_error"),
        row("401", Fault::Status(401), "auth"),
        row("403", Fault::Status(403), "forbidden"),
        row("404", Fault::Status(404), "not_found"),
        row("418", Fault::Status(418), "client_error"),
        row("429", Fault::Status(429), "rate_limited"),
        row("429, in seconds", after("7"), "rate_limited"),
        row("429, a date", after("Mon, 15 Jun 2026 12:05:42 GMT"), "rate_limited"),
        row("429, a date that is past", after("Thu, 01 Jan 1970 00:00:00 GMT"), "rate_limited"),
        row("429, negative", after("-3"), "rate_limited"),
        row("429, empty", after(""), "rate_limited"),
        row("429, garbage", after(&quote()), "rate_limited"),
        row("500", Fault::Status(500), "server_error"),
        row("502", Fault::Status(502), "server_error"),
        row("503", Fault::Status(503), "server_error"),
        row("504", Fault::Status(504), "server_error"),
        row("204", Fault::Status(204), "decode"),
        row("redirect to nowhere", Fault::Redirect(nowhere), "other"),
        row("redirect to itself", Fault::Redirect("company".to_owned()), "other"),
    ]
}

/// Bodies that are not what the API sends.
pub fn bodies() -> Vec<Row> {
    let body = |text: &str| Fault::Body(text.to_owned());
    let quote = quote();
    let html = body(&format!("<html><body>Welcome, {quote}</body></html>"));
    let string = body(&format!(r#""{quote}""#));
    let array = body(&format!(r#"[["{quote}"],[{{"{quote}":2}}]]"#));
    let wrong = body(&format!(
        r#"{{"totalConnections":"{quote}","totalPages":["{quote}"],"connections":{{"a":"{quote}"}}}}"#
    ));
    let not_text = [quote.as_bytes(), &[0xff, 0xfe, 0x00, 0x80]].concat();
    vec![
        row("empty", body(""), "decode"),
        row("HTML", html, "decode"),
        row("null", body("null"), "decode"),
        row("a number", body("17"), "decode"),
        row("a string", string, "decode"),
        row("an array of arrays", array, "decode"),
        row("wrong in every field", wrong, "decode"),
        row("truncated", Fault::TruncatedJson, "decode"),
        row("other JSON", Fault::WrongJson, "decode"),
        row("not UTF-8", Fault::Bytes(not_text), "decode"),
        row("200,000 levels deep", Fault::Body(deep()), "decode"),
        row("not the gzip it says", Fault::Packed(quote.into_bytes()), "decode"),
        row("a gzip bomb", Fault::Packed(bomb()), "too_large"),
        row("without end", Fault::Endless, "too_large"),
        row("broken within", Fault::BrokenBody, "connect"),
        row("broken before", Fault::NoBody, "connect"),
    ]
}

/// So deep that a reader which goes down a level at a time would run out of stack.
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

/// Servers that say nothing.
pub fn silences() -> Vec<Row> {
    vec![
        slow("no answer", Fault::Hang, "timeout"),
        slow("a head, then nothing", Fault::Silent, "timeout"),
        slow("a byte now and then", Fault::Trickle, "timeout"),
    ]
}

/// Connections that break, each in its own way.
pub fn connections() -> Vec<Row> {
    let row = |name, cut| Row { name, wrong: Wrong::Connection(cut), reason: "connect", is_slow: false };
    vec![
        row("closed without an answer", Cut::Closed),
        row("reset without an answer", Cut::Reset),
        row("reset within the body", Cut::ResetWithinBody),
    ]
}

/// Faults of the whole server: there is no such thing for one page or one company, so they are for everything.
pub fn servers() -> Vec<Row> {
    let row = |name, wrong, reason| Row { name, wrong, reason, is_slow: false };
    let certificate = |name, wrong| row(name, Wrong::Certificate(wrong), "tls");
    vec![
        row("nobody listens", Wrong::Absence, "connect"),
        certificate("a certificate of somebody else", BadCertificate::OtherName),
        certificate("a certificate of another authority", BadCertificate::OtherAuthority),
        certificate("an expired certificate", BadCertificate::Expired),
    ]
}
