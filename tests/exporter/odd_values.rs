//! Values that no sane API sends: times from another age, texts that break formats, and more different ones than anybody has.
//!
//! What comes out is valid, short and little, whatever comes in.

use crate::golden::promtool_finds_nothing;
use test_support::canned_nectar::{Bodies, page};
use test_support::exporter::Exporter;
use test_support::scrape::Scrape;

/// As it stands between quotes in JSON, what becomes of it as a name, and whether it can be an id.
fn hostile() -> Vec<(String, Option<String>, bool)> {
    let (long, wide) = ("x".repeat(10_000), "€".repeat(100));
    let case = |json: &str, label: &str, is_id| (json.to_owned(), Some(label.to_owned()), is_id);
    vec![
        case(r#"a \"quoted\" one"#, r#"a "quoted" one"#, true),
        case(r#"{status=\"CONNECTED\"} 1"#, r#"{status="CONNECTED"} 1"#, true),
        case(r"ends in a backslash \\", r"ends in a backslash \", true),
        case(r"two\nlines", "two\nlines", false),
        case(r"a return\r\n", "a return\u{fffd}\n", false),
        case(r"nul\u0000l", "nul\u{fffd}l", false),
        case(r"\u001b[2Jscreen", "\u{fffd}[2Jscreen", false),
        case(r"\u202etfel ot thgir\u202c", "\u{202e}tfel ot thgir\u{202c}", true),
        case(&long, &long[..200], false),
        // Three bytes each: Prometheus counts bytes, and 67 of them would be 201.
        case(&wide, &wide[..198], false),
        (r"a lone \ud800 surrogate".to_owned(), None, false),
        (r"\udc00\ud800".to_owned(), None, false),
        case("# HELP nectar_up no", "# HELP nectar_up no", true),
    ]
}

#[tokio::test]
async fn hostile_text_in_every_field() {
    let cases = hostile();
    let list: Vec<String> = (0..cases.len())
        .map(|n| format!(r#"{{"id":"company-{n}","name":"{0}","externalId":"{0}"}}"#, cases[n].0))
        .collect();
    let mut bodies = Bodies::default().with("company", format!("[{}]", list.join(",")));
    for (n, (text, ..)) in cases.iter().enumerate() {
        let account = |id: &str| {
            format!(
                r#"{{"id":"{id}","status":"{text}","statusLastUpdateTime":null,"statusFirstSeenTime":"{text}"}}"#
            )
        };
        let connection = |id: &str| {
            let (one, other) = (account("account"), account(text));
            format!(
                r#"{{"id":"{id}","status":"{text}","statusLastUpdateTime":null,"statusFirstSeenTime":null,"created":"{text}",
                "datasource":{{"name":"{text}"}},"country":"{text}","accounts":[{one},{other}]}}"#
            )
        };
        let rows = page(2, 1, &[&connection("connection"), &connection(text)]);
        bodies = bodies.with(&format!("company-{n}.1"), rows);
    }
    let program = Exporter::scripted(bodies, &["--metrics.detail=accounts"]).await;
    program.after_polls(1).await;
    let text = program.text().await;
    promtool_finds_nothing("hostile text", &text);
    let scrape = Scrape::read(&text);
    for (n, (_, name, is_id)) in cases.iter().enumerate() {
        holds_its_text(&scrape, &format!("company-{n}"), name.as_deref(), *is_id);
    }
    no_label_is_long(&scrape);
}

fn holds_its_text(scrape: &Scrape, company: &str, name: Option<&str>, is_id: bool) {
    let of = ("company_id", company);
    let info = [of, ("company", name.unwrap_or(company)), ("external_id", name.unwrap_or_default())];
    assert_eq!(scrape.value("nectar_company_info", &info), Some(1.0), "{name:?}");
    let unknown = name.unwrap_or("unknown");
    let info = [of, ("connection_id", "connection"), ("datasource", unknown), ("country", unknown)];
    assert_eq!(scrape.value("nectar_connection_info", &info), Some(1.0), "{name:?}");
    // A status that cannot be read is none; one that can, but looks like nothing, is invalid.
    let status = if name.is_some() { "INVALID" } else { "MISSING" };
    let records = if is_id { 2.0 } else { 1.0 };
    let ended = [of, ("status", status), ("category", "unknown")];
    assert_eq!(scrape.value("nectar_connections", &ended), Some(records), "{name:?}");
    assert_eq!(scrape.value("nectar_accounts", &ended), Some(records * records), "{name:?}");
    let no_id = [of, ("kind", "connection"), ("reason", "no_id")];
    assert_eq!(scrape.value("nectar_company_record_faults", &no_id), Some(2.0 - records), "{name:?}");
    if is_id {
        let info = [of, ("connection_id", name.unwrap()), ("account_id", name.unwrap())];
        assert_eq!(scrape.value("nectar_account_info", &info), Some(1.0), "{name:?}");
    }
}

fn no_label_is_long(scrape: &Scrape) {
    let values = scrape.samples.iter().flat_map(|(_, labels, _)| labels.values());
    let longest = values.map(String::len).max();
    assert!(longest <= Some(200), "{longest:?}");
}

/// A company whose id is hostile is listed where the id can be read, and asked for under no address but its own.
#[tokio::test]
async fn hostile_ids_of_companies() {
    let mut ids: Vec<(String, Option<String>)> =
        hostile().into_iter().map(|(json, name, is_id)| (json, name.filter(|_| is_id))).collect();
    ids.extend(
        ["..", ".", "a/b", "../company", "?page=9", "#", "%2e%2e"]
            .map(|id| (id.to_owned(), Some(id.to_owned()))),
    );
    let list: Vec<String> = ids.iter().map(|(json, _)| format!(r#"{{"id":"{json}","name":"A"}}"#)).collect();
    let list = format!(r#"[{{"id":"good","name":"Good"}},{}]"#, list.join(","));
    let bodies = Bodies::default().with("company", list).with("good.1", page(0, 0, &[]));
    let program = Exporter::scripted(bodies, &[]).await;
    program.after_polls(1).await;
    let text = program.text().await;
    promtool_finds_nothing("hostile ids", &text);
    let scrape = Scrape::read(&text);
    assert_eq!(scrape.value("nectar_up", &[]), Some(0.0));
    assert_eq!(scrape.value("nectar_company_up", &[("company_id", "good")]), Some(1.0));
    let readable: Vec<&String> = ids.iter().filter_map(|(_, id)| id.as_ref()).collect();
    for id in &readable {
        let why = [("company_id", id.as_str()), ("reason", "not_found")];
        assert_eq!(scrape.value("nectar_company_last_failure", &why), Some(1.0), "{id}");
    }
    assert_eq!(scrape.family("nectar_company_info").count(), readable.len() + 1);
    no_label_is_long(&scrape);
}

/// So many different statuses and utilities that a Prometheus would feel them, and other ones at the next poll.
#[tokio::test]
async fn a_flood_of_different_values_is_few_series() {
    const RECORDS: u64 = 10_000;
    // Checked lately: so each stands in every family by utility.
    let checked = jiff::Timestamp::now();
    let flood = |letter: char| {
        let row = |n: u64| {
            let utility = n % 5_000;
            format!(
                r#"{{"id":"{n:05}","status":"{letter}{n}","statusLastUpdateTime":"{checked}","statusFirstSeenTime":null,
                "created":"2026-06-01T12:00:00Z","datasource":{{"name":"{letter} {utility:04}"}},"country":"US",
                "accounts":[{{"id":"a","status":"{letter}{n}"}}]}}"#
            )
        };
        let rows: Vec<String> = (0..RECORDS).map(row).collect();
        page(RECORDS, 1, &rows.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let bodies = Bodies::one_company(&[]).with("c.1", flood('S')).with("c.1", flood('T'));
    // Series per connection have a limit of their own.
    let program = Exporter::scripted(bodies, &["--metrics.detail=none"]).await;
    for poll in 1..=2 {
        let scrape = if poll == 1 { program.after_polls(1).await } else { program.next_poll().await };
        assert_eq!(scrape.value("nectar_up", &[]), Some(1.0));
        for (name, total) in [("nectar_connections", 10_000.0), ("nectar_accounts", 10_000.0)] {
            // Twelve statuses of the page, 32 that it lacks, and one for all others.
            assert_eq!(scrape.family(name).count(), 12 + 32 + 1, "{name}");
            assert_eq!(scrape.sum(name, &[]), total, "{name}");
        }
        for name in ["nectar_connection_status_changes_total", "nectar_account_status_changes_total"] {
            assert!(scrape.family(name).count() <= 12 + 2 * 32 + 1, "{name}");
        }
        // A thousand utilities keep their names. Each of the 32 statuses shown is at one of them.
        let utilities = scrape.family("nectar_datasource_connections");
        let names: std::collections::BTreeSet<&str> =
            utilities.map(|(labels, _)| labels["datasource"].as_str()).collect();
        assert_eq!(names.len(), 1_000 + 1);
        assert_eq!(scrape.sum("nectar_datasource_connections", &[]), 10_000.0);
        assert!(scrape.samples.len() < 3_500, "{} series", scrape.samples.len());
    }
}
