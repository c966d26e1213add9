//! Any bytes as a request to the port of webhook events: lines of headers, a blank line, a body.
//!
//! Goes the way of an event: its headers are read, its signatures compared, its body read, its id remembered. Nothing verifies that was
//! not signed, by another implementation of the scheme; everything that was signed with one of the secrets does, and with no other secret,
//! id, time or body. Of the body come ids of bounded length, and where a strict JSON parser takes it as well, the same ones.
#![no_main]

use std::collections::HashMap;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use nectar_exporter::observe::EventType;
use nectar_exporter::webhook::event::Event;
use nectar_exporter::webhook::seen_ids::SeenIds;
use nectar_exporter::webhook::signature::Claims;
use serde_json::Value;
use standardwebhooks::Webhook;

/// The first is that of Svix' documentation, with which a seed is signed.
const SECRETS: [&str; 2] =
    ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];

const PREFIXES: [&str; 2] = ["svix", "webhook"];

fuzz_target!(|request: &[u8]| {
    let (mut headers, body) = parted(request);
    check_event(body);
    check_seen(body);
    let Some(claims) = Claims::read(&headers) else { return };
    let prefix = PREFIXES.into_iter().find(|prefix| {
        ["id", "timestamp", "signature"].iter().all(|name| headers.contains_key(format!("{prefix}-{name}")))
    });
    let prefix = prefix.expect("all headers of one name");
    let text = |name: &str| headers[&format!("{prefix}-{name}")].to_str().unwrap().to_owned();
    let [id, time, signatures] = ["id", "timestamp", "signature"].map(text);
    assert_eq!(claims.id, id);
    assert!((1..=256).contains(&id.len()) && !id.contains('.'), "{id:?}");
    let seconds: i64 = time.parse().unwrap();
    check_time(&claims, seconds);
    // What the other implementation does not sign, nobody has signed: it writes the time as a number, and bodies are text.
    if time != seconds.to_string() || std::str::from_utf8(body).is_err() {
        return check_signatures(&claims, body, [false; 2]);
    }
    let by = SECRETS.map(|secret| Webhook::new(secret).unwrap().sign(&id, seconds, body).unwrap());
    let is_there = |signature: &String| signatures.split(' ').any(|given| given == signature);
    let is_signed = by.each_ref().map(is_there);
    check_signatures(&claims, body, is_signed);
    for (place, signature) in by.iter().enumerate() {
        let both = format!("{signatures} {signature}");
        headers.insert(name(&format!("{prefix}-signature")), both.parse().unwrap());
        let mut is_signed = is_signed;
        is_signed[place] = true;
        check_signatures(&Claims::read(&headers).unwrap(), body, is_signed);
    }
    // What was signed is another id, another time, another body.
    let other_body = [body, b" "].concat();
    assert!(!Claims::read(&headers).unwrap().are_signed(&other_body, &SECRETS.join("\n").into()));
    let others = [("id", format!("{id}x")), ("id", format!("{id}.1")), ("timestamp", format!("0{time}"))];
    for (changed, value) in others {
        let mut headers = headers.clone();
        headers.insert(name(&format!("{prefix}-{changed}")), value.parse().unwrap());
        let claims = Claims::read(&headers);
        assert!(claims.is_none_or(|claims| !claims.are_signed(body, &SECRETS.join("\n").into())), "{value}");
    }
});

fn name(text: &str) -> HeaderName {
    text.parse().unwrap()
}

/// The headers, as far as they are some, and the body.
fn parted(request: &[u8]) -> (HeaderMap, &[u8]) {
    let end = request.windows(2).position(|two| two == b"\n\n");
    let (head, body) = end.map_or((request, &b""[..]), |end| (&request[..end], &request[end + 2..]));
    let mut headers = HeaderMap::new();
    // As many as a server takes.
    for line in head.split(|byte| *byte == b'\n').take(100) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), value) {
            headers.append(name, value);
        }
    }
    (headers, body)
}

fn check_time(claims: &Claims, seconds: i64) {
    let signed_at = Timestamp::from_second(seconds).unwrap();
    for (from, is_recent) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
        if let Ok(now) = signed_at.checked_add(SignedDuration::from_secs(from)) {
            assert_eq!(claims.is_recent(now), is_recent, "{seconds}, {from} seconds later");
        }
    }
    assert!(!claims.is_recent(Timestamp::MIN), "{seconds}");
}

/// `is_signed`: with each of the secrets.
fn check_signatures(claims: &Claims, body: &[u8], is_signed: [bool; 2]) {
    for (secret, is_signed) in SECRETS.into_iter().zip(is_signed) {
        assert_eq!(claims.are_signed(body, &secret.into()), is_signed, "{claims:?}");
    }
    let any = is_signed.contains(&true);
    assert_eq!(claims.are_signed(body, &SECRETS.join("\n").into()), any, "{claims:?}");
}

fn is_id(text: &str) -> bool {
    (1..=256).contains(&text.len())
}

fn check_event(body: &[u8]) {
    let event = Event::read(body);
    for id in [&event.company, &event.connection].into_iter().flatten() {
        assert!(is_id(id), "{} bytes", id.len());
    }
    let text = std::str::from_utf8(body).unwrap_or_default();
    // A key of this name is an instruction to the strict parser.
    if text.contains("serde_json") {
        return;
    }
    let Ok(strict) = serde_json::from_str::<Value>(text) else { return };
    let id = |value: Option<&Value>| {
        let id = value?.get("id")?.as_str().filter(|id| is_id(id))?;
        Some(id.to_owned())
    };
    let name = strict.get("eventType").and_then(Value::as_str).unwrap_or_default();
    assert_eq!(event.connection, id(Some(&strict)));
    assert_eq!(event.company, id(strict.get("company")));
    assert_eq!(event.event_type.is_of_connection(), name.starts_with("connection."));
    assert_eq!(event.event_type == EventType::Document, name.starts_with("document."));
}

/// Each pair of bytes is an event that comes: which one, and how many hours after the one before.
fn check_seen(pairs: &[u8]) {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let (mut seen, mut first, mut now) = (SeenIds::default(), HashMap::new(), Duration::ZERO);
    for pair in pairs.chunks_exact(2) {
        now += Duration::from_secs(u64::from(pair[1] % 30) * 3600);
        let is_new = first.get(&pair[0]).is_none_or(|at| now - *at >= DAY);
        assert_eq!(seen.insert(&format!("msg_{}", pair[0]), now), is_new, "{pairs:?}");
        if is_new {
            first.insert(pair[0], now);
        }
    }
}
