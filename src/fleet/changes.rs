//! Changes of status, counted from one snapshot of a company to the next.
//!
//! A change is counted under the label that the status had then: a counter never falls because a status got a name of its own. Records
//! that are new or gone have not changed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::undocumented::ShownUndocumented;
use crate::model::Snapshot;
use crate::sanitize::by_id;
use crate::status::{Kind, Status};

/// Counts by the value of the `status` label.
pub type ByLabel = BTreeMap<Box<str>, u64>;

/// How many records were seen to change to which status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    connections: ByLabel,
    accounts: ByLabel,
}

impl Changes {
    /// The counts of one kind.
    pub fn kind(&self, kind: Kind) -> &ByLabel {
        match kind {
            Kind::Connection => &self.connections,
            Kind::Account => &self.accounts,
        }
    }

    /// Counts what differs between two snapshots of one company.
    pub fn count(&mut self, before: &Snapshot, after: &Snapshot, undocumented: &ShownUndocumented) {
        for (old, new) in pairs(&before.connections, &after.connections, |connection| &connection.id) {
            if old.status != new.status {
                self.add(Kind::Connection, &new.status, undocumented);
            }
            for (old, new) in pairs(&old.accounts, &new.accounts, |account| &account.id) {
                if old.status != new.status {
                    self.add(Kind::Account, &new.status, undocumented);
                }
            }
        }
    }

    fn add(&mut self, kind: Kind, status: &Status, undocumented: &ShownUndocumented) {
        *self.kind_mut(kind).entry(undocumented.label(kind, status).into()).or_default() += 1;
    }

    /// Makes a status that is not on the page start at 0, before the first change to it.
    pub fn begin(&mut self, kind: Kind, label: &str) {
        self.kind_mut(kind).entry(label.into()).or_default();
    }

    /// Drops the labels that are not kept, so that they cannot pile up.
    pub fn keep_only(&mut self, kind: Kind, is_kept: impl Fn(&str) -> bool) {
        self.kind_mut(kind).retain(|label, _| is_kept(label));
    }

    fn kind_mut(&mut self, kind: Kind) -> &mut ByLabel {
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
            match by_id(id(before.peek()?), id(new)) {
                Ordering::Less => before.next(),
                Ordering::Equal => return Some((before.next()?, new)),
                Ordering::Greater => return None,
            };
        }
    })
}
