//! The JSON that Nectar sends: every field of a record.
//!
//! Secret and personal fields all contain [`SECRET`], so that tests can search output for it.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use super::fleet::{Account, Company, Connection, StatusRecord};
use super::seed_data::PEOPLE;
use super::timestamp_format::TimestampFormat;
use super::transitions::{CONNECTED, CUSTOMER_NOT_TRACKED, DUPLICATE, PENDING};
use nectar_status::{Category, Kind};

/// Part of every value that must never leave an exporter.
pub const SECRET: &str = "sim-secret";

/// `GET /company`: one record.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompanyRecord<'a> {
    id: Uuid,
    name: &'a str,
    external_id: Option<&'a str>,
}

impl<'a> From<&'a Company> for CompanyRecord<'a> {
    fn from(company: &'a Company) -> Self {
        Self { id: company.id, name: &company.name, external_id: company.external_id.as_deref() }
    }
}

/// `GET /connection/company/{id}`: the whole response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<'a> {
    pub total_connections: u64,
    pub per_page: u64,
    pub total_pages: u64,
    pub current_page: u64,
    pub has_next: bool,
    pub has_previous: bool,
    pub connections: Rows<'a>,
}

/// A page's rows; each one becomes a record only while it is written.
pub struct Rows<'a> {
    pub company: &'a Company,
    pub connections: Vec<&'a Connection>,
    pub now: Timestamp,
}

impl Serialize for Rows<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.connections.iter().copied();
        let record = |row| ConnectionRecord::new(self.company, row, self.now, TimestampFormat::of);
        serializer.collect_seq(rows.map(record))
    }
}

#[derive(Serialize)]
struct Datasource {
    name: &'static str,
    url: &'static str,
}

#[derive(Serialize)]
struct Site {
    id: Uuid,
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusFields<'a> {
    status: &'a str,
    status_last_update_time: Option<String>,
    status_first_seen_time: Option<String>,
    status_error_detail: Option<String>,
}

impl<'a> StatusFields<'a> {
    fn new(status_record: &'a StatusRecord, error_detail: Option<String>, format: &TimestampFormat) -> Self {
        Self {
            status: &status_record.status,
            status_last_update_time: status_record.last_update.map(|time| format.write(time)),
            status_first_seen_time: status_record.first_seen.map(|time| format.write(time)),
            status_error_detail: error_detail,
        }
    }
}

/// A connection with all its fields.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionRecord<'a> {
    id: Uuid,
    #[serde(flatten)]
    status_record: StatusFields<'a>,
    created: String,
    updated: String,
    datasource: Datasource,
    company: CompanyRecord<'a>,
    url: String,
    country: &'static str,
    username: String,
    workflow_owner_email: String,
    connection_magic_link_secret: String,
    public_company_id: String,
    initial_sites: Vec<Site>,
    initial_datasource_types: &'static [&'static str],
    data_collection_start_date: String,
    multiply_by_occupancy: bool,
    accounts: Vec<AccountRecord<'a>>,
}

impl<'a> ConnectionRecord<'a> {
    /// `format_of` chooses the format of the times in the row with a number.
    pub fn new(
        company: &'a Company,
        connection: &'a Connection,
        now: Timestamp,
        format_of: fn(u64, Timestamp) -> TimestampFormat,
    ) -> Self {
        let format = format_of(connection.serial, now);
        let tag = tag(connection.id);
        let utility = connection.utility;
        let detail = connection_error(connection);
        let accounts = connection.accounts.iter().zip(connection.serial + 1..);
        Self {
            id: connection.id,
            status_record: StatusFields::new(&connection.status_record, detail, &format),
            created: format.write(connection.created),
            updated: format.write(connection.updated()),
            datasource: Datasource { name: utility.name, url: utility.url },
            company: company.into(),
            url: format!("{}/login", utility.url),
            country: utility.country,
            username: username(connection.id),
            workflow_owner_email: owner(company, connection),
            connection_magic_link_secret: format!("{SECRET}-magic-{tag:016x}"),
            public_company_id: format!("{SECRET}-public-{:016x}", self::tag(company.id)),
            initial_sites: site(connection, tag),
            initial_datasource_types: utility.types,
            data_collection_start_date: format.date(year_before(connection.created)),
            multiply_by_occupancy: tag.is_multiple_of(8),
            accounts: accounts
                .map(|(account, number)| AccountRecord::new(connection, account, format_of(number, now)))
                .collect(),
        }
    }
}

fn site(connection: &Connection, tag: u64) -> Vec<Site> {
    // Half of the logins have no site.
    let number = tag % 90 + 10;
    let site = || Site { id: Uuid::from_u64_pair(tag, connection.serial), name: format!("Site {number}") };
    tag.is_multiple_of(2).then(site).into_iter().collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meter {
    id: Uuid,
    meter_number: String,
    #[serde(rename = "type")]
    delivers: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountRecord<'a> {
    id: Uuid,
    #[serde(flatten)]
    status_record: StatusFields<'a>,
    account_number: String,
    is_tracked: bool,
    tracking_status: &'static str,
    /// A string, although it looks like a boolean.
    is_duplicated: &'static str,
    datasource_types: [&'static str; 1],
    meters: Vec<Meter>,
    last_service_date: Option<String>,
}

impl<'a> AccountRecord<'a> {
    fn new(connection: &Connection, account: &'a Account, format: TimestampFormat) -> Self {
        let tag = tag(account.id);
        let status_record = &account.status_record;
        let types = connection.utility.types;
        let delivers =
            types.get(usize::from(tag % 2 == 1)).or(types.first()).copied().unwrap_or("ELECTRICITY");
        let is_error = status_record.read(Kind::Account).category() == Category::Error;
        let detail = is_error.then(|| format!("Account {SECRET}-{tag:016x} could not be read"));
        let is_tracked = status_record.status != CUSTOMER_NOT_TRACKED;
        Self {
            id: account.id,
            status_record: StatusFields::new(status_record, detail, &format),
            account_number: format!("{SECRET}-{:010}", tag % 10_000_000_000),
            is_tracked,
            tracking_status: tracking(is_tracked, tag),
            is_duplicated: if status_record.status == DUPLICATE { "true" } else { "false" },
            datasource_types: [delivers],
            meters: vec![Meter {
                id: Uuid::from_u64_pair(tag, connection.serial),
                meter_number: format!("M{:08}", tag % 100_000_000),
                delivers,
            }],
            last_service_date: status_record.last_update.map(|last| format.date(last)),
        }
    }
}

fn tracking(is_tracked: bool, tag: u64) -> &'static str {
    match (is_tracked, tag % 16) {
        (false, _) => "DISABLED",
        (true, 0) => "UNSET",
        (true, _) => "ENABLED",
    }
}

/// The part of an id from which made-up fields are derived.
fn tag(id: Uuid) -> u64 {
    id.as_u64_pair().1.rotate_left(17)
}

fn username(id: Uuid) -> String {
    let tag = tag(id);
    let person = usize::try_from(tag).ok().and_then(|tag| PEOPLE.get(tag % PEOPLE.len()));
    format!("{SECRET}.{}.{}@mail.example", person.unwrap_or(&"someone"), tag % 1000)
}

/// The person at the company who owns a login; each company has three.
pub fn owner(company: &Company, connection: &Connection) -> String {
    format!("{SECRET}.owner{}@{:08x}.example", connection.serial % 3 + 1, tag(company.id) >> 32)
}

fn connection_error(connection: &Connection) -> Option<String> {
    let status = connection.status_record.status.as_ref();
    let is_error = status != CONNECTED && status != PENDING;
    is_error.then(|| format!("Login as {} did not get through: {status}", username(connection.id)))
}

/// Nectar collects about a year back.
fn year_before(time: Timestamp) -> Timestamp {
    time.checked_sub(SignedDuration::from_hours(365 * 24)).unwrap_or(Timestamp::MIN)
}
