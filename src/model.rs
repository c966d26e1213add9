//! The things this program speaks about: companies, connections, accounts, and a snapshot of them.
//!
//! Knows when a check is due, as the status page's section "Check frequency" says it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use strum::{IntoStaticStr, VariantArray};

use crate::status::{Kind, Recheck, Status};

/// A company's id, as Nectar sent it.
pub type CompanyId = Arc<str>;

/// A customer of ours at Nectar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    /// What it is known and joined by.
    pub id: CompanyId,
    /// Its name, or its id where it has none.
    pub name: Arc<str>,
    /// The customer's own id for it; empty where there is none.
    pub external_id: Arc<str>,
}

/// A login at a utility's website.
#[derive(Debug, PartialEq, Eq)]
pub struct Connection {
    /// Unique within a snapshot.
    pub id: Box<str>,
    /// The status it has now.
    pub status: Status,
    /// `statusLastUpdateTime`: when the status was last recorded. None: never checked.
    pub last_update: Option<Timestamp>,
    /// `statusFirstSeenTime`: when the status was first set.
    pub first_seen: Option<Timestamp>,
    /// `created`
    pub created: Option<Timestamp>,
    /// The utility, `datasource.name`; `unknown` where Nectar has none. Many have the same, and share it.
    pub datasource: Arc<str>,
    /// Two letters; `unknown` where Nectar has none. Shared, too.
    pub country: Arc<str>,
    /// What was found behind the login, by id.
    pub accounts: Vec<Account>,
}

impl Connection {
    /// When Nectar is to look again: one interval after the last update. None for one that waits for its
    /// customer, or was never checked.
    pub fn check_due(&self, interval: SignedDuration) -> Option<Timestamp> {
        due(&self.status, self.last_update, interval)
    }

    /// When it was created, where nothing newer is known of it.
    pub fn created_if_never_checked(&self) -> Option<Timestamp> {
        self.created.filter(|_| self.last_update.is_none())
    }

    /// Since when it has been in its status, as far as is known, where that is not CONNECTED. Where Nectar gives no time, 1970.
    pub fn not_connected_since(&self) -> Option<Timestamp> {
        let since = self.first_seen.or(self.last_update).or(self.created);
        (!self.status.is_connected()).then(|| since.unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// As [`Connection::check_due`], for one of its accounts. None, too, while the connection waits for its
    /// customer: nobody can look at the account before.
    pub fn account_check_due(&self, account: &Account, interval: SignedDuration) -> Option<Timestamp> {
        if self.status.recheck() == Recheck::AfterCustomer {
            return None;
        }
        due(&account.status, account.last_update, interval)
    }
}

fn due(status: &Status, last_update: Option<Timestamp>, interval: SignedDuration) -> Option<Timestamp> {
    match status.recheck() {
        Recheck::Weekly => last_update?.checked_add(interval).ok(),
        Recheck::AfterCustomer | Recheck::Never => None,
    }
}

/// A billing relationship found behind a login.
#[derive(Debug, PartialEq, Eq)]
pub struct Account {
    /// Unique within its connection.
    pub id: Box<str>,
    /// The status it has now.
    pub status: Status,
    /// `statusLastUpdateTime`: when the status was last recorded. None: never checked.
    pub last_update: Option<Timestamp>,
    /// `statusFirstSeenTime`: when the status was first set.
    pub first_seen: Option<Timestamp>,
}

/// What is odd about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum RecordFault {
    /// It has no readable id, and was dropped.
    NoId,
    /// Its id stands twice on one page, or twice within one connection.
    DuplicateId,
    /// One of its times is there but cannot be read.
    BadTime,
    /// One of its other fields is missing, or of the wrong type.
    BadField,
}

impl RecordFault {
    /// Every fault, in the order of the declaration.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The value of the `reason` label.
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// How many records have which fault. A record counts once for each fault it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordFaults(BTreeMap<(Kind, RecordFault), u64>);

impl RecordFaults {
    /// Counts one record.
    pub fn add(&mut self, kind: Kind, fault: RecordFault) {
        *self.0.entry((kind, fault)).or_default() += 1;
    }

    /// Counts what `other` has counted.
    pub fn add_all(&mut self, other: &Self) {
        for (key, count) in &other.0 {
            *self.0.entry(*key).or_default() += count;
        }
    }

    /// How many records of `kind` have `fault`.
    pub fn count(&self, kind: Kind, fault: RecordFault) -> u64 {
        self.0.get(&(kind, fault)).copied().unwrap_or_default()
    }
}

/// What one poll of one company brought, whole.
#[derive(Debug)]
pub struct Snapshot {
    /// When the reading of it began. Whatever it says was true then or later.
    pub begun: Timestamp,
    /// The same moment by the monotonic clock, which nobody sets back.
    pub begun_monotonic: Duration,
    /// By id; no id twice. What did not change from one snapshot to the next is there once.
    pub connections: Arc<Vec<Connection>>,
    /// What was odd.
    pub faults: RecordFaults,
}

impl Snapshot {
    /// How many accounts its connections have together.
    pub fn accounts(&self) -> usize {
        self.connections.iter().map(|connection| connection.accounts.len()).sum()
    }
}
