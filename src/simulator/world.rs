//! The world behind the API: companies, their connections, the connections' accounts.
//!
//! Knows what there is and in what state.

use std::borrow::Cow;

use jiff::Timestamp;
use uuid::Uuid;

use super::dice::Dice;
use super::names::Utility;
use crate::status::{Kind, Status};

/// A status as it is sent. Owned only when a test made it up.
pub(super) type Word = Cow<'static, str>;

/// What a connection and an account have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub status: Word,
    /// When the status was last recorded; none when nothing was ever checked.
    pub last_update: Option<Timestamp>,
    pub first_seen: Option<Timestamp>,
}

impl Standing {
    /// A status that no check has confirmed yet.
    pub(super) fn unchecked(status: Word) -> Self {
        Self { status, last_update: None, first_seen: None }
    }

    /// A check at `at` found `status`.
    pub(super) fn record(&mut self, status: Word, at: Timestamp) {
        // Events may be handled late, behind a test's own change: time in a row never runs backwards.
        let at = self.last_update.map_or(at, |last| last.max(at));
        if self.status != status {
            self.status = status;
            self.first_seen = Some(at);
        }
        self.last_update = Some(at);
    }

    /// The status, as the page sees it.
    pub(super) fn read(&self, kind: Kind) -> Status {
        Status::read(kind, Some(&self.status))
    }
}

/// A billing relationship.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub id: Uuid,
    pub standing: Standing,
}

/// A login at a utility's website.
#[derive(Debug)]
pub(super) struct Connection {
    pub id: Uuid,
    /// Counts up over the whole world; the order of every list.
    pub serial: u64,
    pub utility: &'static Utility,
    pub standing: Standing,
    pub created: Timestamp,
    pub accounts: Vec<Account>,
    /// When life turns to it next, in virtual milliseconds; none when nothing is planned.
    pub due: Option<u64>,
}

impl Connection {
    /// When anything about it last changed.
    pub(super) fn updated(&self) -> Timestamp {
        self.standing.last_update.map_or(self.created, |last| last.max(self.created))
    }
}

/// A customer of Nectar's customer.
#[derive(Debug)]
pub(super) struct Company {
    pub id: Uuid,
    pub serial: u64,
    pub name: String,
    pub external_id: Option<String>,
    /// Deactivated companies neither grow nor get checked.
    pub is_active: bool,
    /// Connections at the start, which growth is measured against.
    pub initial: usize,
    /// By serial.
    pub connections: Vec<Connection>,
    /// Utilities whose website is down for this company, whatever a check would have found.
    pub down: Vec<&'static str>,
}

impl Company {
    /// Where a connection stands in the list.
    pub(super) fn position(&self, serial: u64) -> Option<usize> {
        self.connections.binary_search_by_key(&serial, |connection| connection.serial).ok()
    }
}

/// Everything.
#[derive(Debug)]
pub(super) struct World {
    pub start: Timestamp,
    /// By serial.
    pub companies: Vec<Company>,
    /// Mean number of accounts behind a login.
    pub accounts: u32,
    pub dice: Dice,
    pub next_serial: u64,
}

impl World {
    /// The company with this id.
    pub(super) fn company(&self, id: Uuid) -> Option<&Company> {
        self.companies.iter().find(|company| company.id == id)
    }

    /// Where the company and its connection stand that have this connection id.
    pub(super) fn find_connection(&self, id: Uuid) -> Option<(usize, usize)> {
        self.companies.iter().enumerate().find_map(|(at, company)| {
            let inside = company.connections.iter().position(|connection| connection.id == id)?;
            Some((at, inside))
        })
    }

    /// The company with this serial, and the chance and means that its life needs.
    pub(super) fn company_by_serial(&mut self, serial: u64) -> Option<(&mut Company, &mut Dice, u32)> {
        let at = self.companies.binary_search_by_key(&serial, |company| company.serial).ok()?;
        let company = self.companies.get_mut(at)?;
        Some((company, &mut self.dice, self.accounts))
    }

    /// A number that no row has had.
    pub(super) fn serial(&mut self) -> u64 {
        self.next_serial += 1;
        self.next_serial
    }
}
