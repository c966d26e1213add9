//! The JSON that Nectar sends: every field of a record.
//!
//! Knows the API's field names. Secret and personal fields all hold [`SECRET`], so that tests can look for it where nothing
//! secret belongs.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::ser::SerializeSeq;
use uuid::Uuid;

use super::course::{CONNECTED, CUSTOMER_NOT_TRACKED, DUPLICATE, PENDING};
use super::names::PEOPLE;
use super::spelling::Spelling;
use super::world::{Account, Company, Connection, Standing};
use crate::status::{Category, Kind};

/// In every value that must never leave an exporter.
pub const SECRET: &str = "sim-secret";

/// An id, written without making a string of it first.
#[derive(Debug, Clone, Copy)]
struct Id(Uuid);

impl Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

/// `GET /company`: one row.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CompanyRecord<'a> {
    id: Id,
    name: &'a str,
    external_id: Option<&'a str>,
}

impl<'a> From<&'a Company> for CompanyRecord<'a> {
    fn from(company: &'a Company) -> Self {
        Self { id: Id(company.id), name: &company.name, external_id: company.external_id.as_deref() }
    }
}

/// `GET /connection/company/{id}`: the whole answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope<'a> {
    pub total_connections: u64,
    pub per_page: u64,
    pub total_pages: u64,
    pub current_page: u64,
    pub has_next: bool,
    pub has_previous: bool,
    pub connections: Rows<'a>,
}

/// A page's rows; each is turned into its record only while it is written.
pub(super) struct Rows<'a> {
    pub company: &'a Company,
    pub connections: Vec<&'a Connection>,
    pub now: Timestamp,
}

impl Serialize for Rows<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.connections.len()))?;
        for connection in &self.connections {
            list.serialize_element(&ConnectionRecord::new(self.company, connection, self.now))?;
        }
        list.end()
    }
}

#[derive(Serialize)]
struct Datasource {
    name: &'static str,
    url: &'static str,
}

#[derive(Serialize)]
struct Site {
    id: Id,
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StandingRecord<'a> {
    status: &'a str,
    status_last_update_time: Option<String>,
    status_first_seen_time: Option<String>,
    status_error_detail: Option<String>,
}

impl<'a> StandingRecord<'a> {
    fn new(standing: &'a Standing, error_detail: Option<String>, spelling: &Spelling) -> Self {
        Self {
            status: &standing.status,
            status_last_update_time: standing.last_update.map(|time| spelling.write(time)),
            status_first_seen_time: standing.first_seen.map(|time| spelling.write(time)),
            status_error_detail: error_detail,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionRecord<'a> {
    id: Id,
    #[serde(flatten)]
    standing: StandingRecord<'a>,
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
    fn new(company: &'a Company, connection: &'a Connection, now: Timestamp) -> Self {
        let spelling = Spelling::of(connection.serial, now);
        let tag = tag(connection.id);
        let utility = connection.utility;
        let detail = connection_error(connection);
        let accounts = connection.accounts.iter().zip(connection.serial + 1..);
        Self {
            id: Id(connection.id),
            standing: StandingRecord::new(&connection.standing, detail, &spelling),
            created: spelling.write(connection.created),
            updated: spelling.write(connection.updated()),
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
            data_collection_start_date: spelling.date(year_before(connection.created)),
            multiply_by_occupancy: tag.is_multiple_of(8),
            accounts: accounts
                .map(|(account, number)| AccountRecord::new(connection, account, Spelling::of(number, now)))
                .collect(),
        }
    }
}

fn site(connection: &Connection, tag: u64) -> Vec<Site> {
    // Half of the logins were set up without naming a site.
    let number = tag % 90 + 10;
    let site =
        || Site { id: Id(Uuid::from_u64_pair(tag, connection.serial)), name: format!("Site {number}") };
    tag.is_multiple_of(2).then(site).into_iter().collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meter {
    id: Id,
    meter_number: String,
    #[serde(rename = "type")]
    delivers: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountRecord<'a> {
    id: Id,
    #[serde(flatten)]
    standing: StandingRecord<'a>,
    account_number: String,
    is_tracked: bool,
    tracking_status: &'static str,
    /// A string, though it reads like a boolean.
    is_duplicated: &'static str,
    datasource_types: [&'static str; 1],
    meters: Vec<Meter>,
    last_service_date: Option<String>,
}

impl<'a> AccountRecord<'a> {
    fn new(connection: &Connection, account: &'a Account, spelling: Spelling) -> Self {
        let tag = tag(account.id);
        let standing = &account.standing;
        let types = connection.utility.types;
        let delivers =
            types.get(usize::from(tag % 2 == 1)).or(types.first()).copied().unwrap_or("ELECTRICITY");
        let is_error = standing.read(Kind::Account).category() == Category::Error;
        let detail = is_error.then(|| format!("Account {SECRET}-{tag:016x} could not be read"));
        let is_tracked = standing.status != CUSTOMER_NOT_TRACKED;
        Self {
            id: Id(account.id),
            standing: StandingRecord::new(standing, detail, &spelling),
            account_number: format!("{SECRET}-{:010}", tag % 10_000_000_000),
            is_tracked,
            tracking_status: tracking(is_tracked, tag),
            is_duplicated: if standing.status == DUPLICATE { "true" } else { "false" },
            datasource_types: [delivers],
            meters: vec![Meter {
                id: Id(Uuid::from_u64_pair(tag, connection.serial)),
                meter_number: format!("M{:08}", tag % 100_000_000),
                delivers,
            }],
            last_service_date: standing.last_update.map(|last| spelling.date(last)),
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

/// The part of an id that made-up fields are made from.
fn tag(id: Uuid) -> u64 {
    id.as_u64_pair().1.rotate_left(17)
}

fn username(id: Uuid) -> String {
    let tag = tag(id);
    let person = usize::try_from(tag).ok().and_then(|tag| PEOPLE.get(tag % PEOPLE.len()));
    format!("{SECRET}.{}.{}@mail.example", person.unwrap_or(&"someone"), tag % 1000)
}

/// The person at the company who owns a login; each company has three of them.
pub(super) fn owner(company: &Company, connection: &Connection) -> String {
    format!("{SECRET}.owner{}@{:08x}.example", connection.serial % 3 + 1, tag(company.id) >> 32)
}

fn connection_error(connection: &Connection) -> Option<String> {
    let status = connection.standing.status.as_ref();
    let is_error = status != CONNECTED && status != PENDING;
    is_error.then(|| format!("Login as {} did not get through: {status}", username(connection.id)))
}

/// Nectar collects about a year back.
fn year_before(time: Timestamp) -> Timestamp {
    time.checked_sub(SignedDuration::from_hours(365 * 24)).unwrap_or(Timestamp::MIN)
}
