//! What the simulated Nectar sends, parsed from its JSON, and which of it a test can use.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use nectar_exporter::status::{Category, Kind, Recheck, Status};
use serde_json::Value;

/// Nectar checks again within this many seconds.
const CHECK_INTERVAL: f64 = 7.0 * 86_400.0;

/// With fewer failing accounts of a company than this, nobody is told about accounts.
const FEW_FAILING: usize = 3;

/// What connections and accounts have in common. Times are in Unix seconds.
#[derive(Debug, Clone)]
pub struct Standing {
    pub id: String,
    pub status: Status,
    pub first_seen: Option<f64>,
    pub last_update: Option<f64>,
}

/// A connection.
#[derive(Debug, Clone)]
pub struct Login {
    pub company_id: String,
    pub company: String,
    pub utility: String,
    pub country: String,
    pub standing: Standing,
    pub accounts: Vec<Standing>,
}

impl Standing {
    fn read(kind: Kind, record: &Value) -> Self {
        Self {
            id: text(&record["id"]),
            status: Status::read(kind, record["status"].as_str()),
            first_seen: time(&record["statusFirstSeenTime"]),
            last_update: time(&record["statusLastUpdateTime"]),
        }
    }

    /// Whether its status is under this heading.
    pub fn is_in(&self, category: Category) -> bool {
        self.status.category() == category
    }

    /// Whether its status is one of these.
    pub fn is(&self, statuses: &[&str]) -> bool {
        statuses.contains(&self.status.word())
    }
}

impl Login {
    /// Parses a record of `GET /connection/company/{id}`.
    pub fn read(record: &Value) -> Self {
        let accounts = record["accounts"].as_array().unwrap().iter();
        Self {
            company_id: text(&record["company"]["id"]),
            company: text(&record["company"]["name"]),
            utility: text(&record["datasource"]["name"]),
            country: text(&record["country"]),
            standing: Standing::read(Kind::Connection, record),
            accounts: accounts.map(|account| Standing::read(Kind::Account, account)).collect(),
        }
    }

    /// When its next check is due.
    pub fn due(&self) -> Option<f64> {
        let is_checked = self.standing.status.recheck() == Recheck::Periodic;
        self.standing.last_update.filter(|_| is_checked).map(|last| last + CHECK_INTERVAL)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A time without a zone is in UTC.
fn time(value: &Value) -> Option<f64> {
    let text = value.as_str()?;
    let time: Timestamp = text.parse().unwrap_or_else(|_| format!("{text}Z").parse().unwrap());
    Some(time.as_duration().as_secs_f64())
}

fn of<'a>(fleet: &'a [Login], company_id: &'a str) -> impl Iterator<Item = &'a Login> {
    fleet.iter().filter(move |login| login.company_id == company_id)
}

/// A working connection of a company about which nobody is told anything, and nobody will be told about accounts when this connection
/// fails.
pub fn a_quiet_login(fleet: &[Login]) -> Login {
    let troubles = [Category::InterventionNeeded, Category::WebsiteIssue];
    let is_fine = |login: &Login| {
        let standing = &login.standing;
        let is_slow = standing.is(&["UNDER_INVESTIGATION", "PENDING"]);
        !is_slow && !troubles.iter().any(|category| standing.is_in(*category))
    };
    let failing = |company_id: &str| {
        let accounts = of(fleet, company_id).flat_map(|login| &login.accounts);
        accounts.filter(|account| account.is_in(Category::Error)).count()
    };
    let is_quiet = |login: &&Login| {
        login.standing.is(&["CONNECTED"])
            && of(fleet, &login.company_id).all(is_fine)
            && failing(&login.company_id) + login.accounts.len() < FEW_FAILING
    };
    fleet.iter().find(is_quiet).expect("a quiet company").clone()
}

/// Two working connections of one company none of whose logins has trouble.
pub fn two_quiet_logins(fleet: &[Login]) -> [Login; 2] {
    let quiet = a_quiet_login(fleet);
    let other = of(fleet, &quiet.company_id)
        .find(|login| login.standing.id != quiet.standing.id && login.standing.is(&["CONNECTED"]));
    let other = other.expect("a quiet company with two logins").clone();
    [quiet, other]
}

/// Whether no login at this utility has trouble with its website.
fn is_quiet(fleet: &[Login], utility: &str) -> bool {
    let mut there = fleet.iter().filter(|login| login.utility == utility);
    !there.any(|login| login.standing.is_in(Category::WebsiteIssue))
}

/// A utility without trouble at which at least three companies have logins, and these companies' ids. Those that are switched off are
/// left out, because nobody checks their logins.
pub fn a_quiet_utility(fleet: &[Login]) -> (String, Vec<String>) {
    let mut companies: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let is_active = |login: &&Login| !login.standing.is(&["COMPANY_INACTIVE"]);
    for login in fleet.iter().filter(is_active).filter(|login| is_quiet(fleet, &login.utility)) {
        companies.entry(&login.utility).or_default().insert(&login.company_id);
    }
    let found = companies.into_iter().find(|(_, companies)| companies.len() >= 3);
    let (utility, companies) = found.expect("a utility of three companies");
    (utility.to_owned(), companies.into_iter().map(str::to_owned).collect())
}

/// A working connection of one of `companies`, at a utility without trouble other than `but`.
pub fn a_login_elsewhere(fleet: &[Login], companies: &[String], but: &str) -> Login {
    let found = fleet.iter().find(|login| {
        companies.contains(&login.company_id)
            && login.utility != but
            && login.standing.is(&["CONNECTED"])
            && is_quiet(fleet, &login.utility)
    });
    found.expect("a login elsewhere").clone()
}
