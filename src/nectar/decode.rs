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
use crate::status::{Kind, Status};
use crate::text::{self, by_id};

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
pub struct Row {
    /// The record.
    pub connection: Connection,
    /// Faults of the record and of its accounts.
    pub faults: RecordFaults,
}

/// One page of a company's connections.
#[derive(Debug)]
pub struct Page {
    /// In the order of the page. An id that occurs twice there occurs twice here.
    pub rows: Vec<Row>,
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
    let name = text::clean_or(words(&fields, "name").as_deref(), &id);
    let external_id = text::clean_or(words(&fields, "externalId").as_deref(), "");
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

fn repeated(rows: &[Row]) -> usize {
    let mut ids: Vec<&str> = rows.iter().map(Row::id).collect();
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

fn connection(record: &RawValue, now: Timestamp, shared: &mut Shared) -> Option<Row> {
    let mut record = Record::read(Kind::Connection, record, now)?;
    let status = record.status();
    let last_update = record.time("statusLastUpdateTime", true);
    let first_seen = record.time("statusFirstSeenTime", true);
    let created = record.time("created", false);
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
        datasource: share(shared, &text::clean_or(datasource.as_deref(), UNKNOWN)),
        country: share(shared, &text::clean_or(country.as_deref(), UNKNOWN)),
        accounts,
    };
    Some(Row { connection, faults })
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
            last_update: record.time("statusLastUpdateTime", true),
            first_seen: record.time("statusFirstSeenTime", true),
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

impl Identified for Row {
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
    fields.get::<String>("id").present().filter(|id| text::is_readable_id(id))
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

    fn time(&mut self, name: &str, may_be_null: bool) -> Option<Timestamp> {
        match self.fields.get::<String>(name) {
            Value::Present(text) => {
                let time = read_time(&text, self.now);
                self.bad_time |= time.is_none();
                time
            }
            Value::Unreadable => {
                self.bad_time = true;
                None
            }
            Value::Null if may_be_null => None,
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
