//! Any bytes as the body of an answer from Nectar: a page of connections with their accounts, or the company list.
//!
//! Both go through the functions that the client calls. What comes out keeps what the README promises of label values, and
//! where a strict JSON parser takes the body as well, the same records are in both.
#![no_main]

use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use nectar_exporter::model::{Account, RecordFault};
use nectar_exporter::nectar::decode::{self, CompanyList, Page};
use nectar_exporter::sanitize::by_id;
use nectar_exporter::status::{Kind, Status};
use serde_json::Value;

/// 2026-06-15T12:00:00Z
const NOW: Timestamp = Timestamp::constant(1_781_524_800, 0);
/// 2000-01-01T00:00:00Z
const FIRST_TIME: Timestamp = Timestamp::constant(946_684_800, 0);

/// A company that claims more connections is not read.
const MAX_CONNECTIONS: u64 = 1_000_000;

fuzz_target!(|body: &[u8]| {
    let (page, list) = (decode::page(body, NOW), decode::company_list(body));
    if let Some(page) = &page {
        check_page(page);
    }
    if let Some(list) = &list {
        check_list(list);
    }
    if let Some(strict) = strictly(body) {
        compare_page(page.as_ref(), &strict);
        compare_list(list.as_ref(), &strict);
    }
});

/// The body by a parser that refuses more: none where it does.
fn strictly(body: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(body);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    // A key of this name is an instruction to the strict parser.
    if text.contains("serde_json") { None } else { serde_json::from_str(text).ok() }
}

fn check_page(page: &Page) {
    assert!(page.total_pages <= page.total_connections.max(1));
    for row in &page.rows {
        let connection = &row.connection;
        assert_id(&connection.id);
        assert_label(&connection.datasource);
        assert_label(&connection.country);
        assert_status(&connection.status);
        for time in [connection.last_update, connection.first_seen, connection.created] {
            assert_time(time);
        }
        assert!(
            connection.accounts.is_sorted_by(|a, b| by_id(&a.id, &b.id).is_lt()),
            "{:?}",
            connection.accounts
        );
        connection.accounts.iter().for_each(check_account);
    }
}

fn check_account(account: &Account) {
    assert_id(&account.id);
    assert_status(&account.status);
    assert_time(account.last_update);
    assert_time(account.first_seen);
}

fn check_list(list: &CompanyList) {
    for (at, company) in list.companies.iter().enumerate() {
        assert_id(&company.id);
        assert_label(&company.name);
        if !company.external_id.is_empty() {
            assert_label(&company.external_id);
        }
        assert!(
            list.companies[..at].iter().all(|earlier| by_id(&earlier.id, &company.id).is_ne()),
            "{list:?}"
        );
    }
}

fn is_id(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= 200 && !text.chars().any(char::is_control)
}

fn assert_id(text: &str) {
    assert!(is_id(text), "{text:?}");
}

fn assert_label(text: &str) {
    assert!(!text.trim().is_empty() && text.len() <= 200, "{text:?}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
}

fn assert_status(status: &Status) {
    let word = status.word();
    let is_plain = word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    assert!((1..=64).contains(&word.len()) && is_plain, "{word:?}");
}

fn assert_time(time: Option<Timestamp>) {
    let last = NOW + SignedDuration::from_hours(24);
    assert!(time.is_none_or(|time| (FIRST_TIME..=last).contains(&time)), "{time:?}");
}

/// The records that have an id, in their order.
fn with_id(records: &[Value]) -> Vec<(&str, &Value)> {
    let of = |record| Value::get(record, "id").and_then(Value::as_str).filter(|id| is_id(id));
    records.iter().filter_map(|record| Some((of(record)?, record))).collect()
}

fn compare_page(page: Option<&Page>, strict: &Value) {
    // `2.0` is a count, too.
    let whole =
        |value: &Value| value.as_f64().filter(|count| count.fract() == 0.0 && (0.0..1e15).contains(count));
    let count = |value: &Value| value.as_u64().or_else(|| whole(value).map(|count| count as u64));
    let number = |name| strict.get(name).and_then(count);
    let records = strict.get("connections").and_then(Value::as_array);
    let (Some(pages), Some(total), Some(records)) =
        (number("totalPages"), number("totalConnections"), records)
    else {
        assert!(page.is_none(), "{page:?}");
        return;
    };
    assert_eq!(page.is_some(), pages <= total.max(1) && total <= MAX_CONNECTIONS);
    let Some(page) = page else { return };
    assert_eq!((page.total_pages, page.total_connections), (pages, total));
    let expected = with_id(records);
    let dropped = page.faults.count(Kind::Connection, RecordFault::NoId);
    assert_eq!(page.rows.len() as u64 + dropped, records.len() as u64);
    assert_eq!(page.rows.len(), expected.len());
    for (row, (id, record)) in page.rows.iter().zip(expected) {
        assert_eq!(*row.connection.id, *id);
        compare_status(&row.connection.status, record);
        let accounts = record.get("accounts").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut expected: Vec<String> =
            with_id(accounts).into_iter().map(|(id, _)| id.to_ascii_lowercase()).collect();
        expected.sort_unstable();
        expected.dedup();
        assert!(row.connection.accounts.iter().map(|account| account.id.to_ascii_lowercase()).eq(expected));
    }
}

fn compare_status(status: &Status, record: &Value) {
    let text = record.get("status").and_then(Value::as_str);
    match status {
        Status::Documented(_) | Status::Undocumented(_) => assert_eq!(text, Some(status.word())),
        Status::Invalid => assert!(text.is_some()),
        Status::Missing => assert_eq!(text, None),
    }
}

fn compare_list(list: Option<&CompanyList>, strict: &Value) {
    let Some(records) = strict.as_array() else {
        assert!(list.is_none(), "{list:?}");
        return;
    };
    let mut expected: Vec<&str> = Vec::new();
    for (id, _) in with_id(records) {
        if !expected.iter().any(|known| known.eq_ignore_ascii_case(id)) {
            expected.push(id);
        }
    }
    assert_eq!(list.is_some(), records.is_empty() || !expected.is_empty());
    let Some(list) = list else { return };
    assert_eq!(list.dropped, records.len() - with_id(records).len());
    assert!(list.companies.iter().map(|company| &*company.id).eq(expected));
}
