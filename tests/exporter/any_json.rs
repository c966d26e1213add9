//! Whatever JSON comes in: nothing panics, and what goes out is exposition text without a series twice, and a worklist that agrees with it.
//!
//! Records are made at random around the API's field names: right, of a wrong type, hostile, twice, or missing.

use jiff::Timestamp;
use nectar_exporter::nectar::decode;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::Union;
use tokio::runtime::Runtime;

use crate::golden::promtool_finds_nothing;
use crate::worklist::agrees_with;
use test_support::canned_nectar::Bodies;
use test_support::clock::START;
use test_support::exporter::Exporter;
use test_support::scrape::Scrape;

/// Text that goes wrong easily, as it stands between quotes in JSON.
const HOSTILE: &[&str] = &[
    "",
    " ",
    r#"\""#,
    r"\\",
    r"\n",
    r"\u0000",
    r"\ud800",
    r"\udc00\ud800",
    r"\u202e",
    r"\u2028",
    "}",
    "{a=\\\"b\\\"} 1",
    "=1+1",
    "😀",
    "CONNECTED",
    "PASSWORD_INCORRECT",
    "password_incorrect",
    "NEW_WORD",
    "MISSING",
    "INVALID",
    "OVERFLOW",
    "unknown",
];

/// Times, good and bad.
const TIMES: &[&str] = &[
    "2026-06-10T08:00:00Z",
    "2026-06-10T08:00:00.123456789+02:00",
    "2026-06-10T08:00:00",
    "1970-01-01T00:00:00Z",
    "2026-06-16T11:00:00Z",
    "9999-12-31T23:59:59Z",
    "-009999-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "yesterday",
];

fn quoted(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    (0..words.len()).prop_map(|at| format!("\"{}\"", words[at]))
}

/// Several of them after each other: alone, many are as good as nothing.
fn hostile(parts: Vec<usize>) -> String {
    format!("\"{}\"", parts.into_iter().map(|at| HOSTILE[at]).collect::<String>())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => quoted(HOSTILE),
        3 => vec(0..HOSTILE.len(), 2..5).prop_map(hostile),
        2 => any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        1 => (1..3000_usize).prop_map(|length| format!("\"{}\"", "ä".repeat(length))),
    ]
}

/// Any JSON value, as text.
fn value() -> impl Strategy<Value = String> {
    let words =
        ["null", "true", "false", "0", "-1", "1e999", "0.1", "18446744073709551616", "17", "[]", "{}"];
    let leaf = prop_oneof![Union::new(words.map(|word| Just(word.to_owned()))), text(), quoted(TIMES)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(","))),
            vec((text(), inner), 0..4).prop_map(|pairs| object(&pairs)),
        ]
    })
}

fn object(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}:{value}")).collect();
    format!("{{{}}}", pairs.join(","))
}

/// A field that is mostly as documented, sometimes anything, sometimes twice, sometimes not there.
fn field(
    name: &'static str,
    good: impl Strategy<Value = String> + 'static,
) -> BoxedStrategy<Vec<(String, String)>> {
    let key = format!("\"{name}\"");
    let (once, twice) = (key.clone(), key.clone());
    let good = good.boxed();
    prop_oneof![
        6 => good.clone().prop_map(move |value| vec![(key.clone(), value)]),
        2 => value().prop_map(move |value| vec![(once.clone(), value)]),
        1 => (good, value()).prop_map(move |(a, b)| vec![(twice.clone(), a), (twice.clone(), b)]),
        1 => Just(Vec::new()),
    ]
    .boxed()
}

fn record(fields: Vec<BoxedStrategy<Vec<(String, String)>>>) -> impl Strategy<Value = String> {
    fields.prop_map(|fields| object(&fields.concat()))
}

/// Ids of companies, of which there are few.
fn company_id() -> impl Strategy<Value = String> {
    (0..6_u8).prop_map(|id| format!("\"00000000-0000-4000-8000-00000000000{id}\""))
}

/// Ids that meet now and then, but not on most pages: a page on which two meet does not add up.
fn id() -> impl Strategy<Value = String> {
    any::<u8>().prop_map(|id| format!("\"00000000-0000-4000-8000-0000000001{id:02x}\""))
}

fn account() -> impl Strategy<Value = String> {
    record(vec![
        field("id", id()),
        field("status", text()),
        field("statusLastUpdateTime", quoted(TIMES)),
        field("statusFirstSeenTime", quoted(TIMES)),
    ])
}

fn connection() -> impl Strategy<Value = String> {
    let accounts = vec(account(), 0..4).prop_map(|all| format!("[{}]", all.join(",")));
    let datasource = text().prop_map(|name| format!("{{\"name\":{name}}}"));
    record(vec![
        field("id", id()),
        field("status", text()),
        field("statusLastUpdateTime", quoted(TIMES)),
        field("statusFirstSeenTime", quoted(TIMES)),
        field("created", quoted(TIMES)),
        field("country", text()),
        field("datasource", datasource),
        field("accounts", accounts),
    ])
}

fn page() -> impl Strategy<Value = String> {
    vec(connection(), 0..8).prop_map(|rows| {
        let (count, rows) = (rows.len(), rows.join(","));
        format!(r#"{{"totalConnections":{count},"totalPages":1,"connections":[{rows}]}}"#)
    })
}

fn companies() -> impl Strategy<Value = String> {
    let fields = vec![field("id", company_id()), field("name", text()), field("externalId", text())];
    vec(record(fields), 1..6).prop_map(|all| format!("[{}]", all.join(",")))
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn decode_both(body: &[u8]) {
    let _ = decode::company_list(body);
    let _ = decode::page(body, START.parse::<Timestamp>().unwrap());
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn any_bytes_are_decoded_without_a_panic(body in vec(any::<u8>(), 0..200)) {
        decode_both(&body);
    }

    #[test]
    fn any_value_is_decoded_without_a_panic(body in value()) {
        decode_both(body.as_bytes());
    }

}

proptest! {
    // To make one takes a hundred times as long as to read it; `make fuzz` tries more.
    #![proptest_config(cases(200))]

    #[test]
    fn any_page_is_decoded_without_a_panic(body in page(), cut in 0.0..1.0) {
        decode_both(body.as_bytes());
        let part = (body.len() as f64 * cut) as usize;
        decode_both(&body.as_bytes()[..part]);
    }
}

proptest! {
    // Each is a whole exporter, and a promtool: few are enough to meet every field.
    #![proptest_config(cases(24))]

    #[test]
    fn whatever_comes_in_exposition_text_goes_out(list in companies(), pages in vec(page(), 6)) {
        Runtime::new().unwrap().block_on(goes_out_well(&list, &pages));
    }
}

async fn goes_out_well(list: &str, pages: &[String]) {
    let mut bodies = Bodies::default().with("company", list);
    for (number, page) in pages.iter().enumerate() {
        bodies = bodies.with(&format!("00000000-0000-4000-8000-00000000000{number}.1"), page.as_str());
    }
    let program = Exporter::scripted(bodies, &["--metrics.detail=accounts"]).await;
    program.after_polls(1).await;
    let text = program.text().await;
    promtool_finds_nothing("any JSON", &text);
    // Panics on a series or a family that stands twice.
    let scrape = Scrape::read(&text);
    let longest = scrape.samples.iter().flat_map(|(_, labels, _)| labels.values()).map(String::len).max();
    assert!(longest <= Some(200), "a label of {longest:?} characters");
    let unknown = scrape.family("nectar_connections").filter(|(labels, _)| labels["category"] == "unknown");
    let words: std::collections::BTreeSet<&str> =
        unknown.map(|(labels, _)| labels["status"].as_str()).collect();
    assert!(words.len() <= 35, "{words:?}");
    if program.get("/-/ready").await.status() == 200 {
        agrees_with(&scrape, &program).await;
    }
}
