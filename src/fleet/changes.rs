//! Changes of status, counted from one snapshot of a company to the next.
//!
//! What is new or gone has not changed. Must not know label values.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::Snapshot;
use crate::status::{Kind, Status};

/// How many records were seen to change to which status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    connections: BTreeMap<Status, u64>,
    accounts: BTreeMap<Status, u64>,
}

impl Changes {
    /// The counts of one kind.
    pub fn kind(&self, kind: Kind) -> &BTreeMap<Status, u64> {
        match kind {
            Kind::Connection => &self.connections,
            Kind::Account => &self.accounts,
        }
    }

    /// Counts what differs between two snapshots of one company.
    pub fn count(&mut self, before: &Snapshot, after: &Snapshot) {
        for (old, new) in pairs(&before.connections, &after.connections, |connection| &connection.id) {
            if old.status != new.status {
                *self.connections.entry(new.status.clone()).or_default() += 1;
            }
            for (old, new) in pairs(&old.accounts, &new.accounts, |account| &account.id) {
                if old.status != new.status {
                    *self.accounts.entry(new.status.clone()).or_default() += 1;
                }
            }
        }
    }

    /// Makes undocumented statuses countable from 0 before the first change to one.
    pub fn begin(&mut self, kind: Kind, statuses: impl IntoIterator<Item = Status>) {
        let counts = self.kind_mut(kind);
        for status in statuses {
            counts.entry(status).or_default();
        }
    }

    /// Forgets undocumented statuses that are not among `present`, so that they cannot pile up.
    pub fn keep_only(&mut self, kind: Kind, present: &BTreeSet<&Status>) {
        self.kind_mut(kind).retain(|status, _| match status {
            Status::Undocumented(_) => present.contains(status),
            _ => true,
        });
    }

    fn kind_mut(&mut self, kind: Kind) -> &mut BTreeMap<Status, u64> {
        match kind {
            Kind::Connection => &mut self.connections,
            Kind::Account => &mut self.accounts,
        }
    }
}

/// Elements of two lists, each sorted by id, that have the same id.
fn pairs<'a, T>(
    before: &'a [T],
    after: &'a [T],
    id: impl Fn(&T) -> &str,
) -> impl Iterator<Item = (&'a T, &'a T)> {
    let mut before = before.iter().peekable();
    after.iter().filter_map(move |new| {
        loop {
            match id(before.peek()?).cmp(id(new)) {
                Ordering::Less => before.next(),
                Ordering::Equal => return Some((before.next()?, new)),
                Ordering::Greater => return None,
            };
        }
    })
}
