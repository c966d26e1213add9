//! From the JSON that Nectar sends to our model, record by record.
//!
//! Only a record without a readable id is dropped; any other odd field counts as absent, and is counted as a fault.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use super::dedup::{Identified, dedup_by_id};
use super::json::{Elements, Fields, Value};
use crate::model::{Account, Company, Connection, RecordFault, RecordFaults};
use crate::sanitize::{self, by_id};
use crate::status::{Kind, Status};

/// The name of a utility or country that is missing.
pub const UNKNOWN: &str = "unknown";

/// 2000-01-01T00:00:00Z. An earlier time is some system's default, not a time at Nectar.
const FIRST_TIME: Timestamp = Timestamp::constant(946_684_800, 0);
/// How far Nectar's clock may be ahead of ours.
const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// More connections than one company can have. A list that claims more would take for ever to read.
const MAX_CONNECTIONS: u64 = 1_000_000;

/// A connection as read, with the faults of it and its accounts.
#[derive(Debug)]
pub struct ReadConnection {
    /// The record.
    pub connection: Connection,
    /// Faults of the record and of its accounts.
    pub faults: RecordFaults,
}

/// One page of a company's connections.
#[derive(Debug)]
pub struct Page {
    /// In the order of the page. An id that occurs twice there occurs twice here.
    pub rows: Vec<ReadConnection>,
    /// Records that were dropped, and ids that occurred twice.
    pub faults: RecordFaults,
    /// `totalPages`, as this page gives it.
    pub total_pages: u64,
    /// `totalConnections`, as this page gives it.
    pub total_connections: u64,
}

/// The company list.
#[derive(Debug)]
pub struct CompanyList {
    /// No id twice.
    pub companies: Vec<Company>,
    /// Records without a readable id.
    pub dropped: usize,
}

/// Reads the response to `GET /company`. None if it is not an array, or one that has records but none that is readable: that is no list
/// of companies, and must not look like an empty one.
pub fn company_list(body: &[u8]) -> Option<CompanyList> {
    let text = String::from_utf8_lossy(body);
    let mut list = CompanyList { companies: Vec::new(), dropped: 0 };
    let mut seen = BTreeSet::new();
    for record in Elements::read(without_mark(&text))? {
        match company(record) {
            Some(company) if seen.insert(company.id.to_ascii_lowercase()) => list.companies.push(company),
            Some(_) => {}
            None => list.dropped += 1,
        }
    }
    (list.dropped == 0 || !list.companies.is_empty()).then_some(list)
}

/// Some servers begin a body with a byte order mark, which is not JSON.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn company(record: &RawValue) -> Option<Company> {
    let fields = Fields::read(record.get())?;
    let id = readable_id(&fields)?;
    let name = sanitize::clean_or(words(&fields, "name").as_deref(), &id);
    let external_id = sanitize::clean_or(words(&fields, "externalId").as_deref(), "");
    Some(Company { id: id.into(), name: name.into(), external_id: external_id.into() })
}

/// A text, or a whole number as text: customers' own ids often are numbers.
fn words(fields: &Fields<'_>, name: &str) -> Option<String> {
    let number = || fields.get::<i128>(name).present().map(|number| number.to_string());
    fields.get::<String>(name).present().or_else(number)
}

/// Reads one response to `GET /connection/company/{id}`. None if the envelope is not as documented, or contradicts itself: with more
/// pages than connections, or with millions of connections, reading would never end.
///
/// `now` is our time, for recognising times in the future.
pub fn page(body: &[u8], now: Timestamp) -> Option<Page> {
    let text = String::from_utf8_lossy(body);
    let envelope = Fields::read(without_mark(&text))?;
    let total_pages = count(&envelope, "totalPages")?;
    let total_connections = count(&envelope, "totalConnections")?;
    if total_pages > u64::max(total_connections, 1) || total_connections > MAX_CONNECTIONS {
        return None;
    }
    let records: Elements<'_> = envelope.get("connections").present()?;
    let mut page = Page { rows: Vec::new(), faults: RecordFaults::default(), total_pages, total_connections };
    let mut shared = BTreeSet::new();
    for record in records {
        let Some(row) = connection(record, now, &mut shared) else {
            page.faults.add(Kind::Connection, RecordFault::NoId);
            continue;
        };
        page.rows.push(row);
    }
    for _ in 0..repeated(&page.rows) {
        page.faults.add(Kind::Connection, RecordFault::DuplicateId);
    }
    Some(page)
}

/// A count, even if it is written as `2.0` or `2e0`: JSON has one type of number.
fn count(envelope: &Fields<'_>, name: &str) -> Option<u64> {
    let number = envelope.get::<serde_json::Number>(name).present()?;
    number.as_u64().or_else(|| {
        let whole = number.as_f64().filter(|count| count.fract() == 0.0)?;
        format!("{whole:.0}").parse().ok()
    })
}

fn repeated(rows: &[ReadConnection]) -> usize {
    let mut ids: Vec<&str> = rows.iter().map(ReadConnection::id).collect();
    ids.sort_unstable_by(|a, b| by_id(a, b));
    ids.dedup_by(|a, b| by_id(a, b).is_eq());
    rows.len() - ids.len()
}

/// Texts that many records share.
type Shared = BTreeSet<Arc<str>>;

fn share(shared: &mut Shared, text: &str) -> Arc<str> {
    if let Some(known) = shared.get(text) {
        return Arc::clone(known);
    }
    let new: Arc<str> = text.into();
    shared.insert(Arc::clone(&new));
    new
}

fn connection(record: &RawValue, now: Timestamp, shared: &mut Shared) -> Option<ReadConnection> {
    let mut record = Record::read(Kind::Connection, record, now)?;
    let status = record.status();
    let last_update = record.nullable_time("statusLastUpdateTime");
    let first_seen = record.nullable_time("statusFirstSeenTime");
    let created = record.time("created");
    let datasource = record.datasource();
    let country = record.text("country");
    let records: Value<Elements<'_>> = record.fields.get("accounts");
    let records = record.or_fault(records).unwrap_or_default();
    let mut faults = record.faults();
    let accounts = accounts(records, now, &mut faults);
    let connection = Connection {
        id: record.id.into(),
        status,
        last_update,
        first_seen,
        created,
        datasource: share(shared, &sanitize::clean_or(datasource.as_deref(), UNKNOWN)),
        country: share(shared, &sanitize::clean_or(country.as_deref(), UNKNOWN)),
        accounts,
    };
    Some(ReadConnection { connection, faults })
}

fn accounts(records: Elements<'_>, now: Timestamp, faults: &mut RecordFaults) -> Vec<Account> {
    // No capacity for all elements: a hostile list has millions that are not records.
    let mut accounts = Vec::new();
    for record in records {
        let Some(mut record) = Record::read(Kind::Account, record, now) else {
            faults.add(Kind::Account, RecordFault::NoId);
            continue;
        };
        let account = Account {
            status: record.status(),
            last_update: record.nullable_time("statusLastUpdateTime"),
            first_seen: record.nullable_time("statusFirstSeenTime"),
            id: record.id.as_str().into(),
        };
        accounts.push((account, record.faults()));
    }
    for _ in 0..dedup_by_id(&mut accounts) {
        faults.add(Kind::Account, RecordFault::DuplicateId);
    }
    // Collected in place, they would keep the larger allocation.
    let mut kept = Vec::with_capacity(accounts.len());
    for (account, own_faults) in accounts {
        faults.add_all(&own_faults);
        kept.push(account);
    }
    kept
}

impl Identified for ReadConnection {
    fn id(&self) -> &str {
        &self.connection.id
    }

    fn last_update(&self) -> Option<Timestamp> {
        self.connection.last_update
    }
}

impl Identified for (Account, RecordFaults) {
    fn id(&self) -> &str {
        &self.0.id
    }

    fn last_update(&self) -> Option<Timestamp> {
        self.0.last_update
    }
}

fn readable_id(fields: &Fields<'_>) -> Option<String> {
    fields.get::<String>("id").present().filter(|id| sanitize::is_readable_id(id))
}

/// A connection or an account while it is being read.
struct Record<'a> {
    kind: Kind,
    id: String,
    fields: Fields<'a>,
    now: Timestamp,
    bad_time: bool,
    bad_field: bool,
}

impl<'a> Record<'a> {
    fn read(kind: Kind, record: &'a RawValue, now: Timestamp) -> Option<Self> {
        let fields = Fields::read(record.get())?;
        let id = readable_id(&fields)?;
        Some(Self { kind, id, fields, now, bad_time: false, bad_field: false })
    }

    /// The value; anything else in its place counts as a fault.
    fn or_fault<T>(&mut self, value: Value<T>) -> Option<T> {
        let value = value.present();
        self.bad_field |= value.is_none();
        value
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let value = self.fields.get(name);
        self.or_fault(value)
    }

    /// Older versions of the API have no status on accounts: there, its absence is no fault.
    fn status(&mut self) -> Status {
        let value: Value<String> = self.fields.get("status");
        let as_documented = self.kind == Kind::Account && matches!(value, Value::Missing | Value::Null);
        let text = if as_documented { None } else { self.or_fault(value) };
        Status::read(self.kind, text.as_deref())
    }

    fn datasource(&mut self) -> Option<String> {
        let datasource = self.fields.get::<Fields<'a>>("datasource");
        let name = self.or_fault(datasource)?.get("name");
        self.or_fault(name)
    }

    fn time(&mut self, name: &str) -> Option<Timestamp> {
        let value = self.fields.get(name);
        self.time_of(value)
    }

    /// A time for which null is no fault.
    fn nullable_time(&mut self, name: &str) -> Option<Timestamp> {
        match self.fields.get(name) {
            Value::Null => None,
            value => self.time_of(value),
        }
    }

    fn time_of(&mut self, value: Value<String>) -> Option<Timestamp> {
        match value {
            Value::Present(text) => {
                let time = read_time(&text, self.now);
                self.bad_time |= time.is_none();
                time
            }
            Value::Unreadable => {
                self.bad_time = true;
                None
            }
            Value::Null | Value::Missing => {
                self.bad_field = true;
                None
            }
        }
    }

    fn faults(&self) -> RecordFaults {
        let mut faults = RecordFaults::default();
        if self.bad_time {
            faults.add(self.kind, RecordFault::BadTime);
        }
        if self.bad_field {
            faults.add(self.kind, RecordFault::BadField);
        }
        faults
    }
}

/// RFC 3339, with any offset and up to nine fractional digits; UTC if there is no zone. A zone given by its name without an offset
/// (`[America/New_York]`) is not read: this program does not have the rules of zones.
fn read_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    let has_time_of_day = text.get(10..11).is_some_and(|mark| matches!(mark, "T" | "t" | " "));
    let time = text.parse::<Timestamp>().ok().or_else(|| {
        let civil: DateTime = text.parse().ok().filter(|_| !text.contains('['))?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    let believable = time >= FIRST_TIME && time.duration_since(now) <= MAX_AHEAD;
    (has_time_of_day && believable).then_some(time)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::json::MAX_ELEMENTS;
    use super::*;

    const NOW: &str = "2026-06-15T12:00:00Z";
    const WHOLE: &str = r#""status":"CONNECTED","statusLastUpdateTime":null,"statusFirstSeenTime":null,"created":"2026-06-01T12:00:00Z","datasource":{"name":"U"},"country":"US""#;

    /// A page of these rows, under these numbers.
    fn read(numbers: &str, rows: &[&str]) -> Option<Page> {
        let body = format!(r#"{{{numbers},"connections":[{}]}}"#, rows.join(","));
        page(body.as_bytes(), NOW.parse().unwrap())
    }

    /// The one record of a page.
    fn one(record: &str) -> ReadConnection {
        read(r#""totalConnections":1,"totalPages":1"#, &[record]).unwrap().rows.remove(0)
    }

    /// As Nectar sent it, and the Unix time that it means; none where nobody can believe it. It is 2026-06-15T12:00:00Z.
    const TIMES: &[(&str, Option<i64>)] = &[
        ("2026-06-15T12:00:00Z", Some(1_781_524_800)),
        ("2026-06-16T12:00:00Z", Some(1_781_611_200)),
        ("2026-06-16T12:00:01Z", None),
        ("2026-06-15T18:00:00-06:00", Some(1_781_568_000)),
        ("2027-06-15T12:00:00Z", None),
        ("9999-12-31T23:59:59Z", None),
        ("10000-01-01T00:00:00Z", None),
        ("+010000-01-01T00:00:00Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("1969-12-31T23:59:59Z", None),
        ("-000001-01-01T00:00:00Z", None),
        ("-2026-06-10T12:00:00Z", None),
        ("0000-00-00T00:00:00Z", None),
        // A leap second is the second before it.
        ("2016-12-31T23:59:60Z", Some(1_483_228_799)),
        ("2026-06-10T12:00:61Z", None),
        ("2026-06-10T25:00:00Z", None),
        ("-1", None),
        // A name of a zone beside an offset adds nothing; alone it would have to be known when that zone has which offset.
        ("2026-06-15T08:00:00-04:00[America/New_York]", Some(1_781_524_800)),
        ("2026-06-15T08:00:00[America/New_York]", None),
        ("2026-06-15T12:00:00[UTC]", None),
    ];

    #[test]
    fn times_from_another_age() {
        for (time, expected) in TIMES {
            let expected = expected.map(|seconds| Timestamp::from_second(seconds).unwrap());
            let times = format!(r#""statusLastUpdateTime":"{time}","statusFirstSeenTime":"{time}""#);
            let account = format!(r#"{{"id":"a","status":"DETECTED",{times}}}"#);
            let ReadConnection { connection, faults } = one(&format!(
                r#"{{"id":"c","status":"CONNECTED",{times},"created":"{time}","datasource":{{"name":"U"}},"country":"US","accounts":[{account}]}}"#
            ));
            let account = connection.accounts.first().unwrap();
            for read in [
                connection.last_update,
                connection.first_seen,
                connection.created,
                account.last_update,
                account.first_seen,
            ] {
                assert_eq!(read, expected, "{time}");
            }
            for kind in Kind::ALL {
                // A record counts once, however many of its times are bad.
                let bad = u64::from(expected.is_none());
                assert_eq!(faults.count(kind, RecordFault::BadTime), bad, "{time}");
                assert_eq!(faults.count(kind, RecordFault::BadField), 0, "{time}");
            }
        }
    }

    /// What is missing, or of another type, costs itself and is counted; what may be missing does not count.
    #[test]
    fn fields_that_are_odd() {
        let fault = |row: &ReadConnection, kind| row.faults.count(kind, RecordFault::BadField);
        for (record, bad) in [
            (format!(r#"{{"id":"c",{WHOLE},"accounts":[]}}"#), 0),
            (format!(r#"{{"id":"c",{WHOLE}}}"#), 1),
            (format!(r#"{{"id":"c",{WHOLE},"accounts":null}}"#), 1),
            (format!(r#"{{"id":"c",{WHOLE},"accounts":{{}}}}"#), 1),
            (r#"{"id":"c"}"#.to_owned(), 1),
            (format!(r#"{{"id":"c",{WHOLE},"accounts":[],"status":7}}"#), 1),
            (format!(r#"{{"id":"c",{WHOLE},"accounts":[],"status":null}}"#), 1),
            (format!(r#"{{"id":"c",{WHOLE},"accounts":[],"status":"a lone \ud800 surrogate"}}"#), 1),
        ] {
            assert_eq!(fault(&one(&record), Kind::Connection), bad, "{record}");
        }
        let odd =
            one(r#"{"id":"c","status":null,"datasource":[],"country":"\ud800","accounts":[{"id":"a"}]}"#);
        assert_eq!((&*odd.connection.datasource, &*odd.connection.country), (UNKNOWN, UNKNOWN));
        assert_eq!(odd.connection.status, Status::Missing);
        // Older versions of the API have accounts without a status.
        let account = r#""statusLastUpdateTime":null,"statusFirstSeenTime":null"#;
        for (status, bad) in
            [("", 0), (r#","status":null"#, 0), (r#","status":7"#, 1), (r#","status":"x""#, 0)]
        {
            let row = one(&format!(r#"{{"id":"c",{WHOLE},"accounts":[{{"id":"a",{account}{status}}}]}}"#));
            assert_eq!(fault(&row, Kind::Account), bad, "{status}");
        }
    }

    /// Numbers that contradict each other, or are none.
    #[test]
    fn envelopes_that_contradict_themselves() {
        let row = r#"{"id":"c"}"#;
        for (numbers, expected) in [
            (r#""totalConnections":1,"totalPages":1"#, Some((1, 1))),
            (r#""totalConnections":1,"totalPages":1,"hasNext":true"#, Some((1, 1))),
            (r#""totalConnections":2,"totalPages":0"#, Some((2, 0))),
            (r#""totalConnections":0,"totalPages":1"#, Some((0, 1))),
            // More pages than connections, and more connections than anybody has.
            (r#""totalConnections":1,"totalPages":18446744073709551615"#, None),
            (r#""totalConnections":2,"totalPages":3"#, None),
            (r#""totalConnections":1000000,"totalPages":1000000"#, Some((1_000_000, 1_000_000))),
            (r#""totalConnections":1000001,"totalPages":1000001"#, None),
            // JSON has one kind of number.
            (r#""totalConnections":1.0,"totalPages":1e0"#, Some((1, 1))),
            (r#""totalConnections":-1,"totalPages":1"#, None),
            (r#""totalConnections":1.5,"totalPages":1"#, None),
            (r#""totalConnections":"1","totalPages":1"#, None),
            (r#""totalConnections":1,"totalPages":1e99"#, None),
            (r#""totalConnections":99999999999999999999999,"totalPages":1"#, None),
            (r#""totalConnections":1"#, None),
        ] {
            let page = read(numbers, &[row]);
            assert_eq!(page.map(|page| (page.total_connections, page.total_pages)), expected, "{numbers}");
        }
        assert!(page(br#"{"totalConnections":1,"totalPages":1}"#, NOW.parse().unwrap()).is_none(), "no rows");
    }

    /// A list of connections that is too long is no page; one of accounts costs itself, and not one fault for each element.
    #[test]
    fn lists_beyond_all_measure() {
        let numbers = r#""totalConnections":1,"totalPages":1"#;
        let of = |elements| vec!["0"; elements];
        assert!(read(numbers, &of(MAX_ELEMENTS + 1)).is_none());
        let nameless = read(numbers, &of(MAX_ELEMENTS)).unwrap().faults;
        assert_eq!(nameless.count(Kind::Connection, RecordFault::NoId), 100_000);
        for (elements, no_id, bad_field) in [(100_000, 100_000, 0), (100_001, 0, 1)] {
            let faults =
                one(&format!(r#"{{"id":"c",{WHOLE},"accounts":[{}]}}"#, of(elements).join(","))).faults;
            assert_eq!(faults.count(Kind::Account, RecordFault::NoId), no_id, "{elements} elements");
            assert_eq!(
                faults.count(Kind::Connection, RecordFault::BadField),
                bad_field,
                "{elements} elements"
            );
        }
    }

    /// The same company twice in the list is one company, under the name that came first.
    #[test]
    fn a_company_that_stands_twice_in_the_list() {
        for (name, id, second) in
            [("the same name", "c", "C"), ("another name", "c", "D"), ("another letter case", "C", "C")]
        {
            let list = format!(
                r#"[{{"id":"c","name":"C","externalId":"1"}},{{"id":"d","name":"Other"}},{{"id":"{id}","name":"{second}","externalId":"2"}}]"#
            );
            let list = company_list(list.as_bytes()).unwrap();
            let read: Vec<_> = list.companies.iter().map(|c| (&*c.id, &*c.name, &*c.external_id)).collect();
            assert_eq!(read, [("c", "C", "1"), ("d", "Other", "")], "{name}");
            assert_eq!(list.dropped, 0, "{name}");
        }
    }

    /// Nothing readable in a list that is not empty: that is no empty fleet.
    #[test]
    fn a_company_list_that_cannot_be_read() {
        for (body, expected) in [
            ("[]", Some((0, 0))),
            ("\u{feff}[]", Some((0, 0))),
            (r#"[{"companyId":"x"},5,{"id":null}]"#, None),
            (r#"[{"id":"c","name":7},{"id":""}]"#, Some((1, 1))),
            (r#"{"companies":[]}"#, None),
            ("null", None),
            ("", None),
        ] {
            let list = company_list(body.as_bytes());
            assert_eq!(list.map(|list| (list.companies.len(), list.dropped)), expected, "{body}");
        }
        // A customer's own id is a number now and then, and a company that has no name goes by its id.
        let list = company_list(br#"[{"id":"c","name":null,"externalId":12345}]"#).unwrap();
        let company = list.companies.first().unwrap();
        assert_eq!((&*company.name, &*company.external_id), ("c", "12345"));
    }
}
