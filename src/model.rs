//! What this program is about: companies, connections, accounts, and snapshots of them.
//!
//! Source of the rule for when a check is due: the status page's section "Check frequency".

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use strum::{IntoStaticStr, VariantArray};

use crate::status::{Kind, Recheck, Status};

/// A company's id, as Nectar sent it.
pub type CompanyId = Arc<str>;

/// One of our customers, as a company at Nectar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    /// Identifies it; series about a company are joined on this.
    pub id: CompanyId,
    /// Its name, or its id if it has no name.
    pub name: Arc<str>,
    /// The customer's own id for it; empty if there is none.
    pub external_id: Arc<str>,
}

/// A login at a utility's website.
#[derive(Debug, PartialEq, Eq)]
pub struct Connection {
    /// Unique within a snapshot.
    pub id: Box<str>,
    /// Its current status.
    pub status: Status,
    /// `statusLastUpdateTime`: when the status was last recorded. None: never checked.
    pub last_update: Option<Timestamp>,
    /// `statusFirstSeenTime`: when the status was first set.
    pub first_seen: Option<Timestamp>,
    /// `created`: when the connection was set up.
    pub created: Option<Timestamp>,
    /// The utility, `datasource.name`; `unknown` if Nectar has none. Connections of one page share the allocation.
    pub datasource: Arc<str>,
    /// The country, two letters; `unknown` if Nectar has none. Shared, too.
    pub country: Arc<str>,
    /// The accounts found behind the login, sorted by id.
    pub accounts: Vec<Account>,
}

impl Connection {
    /// When Nectar should check again: one interval after the last update. None if the connection waits for its customer, or was never
    /// checked.
    pub fn check_due(&self, interval: SignedDuration) -> Option<Timestamp> {
        due(&self.status, self.last_update, interval)
    }

    /// When it was created, if it was never checked.
    pub fn created_if_never_checked(&self) -> Option<Timestamp> {
        self.created.filter(|_| self.last_update.is_none())
    }

    /// Since when it has been in its status, as far as is known.
    pub fn in_status_since(&self) -> Option<Timestamp> {
        self.first_seen.or(self.last_update).or(self.created)
    }

    /// The same; none if the status is CONNECTED. If Nectar gives no time at all, 1970.
    pub fn not_connected_since(&self) -> Option<Timestamp> {
        (!self.status.is_connected()).then(|| self.in_status_since().unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// Like [`Connection::check_due`], for one of its accounts. Also none while the connection waits for its customer, because the
    /// account cannot be checked before.
    pub fn account_check_due(&self, account: &Account, interval: SignedDuration) -> Option<Timestamp> {
        if self.status.recheck() == Recheck::AfterCustomer {
            return None;
        }
        due(&account.status, account.last_update, interval)
    }
}

fn due(status: &Status, last_update: Option<Timestamp>, interval: SignedDuration) -> Option<Timestamp> {
    match status.recheck() {
        Recheck::Periodic => last_update?.checked_add(interval).ok(),
        Recheck::AfterCustomer | Recheck::Never => None,
    }
}

/// A billing relationship found behind a login.
#[derive(Debug, PartialEq, Eq)]
pub struct Account {
    /// Unique within its connection.
    pub id: Box<str>,
    /// Its current status.
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
    /// Its id occurs twice on one page, or twice within one connection.
    DuplicateId,
    /// One of its times is present, but cannot be read.
    BadTime,
    /// One of its other fields is missing, or of the wrong type.
    BadField,
}

impl RecordFault {
    /// All faults, in the order of the declaration.
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

    /// Adds the counts of `other`.
    pub fn add_all(&mut self, other: &Self) {
        for (key, count) in &other.0 {
            *self.0.entry(*key).or_default() += count;
        }
    }

    /// Sets how many records of `kind` have `fault`.
    pub fn set(&mut self, kind: Kind, fault: RecordFault, count: u64) {
        self.0.insert((kind, fault), count);
    }

    /// All counts that were made.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, RecordFault, u64)> {
        self.0.iter().map(|((kind, fault), count)| (*kind, *fault, *count))
    }

    /// How many records of `kind` have `fault`.
    pub fn count(&self, kind: Kind, fault: RecordFault) -> u64 {
        self.0.get(&(kind, fault)).copied().unwrap_or_default()
    }
}

/// One whole reading of one company.
#[derive(Debug)]
pub struct Snapshot {
    /// When the reading began, by the wall clock. Everything in it was true then or later.
    pub begun_wall: Timestamp,
    /// The same moment by the monotonic clock, which nobody can set back.
    pub begun_monotonic: Duration,
    /// Sorted by id, no id twice. Two snapshots of a company share the list if it did not change.
    pub connections: Arc<Vec<Connection>>,
    /// How many records had which fault.
    pub faults: RecordFaults,
}

impl Snapshot {
    /// How many accounts all connections have together.
    pub fn accounts(&self) -> usize {
        self.connections.iter().map(|connection| connection.accounts.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_checks_are_due() {
        let interval = SignedDuration::from_hours(7 * 24);
        let [updated, due] = [1_000_000, 1_604_800].map(|second| Timestamp::constant(second, 0));
        for (connection, account, last_update, expected) in [
            ("CONNECTED", "PULL_COMPLETED", Some(updated), [Some(due), Some(due)]),
            ("CONNECTED", "PULL_COMPLETED", None, [None, None]),
            ("CONNECTED", "DUPLICATE", Some(updated), [Some(due), None]),
            // Nobody looks at an account before the customer has acted.
            ("MFA_TOKEN_EXPIRED", "PULL_COMPLETED", Some(updated), [None, None]),
            ("NOT_ON_THE_PAGE", "NOT_ON_THE_PAGE", Some(updated), [Some(due), Some(due)]),
        ] {
            let status = |kind, text| Status::read(kind, Some(text));
            let (kind, datasource): (_, Arc<str>) = (Kind::Account, "".into());
            let account =
                Account { id: "a".into(), status: status(kind, account), last_update, first_seen: None };
            let connection = Connection {
                id: "c".into(),
                status: status(Kind::Connection, connection),
                last_update,
                first_seen: None,
                created: None,
                country: Arc::clone(&datasource),
                datasource,
                accounts: Vec::new(),
            };
            let is_due = [connection.check_due(interval), connection.account_check_due(&account, interval)];
            assert_eq!(is_due, expected, "{connection:?} {account:?}");
        }
    }
}
