//! Which logins somebody must act on, and what is said of each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Choice;
use crate::fleet::{CompanyState, Fleet, StoredSnapshot};
use crate::model::Connection;
use crate::nectar::decode::UNKNOWN;
use crate::sanitize::clean;
use crate::status::{Category, Kind, Status};

/// Nectar's page of a login is below this; the messages of alerts link there, too (`alerts/nectar.tmpl`).
const NECTAR_LOGINS: &str = "https://dash.nectarclimate.com/data-input/connections/";

/// What need not be escaped in a segment of a path.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const SECONDS_PER_DAY: i64 = 86_400;

/// The logins of a fleet that somebody must act on, as of one moment.
#[derive(Debug)]
pub struct List {
    fleet: Arc<Fleet>,
    pub now: Timestamp,
    max_data_age: Duration,
    /// The chosen ones; those that have waited longest come first, those of which that is not known come last.
    logins: Vec<Login>,
    /// The companies of all logins, by id, with their names, whatever is chosen.
    pub companies: BTreeMap<Arc<str>, Arc<str>>,
    /// The labels of the statuses of all logins, whatever is chosen, and what they mean.
    pub statuses: BTreeMap<String, String>,
    /// The chosen companies that may be shown.
    pub read: Vec<Arc<CompanyState>>,
    /// The chosen companies of which there is no data, or none that may be shown.
    pub without_data: Vec<Arc<CompanyState>>,
}

/// Where a login is in the fleet.
#[derive(Debug)]
struct Login {
    company: Arc<CompanyState>,
    place: usize,
}

impl Login {
    fn connection(&self) -> Option<&Connection> {
        self.company.stored.as_ref()?.snapshot.connections.get(self.place)
    }
}

/// What is said of a login.
#[derive(Debug)]
pub struct Row<'a> {
    /// The name of its company.
    pub company: &'a str,
    /// The customer's own number for the company; empty if there is none.
    pub number: &'a str,
    /// The name of the utility.
    pub utility: &'a str,
    /// What the matter is, in plain words.
    pub matter: String,
    /// Since which day, in UTC.
    pub since: Option<String>,
    /// For how many whole days.
    pub days: Option<i64>,
    /// Nectar's page of it.
    pub link: String,
    /// What the customer is asked to do, to be forwarded as it is, where that is known.
    pub text: Option<String>,
}

impl List {
    /// What is to be listed of `fleet` at `now`, without data older than `max_data_age`.
    pub fn new(fleet: Arc<Fleet>, now: Timestamp, max_data_age: Duration, choice: &Choice) -> Self {
        let mut list = Self {
            fleet: Arc::clone(&fleet),
            now,
            max_data_age,
            logins: Vec::new(),
            companies: BTreeMap::new(),
            statuses: BTreeMap::new(),
            read: Vec::new(),
            without_data: Vec::new(),
        };
        for company in fleet.companies.values() {
            let served = list.served(company);
            if choice.is_company(&company.company.id) {
                let companies = if served.is_some() { &mut list.read } else { &mut list.without_data };
                companies.push(Arc::clone(company));
            }
            if let Some(stored) = served {
                list.add(company, stored, choice);
            }
        }
        list.logins.sort_by_cached_key(|login| {
            let since = login.connection().and_then(Connection::in_status_since);
            (since.is_none(), since)
        });
        list
    }

    fn add(&mut self, company: &Arc<CompanyState>, stored: &StoredSnapshot, choice: &Choice) {
        let id = &company.company.id;
        for (place, connection) in stored.snapshot.connections.iter().enumerate() {
            if !is_to_do(&connection.status) {
                continue;
            }
            let label = self.fleet.undocumented.label(Kind::Connection, &connection.status);
            if !self.companies.contains_key(id) {
                self.companies.insert(Arc::clone(id), Arc::clone(&company.company.name));
            }
            if !self.statuses.contains_key(label) {
                self.statuses.insert(label.to_owned(), matter(&connection.status, label));
            }
            if choice.is_company(id) && choice.is_status(label) {
                self.logins.push(Login { company: Arc::clone(company), place });
            }
        }
    }

    /// Those of the chosen companies that are shown although their last reading failed.
    pub fn outdated(&self) -> impl Iterator<Item = &Arc<CompanyState>> {
        self.read.iter().filter(|state| !state.is_up())
    }

    /// What may be shown of a company.
    pub fn served<'a>(&self, state: &'a CompanyState) -> Option<&'a StoredSnapshot> {
        state.served(self.now, self.max_data_age)
    }

    /// How many logins are listed.
    pub fn len(&self) -> usize {
        self.logins.len()
    }

    /// Whether the fleet has no company at all.
    pub fn has_no_company(&self) -> bool {
        self.fleet.companies.is_empty()
    }

    /// What is wrong with a choice that can fit no login, because its company or its status is not known.
    pub fn unknown(&self, choice: &Choice) -> Option<String> {
        if let Some(id) = choice.company.as_deref().filter(|id| self.name(id).is_none()) {
            return Some(format!(
                "The company {:?} is not known. Give its id, as in the metrics.",
                clean(id)
            ));
        }
        let is_known = |label: &&str| self.fleet.undocumented.is_in_use(Kind::Connection, label);
        let label = choice.status.as_deref().filter(|label| !is_known(label))?;
        Some(format!("The status {:?} is not known. Write it as in the metrics.", clean(label)))
    }

    /// The name of a company, by its id.
    pub fn name(&self, id: &str) -> Option<&str> {
        self.fleet.companies.get(id).map(|state| &*state.company.name)
    }

    /// What is said of the logins, from one place in the list on.
    pub fn rows(&self, from: usize) -> impl Iterator<Item = Row<'_>> {
        self.logins.iter().skip(from).filter_map(|login| self.row(login))
    }

    fn row<'a>(&self, login: &'a Login) -> Option<Row<'a>> {
        let (company, connection) = (&login.company.company, login.connection()?);
        let matter =
            matter(&connection.status, self.fleet.undocumented.label(Kind::Connection, &connection.status));
        let since = connection.in_status_since();
        let utility = Some(&*connection.datasource).filter(|name| *name != UNKNOWN);
        let request = match &connection.status {
            Status::Documented(row) => row.request,
            _ => None,
        };
        Some(Row {
            company: &company.name,
            number: &company.external_id,
            utility: utility.unwrap_or("A utility without a name"),
            matter: if request.is_some() { matter } else { matter + ": please look at the login in Nectar" },
            since: since.map(|since| since.strftime("%Y-%m-%d").to_string()),
            days: since.map(|since| (self.now.duration_since(since).as_secs() / SECONDS_PER_DAY).max(0)),
            link: format!("{NECTAR_LOGINS}{}", utf8_percent_encode(&connection.id, UNRESERVED)),
            text: request.map(|request| match utility {
                Some(utility) => format!("{utility}: {request}"),
                None => request.to_owned(),
            }),
        })
    }
}

/// Whether somebody must act on a login of this status: its customer, or whoever finds out what a status means that Nectar does not
/// document.
fn is_to_do(status: &Status) -> bool {
    matches!(status.category(), Category::InterventionNeeded | Category::Unknown)
}

/// What the matter is, as the beginning of a line. `label` is the status as the metrics call it.
fn matter(status: &Status, label: &str) -> String {
    match status {
        Status::Documented(row) => row.headline(),
        _ => format!("Nectar reports {label}, which is not known here"),
    }
}
