//! Changes of status, counted from one snapshot of a company to the next, and for how long connections had been broken.
//!
//! A change is counted under the label that the status had then: a counter never falls because a status got a name of its own. Records
//! that are new or gone have not changed.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::durations::Durations;
use super::undocumented::ShownUndocumented;
use crate::model::{Connection, Snapshot};
use crate::sanitize::by_id;
use crate::status::{Category, Documented, Kind, Status};

/// Counts by the value of the `status` label.
pub type ByLabel = BTreeMap<Box<str>, u64>;

/// How many records were seen to change to which status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// When the first reading of the company began; none before.
    since: Option<Timestamp>,
    connections: ByLabel,
    accounts: ByLabel,
    left: BTreeMap<Category, Left>,
}

/// The times that connections were seen to leave a status of one category.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// How often.
    pub count: u64,
    /// How long they had been in it, in sum.
    pub duration: Duration,
}

impl Changes {
    /// What an earlier run of the program had counted.
    pub fn restored(
        since: Option<Timestamp>,
        connections: ByLabel,
        accounts: ByLabel,
        left: BTreeMap<Category, Left>,
    ) -> Self {
        Self { since, connections, accounts, left }
    }

    /// Begins again at 0, with the same labels.
    pub fn begin_again(&mut self, since: Timestamp) {
        self.since = self.since.map(|_| since);
        self.connections.values_mut().chain(self.accounts.values_mut()).for_each(|count| *count = 0);
        self.left.clear();
    }

    /// Counts from the reading on that began at this time, unless they count already.
    pub fn count_since(&mut self, begun_wall: Timestamp) {
        self.since.get_or_insert(begun_wall);
    }

    /// Since when these are counted; none before the first reading.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// The counts of one kind.
    pub fn kind(&self, kind: Kind) -> &ByLabel {
        match kind {
            Kind::Connection => &self.connections,
            Kind::Account => &self.accounts,
        }
    }

    /// How often, and after how long, connections left a status of this category.
    pub fn left(&self, category: Category) -> Left {
        self.left.get(&category).copied().unwrap_or_default()
    }

    /// Counts what differs between two snapshots of one company, and adds to `durations`.
    pub fn count(
        &mut self,
        before: &Snapshot,
        after: &Snapshot,
        undocumented: &ShownUndocumented,
        durations: &mut Durations,
    ) {
        for (old, new) in pairs(&before.connections, &after.connections, |connection| &connection.id) {
            if old.status != new.status {
                self.add(Kind::Connection, &new.status, undocumented);
                if let Some((status, duration)) = broken_for(old, new) {
                    let left = self.left.entry(status.category).or_default();
                    left.count = left.count.saturating_add(1);
                    left.duration = left.duration.saturating_add(duration);
                    durations.observe(status, duration);
                }
            }
            for (old, new) in pairs(&old.accounts, &new.accounts, |account| &account.id) {
                if old.status != new.status {
                    self.add(Kind::Account, &new.status, undocumented);
                }
            }
        }
    }

    fn add(&mut self, kind: Kind, status: &Status, undocumented: &ShownUndocumented) {
        let count = self.kind_mut(kind).entry(undocumented.label(kind, status).into()).or_default();
        *count = count.saturating_add(1);
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

/// The status in which a connection was broken, and from its first-seen time to that of the next status: both are Nectar's, so the
/// moments of our polls do not matter. None where one of them is missing, or they run backwards.
fn broken_for(old: &Connection, new: &Connection) -> Option<(&'static Documented, Duration)> {
    let Status::Documented(status) = old.status else { return None };
    let duration = Duration::try_from(new.first_seen?.duration_since(old.first_seen?)).ok()?;
    status.category.is_broken().then_some((status, duration))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jiff::Timestamp;

    use super::*;
    use crate::model::RecordFaults;

    /// The only connection of a company, in a status that was first seen at this second.
    fn snapshot(status: &str, first_seen: Option<i64>) -> Snapshot {
        let connection = Connection {
            id: "x".into(),
            status: Status::read(Kind::Connection, Some(status)),
            last_update: None,
            first_seen: first_seen.map(|second| Timestamp::from_second(second).unwrap()),
            created: None,
            datasource: "u".into(),
            country: "US".into(),
            accounts: Vec::new(),
        };
        Snapshot {
            begun_wall: Timestamp::UNIX_EPOCH,
            begun_monotonic: Duration::ZERO,
            connections: vec![connection].into(),
            faults: RecordFaults::default(),
        }
    }

    #[test]
    fn how_long_a_connection_was_broken() {
        for (before, after, observed) in [
            (("PASSWORD_INCORRECT", Some(10)), ("CONNECTED", Some(70)), Some(60)),
            (("PASSWORD_INCORRECT", Some(10)), ("MFA_TOKEN_EXPIRED", Some(10)), Some(0)),
            (("WEBSITE_DOWN", Some(-5)), ("PASSWORD_INCORRECT", Some(5)), Some(10)),
            (("PASSWORD_INCORRECT", Some(10)), ("PASSWORD_INCORRECT", Some(70)), None),
            (("PASSWORD_INCORRECT", Some(10)), ("CONNECTED", Some(9)), None),
            (("PASSWORD_INCORRECT", None), ("CONNECTED", Some(70)), None),
            (("PASSWORD_INCORRECT", Some(10)), ("CONNECTED", None), None),
            (("CONNECTED", Some(10)), ("PASSWORD_INCORRECT", Some(70)), None),
            (("PENDING", Some(10)), ("CONNECTED", Some(70)), None),
            (("NEW_WORD", Some(10)), ("CONNECTED", Some(70)), None),
        ] {
            let (mut durations, mut changes) = (Durations::default(), Changes::default());
            let undocumented = ShownUndocumented::default();
            let (old, new) = (snapshot(before.0, before.1), snapshot(after.0, after.1));
            changes.count(&old, &new, &undocumented, &mut durations);
            let mut expected = Durations::default();
            if let (Some(seconds), Status::Documented(status)) =
                (observed, Status::read(Kind::Connection, Some(before.0)))
            {
                expected.observe(status, Duration::from_secs(seconds));
            }
            assert_eq!(durations, expected, "{before:?} {after:?}");
            let left = Category::BROKEN.map(|category| changes.left(category));
            let count: u64 = left.iter().map(|left| left.count).sum();
            let duration: Duration = left.iter().map(|left| left.duration).sum();
            assert_eq!((count, duration.as_secs()), (u64::from(observed.is_some()), observed.unwrap_or(0)));
        }
    }
}
