//! What is counted once for each snapshot: by status and by utility.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::undocumented::OVERFLOW;
use crate::model::{Connection, Snapshot};
use crate::status::{Kind, Status};

/// This many utilities of a company have a name of their own; further ones are [`OVERFLOW`] together. No company has as many, but a
/// fault at Nectar could flood Prometheus.
pub const MAX_DATASOURCES: usize = 1_000;

/// How long before the snapshot a check counts as recent. Checks are weekly: with all of them, an outage of a utility would show only
/// after six days.
const RECENT: SignedDuration = SignedDuration::from_hours(72);

/// The records of one status, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// How many were due for a check before the snapshot was begun.
    pub overdue: u64,
    /// The earliest due time among those that are checked again.
    pub next_due: Option<Timestamp>,
    /// The oldest `statusLastUpdateTime`.
    pub oldest_update: Option<Timestamp>,
    /// The oldest `statusFirstSeenTime`.
    pub oldest_first_seen: Option<Timestamp>,
    /// The newest `statusFirstSeenTime`, or `statusLastUpdateTime` of a record without one.
    pub newest_first_seen: Option<Timestamp>,
    /// The oldest `created`. Accounts have none.
    pub oldest_created: Option<Timestamp>,
    /// The oldest `created` among those that were never checked.
    pub oldest_never_checked: Option<Timestamp>,
}

impl Tally {
    fn add(&mut self, times: RecordTimes, begun_wall: Timestamp) {
        self.count += 1;
        self.overdue += u64::from(times.due.is_some_and(|due| due < begun_wall));
        self.next_due = earlier(self.next_due, times.due);
        self.oldest_update = earlier(self.oldest_update, times.last_update);
        self.oldest_first_seen = earlier(self.oldest_first_seen, times.first_seen);
        // `None` is less than any time.
        self.newest_first_seen = self.newest_first_seen.max(times.first_seen.or(times.last_update));
        self.oldest_created = earlier(self.oldest_created, times.created);
        if times.last_update.is_none() {
            self.oldest_never_checked = earlier(self.oldest_never_checked, times.created);
        }
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.overdue += other.overdue;
        self.next_due = earlier(self.next_due, other.next_due);
        self.oldest_update = earlier(self.oldest_update, other.oldest_update);
        self.oldest_first_seen = earlier(self.oldest_first_seen, other.oldest_first_seen);
        self.newest_first_seen = self.newest_first_seen.max(other.newest_first_seen);
        self.oldest_created = earlier(self.oldest_created, other.oldest_created);
        self.oldest_never_checked = earlier(self.oldest_never_checked, other.oldest_never_checked);
    }
}

/// The times of one record.
#[derive(Clone, Copy)]
struct RecordTimes {
    last_update: Option<Timestamp>,
    first_seen: Option<Timestamp>,
    due: Option<Timestamp>,
    created: Option<Timestamp>,
}

/// How many series a record has when it is shown by itself: its info, its status, and those of these times that are known.
fn series<const N: usize>(times: [Option<Timestamp>; N]) -> u64 {
    2 + times.into_iter().map(|time| u64::from(time.is_some())).sum::<u64>()
}

/// The records of one kind, counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct KindTallies {
    /// Only statuses that occur.
    pub by_status: BTreeMap<Status, Tally>,
    /// Records without a `statusLastUpdateTime`.
    pub never_checked: u64,
    /// How many series they have when each is shown by itself.
    pub series: u64,
}

impl KindTallies {
    /// How many records there are.
    pub fn count(&self) -> u64 {
        self.by_status.values().map(|tally| tally.count).sum()
    }

    fn add(&mut self, status: &Status, times: RecordTimes, begun_wall: Timestamp) {
        match self.by_status.get_mut(status) {
            Some(tally) => tally.add(times, begun_wall),
            None => self.by_status.entry(status.clone()).or_default().add(times, begun_wall),
        }
        self.never_checked += u64::from(times.last_update.is_none());
    }
}

/// The connections of one status at one utility, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DatasourceTally {
    /// How many.
    pub count: u64,
    /// How many were checked in the 72 hours before the snapshot was begun.
    pub recently_checked: u64,
}

impl DatasourceTally {
    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.recently_checked += other.recently_checked;
    }
}

/// The counts of a snapshot.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tallies {
    /// The connections.
    pub connections: KindTallies,
    /// Their accounts.
    pub accounts: KindTallies,
    /// Connections by utility and status; only those that occur.
    pub by_datasource: BTreeMap<Arc<str>, BTreeMap<Status, DatasourceTally>>,
}

impl Tallies {
    /// Counts `snapshot`. A check is due one `interval` after the last update.
    pub fn of(snapshot: &Snapshot, interval: SignedDuration) -> Self {
        let mut tallies = Self::default();
        for connection in snapshot.connections.iter() {
            tallies.add(connection, snapshot.begun_wall, interval);
        }
        tallies.fold_datasources();
        tallies
    }

    /// Merges the utilities beyond the limit. The first ones by name keep theirs, so that they are the same at every poll.
    fn fold_datasources(&mut self) {
        let Some(first_beyond) = self.by_datasource.keys().nth(MAX_DATASOURCES).cloned() else { return };
        let beyond = self.by_datasource.split_off(&first_beyond);
        let overflow = self.by_datasource.entry(OVERFLOW.into()).or_default();
        for (status, tally) in beyond.into_values().flatten() {
            overflow.entry(status).or_default().merge(&tally);
        }
    }

    /// The tallies of one kind.
    pub fn kind(&self, kind: Kind) -> &KindTallies {
        match kind {
            Kind::Connection => &self.connections,
            Kind::Account => &self.accounts,
        }
    }

    /// The statuses that occur.
    pub fn statuses(&self) -> impl Iterator<Item = (Kind, &Status)> {
        let of = |kind| self.kind(kind).by_status.keys().map(move |status| (kind, status));
        Kind::ALL.into_iter().flat_map(of)
    }

    fn add(&mut self, connection: &Connection, begun_wall: Timestamp, interval: SignedDuration) {
        let times = RecordTimes {
            last_update: connection.last_update,
            first_seen: connection.first_seen,
            due: connection.check_due(interval),
            created: connection.created,
        };
        self.connections.add(&connection.status, times, begun_wall);
        self.connections.series += series([
            connection.last_update,
            connection.first_seen,
            connection.created_if_never_checked(),
            connection.not_connected_since(),
        ]);
        let statuses = self.by_datasource.entry(Arc::clone(&connection.datasource)).or_default();
        let age = connection.last_update.map(|update| begun_wall.duration_since(update));
        let recently_checked = u64::from(age.is_some_and(|age| age < RECENT));
        let tally = DatasourceTally { count: 1, recently_checked };
        statuses.entry(connection.status.clone()).or_default().merge(&tally);
        for account in &connection.accounts {
            let times = RecordTimes {
                last_update: account.last_update,
                first_seen: account.first_seen,
                due: connection.account_check_due(account, interval),
                created: None,
            };
            self.accounts.add(&account.status, times, begun_wall);
            self.accounts.series += series([times.last_update, times.first_seen, times.due]);
        }
    }
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;
    use crate::model::RecordFaults;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + day * 24 * 60 * 60).unwrap()
    }

    fn connection(id: u32, status: &str, last_update: Option<i64>, first_seen: Option<i64>) -> Connection {
        Connection {
            id: id.to_string().into(),
            status: Status::read(Kind::Connection, Some(status)),
            last_update: last_update.map(at),
            first_seen: first_seen.map(at),
            created: Some(at(0)),
            datasource: format!("Utility {id:04}").into(),
            country: "US".into(),
            accounts: Vec::new(),
        }
    }

    /// As of day 20, where Nectar looks again after seven days.
    fn counted(connections: Vec<Connection>) -> Tallies {
        let connections = Arc::new(connections);
        let (begun_wall, begun_monotonic, faults) = (at(20), Duration::ZERO, RecordFaults::default());
        let snapshot = Snapshot { begun_wall, begun_monotonic, connections, faults };
        Tallies::of(&snapshot, SignedDuration::from_hours(7 * 24))
    }

    #[test]
    fn what_is_counted_of_a_status() {
        let tallies = counted(vec![
            connection(1, "PENDING", Some(10), Some(5)),
            connection(2, "PENDING", Some(19), None),
            connection(3, "PENDING", None, None),
            connection(4, "PASSWORD_INCORRECT", Some(1), Some(1)),
        ]);
        let of = |word: &str| {
            let status = Status::read(Kind::Connection, Some(word));
            tallies.connections.by_status.get(&status).unwrap()
        };
        let pending = of("PENDING");
        assert_eq!((pending.count, pending.overdue, tallies.connections.never_checked), (3, 1, 1));
        assert_eq!((pending.next_due, pending.oldest_update), (Some(at(17)), Some(at(10))));
        // The second has no other time than its update.
        assert_eq!((pending.oldest_first_seen, pending.newest_first_seen), (Some(at(5)), Some(at(19))));
        assert_eq!((pending.oldest_created, pending.oldest_never_checked), (Some(at(0)), Some(at(0))));
        let waiting = of("PASSWORD_INCORRECT");
        assert_eq!((waiting.overdue, waiting.next_due), (0, None), "nobody looks before the customer acts");
    }

    /// The first by name keep their names, so that they are the same at every poll.
    #[test]
    fn utilities_beyond_the_limit_are_one() {
        let number = u32::try_from(MAX_DATASOURCES).unwrap();
        let fleet = |utilities| {
            counted((0..utilities).rev().map(|id| connection(id, "CONNECTED", Some(20), None)).collect())
        };
        let full = fleet(number).by_datasource;
        assert!(full.len() == MAX_DATASOURCES && !full.contains_key(OVERFLOW));
        let beyond = fleet(number + 2).by_datasource;
        assert_eq!(beyond.len(), MAX_DATASOURCES + 1);
        assert!(beyond.contains_key("Utility 0999") && !beyond.contains_key("Utility 1000"));
        let folded: Vec<DatasourceTally> = beyond.get(OVERFLOW).unwrap().values().copied().collect();
        assert_eq!(folded, [DatasourceTally { count: 2, recently_checked: 2 }]);
    }
}
