//! The fleet behind the API: companies, their connections, the connections' accounts.

use std::borrow::Cow;

use jiff::Timestamp;
use uuid::Uuid;

use super::random::Random;
use super::seed_data::Utility;
use nectar_status::{Kind, Status};

/// A status as it is sent. Owned only if a test made it up.
pub type Word = Cow<'static, str>;

/// What connections and accounts have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRecord {
    pub status: Word,
    /// When the status was last recorded; none if it was never checked.
    pub last_update: Option<Timestamp>,
    pub first_seen: Option<Timestamp>,
}

impl StatusRecord {
    /// A status that no check has confirmed yet.
    pub fn unchecked(status: Word) -> Self {
        Self { status, last_update: None, first_seen: None }
    }

    /// A check at `at` found `status`.
    pub fn record(&mut self, status: Word, at: Timestamp) {
        // Events may be handled late, after a change that a test made: times of one row never run backwards.
        let at = self.last_update.map_or(at, |last| last.max(at));
        if self.status != status {
            self.status = status;
            self.first_seen = Some(at);
        }
        self.last_update = Some(at);
    }

    /// The status, as the status page has it.
    pub fn read(&self, kind: Kind) -> Status {
        Status::read(kind, Some(&self.status))
    }
}

/// A billing relationship.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: Uuid,
    pub status_record: StatusRecord,
}

/// A login at a utility's website.
#[derive(Debug)]
pub struct Connection {
    pub id: Uuid,
    /// Counts up over the whole fleet; all lists are in this order.
    pub serial: u64,
    pub utility: &'static Utility,
    pub status_record: StatusRecord,
    /// The statuses that it had before, since the start; of very many, the last ones.
    pub past: Vec<StatusRecord>,
    pub created: Timestamp,
    pub accounts: Vec<Account>,
    /// When the scheduler handles it next, in virtual milliseconds; none if nothing is planned.
    pub due: Option<u64>,
}

impl Connection {
    /// When anything about it last changed.
    pub fn updated(&self) -> Timestamp {
        self.status_record.last_update.map_or(self.created, |last| last.max(self.created))
    }
}

/// A customer of Nectar's customer.
#[derive(Debug)]
pub struct Company {
    pub id: Uuid,
    pub serial: u64,
    pub name: String,
    pub external_id: Option<String>,
    /// Deactivated companies neither grow nor get checked.
    pub is_active: bool,
    /// Number of connections at the start, with which growth is compared.
    pub initial: usize,
    /// By serial.
    pub connections: Vec<Connection>,
    /// Utilities whose website is down for this company, whatever a check would find otherwise.
    pub down: Vec<&'static str>,
}

impl Company {
    /// The index of a connection in the list.
    pub fn position(&self, serial: u64) -> Option<usize> {
        self.connections.binary_search_by_key(&serial, |connection| connection.serial).ok()
    }
}

/// The companies, and what is needed to change them.
#[derive(Debug)]
pub struct Fleet {
    pub start: Timestamp,
    /// By serial.
    pub companies: Vec<Company>,
    /// Mean number of accounts behind a login.
    pub accounts: u32,
    pub rng: Random,
    pub next_serial: u64,
}

impl Fleet {
    /// The company with this id.
    pub fn company(&self, id: Uuid) -> Option<&Company> {
        self.companies.iter().find(|company| company.id == id)
    }

    /// The index of the company, and that of its connection, with this connection id.
    pub fn find_connection(&self, id: &str) -> Option<(usize, usize)> {
        let id = Uuid::try_parse(id).ok()?;
        self.companies.iter().enumerate().find_map(|(at, company)| {
            let inside = company.connections.iter().position(|connection| connection.id == id)?;
            Some((at, inside))
        })
    }

    /// The company with this serial, and the random numbers and the mean that the scheduler needs.
    pub fn company_by_serial(&mut self, serial: u64) -> Option<(&mut Company, &mut Random, u32)> {
        let at = self.companies.binary_search_by_key(&serial, |company| company.serial).ok()?;
        let company = self.companies.get_mut(at)?;
        Some((company, &mut self.rng, self.accounts))
    }

    /// A number that no row has had.
    pub fn serial(&mut self) -> u64 {
        self.next_serial += 1;
        self.next_serial
    }
}
