//! What stands in the file about the fleet: times, ids, names, statuses and counts, one record after the other. It goes by words and not by
//! the order of enumerations, so that a status that gets a row in the table is still the same one.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fleet::changes::{ByLabel, Changes, Left};
use crate::fleet::durations::{Durations, LIMITS, Observed};
use crate::fleet::tally::Tallies;
use crate::fleet::{CompanyState, Fleet, Moment, StoredSnapshot};
use crate::model::{Account, Company, Connection, RecordFault, RecordFaults, Snapshot};
use crate::status::{Category, Kind, Status};

/// A point in time, to the nanosecond.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "i128", into = "i128")]
struct Time(Timestamp);

impl From<Time> for i128 {
    fn from(Time(time): Time) -> Self {
        time.as_nanosecond()
    }
}

impl TryFrom<i128> for Time {
    type Error = jiff::Error;

    fn try_from(nanoseconds: i128) -> Result<Self, jiff::Error> {
        Timestamp::from_nanosecond(nanoseconds).map(Self)
    }
}

/// What comes first.
#[derive(Serialize, Deserialize)]
struct FleetRecord<'a> {
    stored: Time,
    last_whole_poll: Option<Time>,
    durations_since: Time,
    /// Status, counts by bucket, and sum.
    #[serde(borrow)]
    durations: Vec<(&'a str, [u64; LIMITS.len() + 1], Duration)>,
    /// Undocumented statuses that are shown under their own name: of connections, of accounts.
    #[serde(borrow)]
    undocumented: [Vec<&'a str>; 2],
    companies: u64,
}

/// A company. Its connections follow.
#[derive(Serialize, Deserialize)]
struct CompanyRecord<'a> {
    id: &'a str,
    name: &'a str,
    external_id: &'a str,
    /// The reason, if it failed.
    #[serde(borrow)]
    last_reading: Option<Result<(), &'a str>>,
    changes_since: Option<Time>,
    /// By label: of connections, of accounts.
    #[serde(borrow)]
    changes: [Vec<(&'a str, u64)>; 2],
    #[serde(borrow)]
    left: Vec<(&'a str, u64, Duration)>,
    #[serde(borrow)]
    snapshot: Option<SnapshotRecord<'a>>,
}

#[derive(Serialize, Deserialize)]
struct SnapshotRecord<'a> {
    begun: Time,
    /// How old it was when it was stored.
    age: Duration,
    #[serde(borrow)]
    faults: Vec<(&'a str, &'a str, u64)>,
    connections: u64,
}

#[derive(Serialize, Deserialize)]
struct ConnectionRecord<'a> {
    id: &'a str,
    #[serde(borrow)]
    status: Option<&'a str>,
    last_update: Option<Time>,
    first_seen: Option<Time>,
    created: Option<Time>,
    datasource: &'a str,
    country: &'a str,
    #[serde(borrow)]
    accounts: Vec<AccountRecord<'a>>,
}

#[derive(Serialize, Deserialize)]
struct AccountRecord<'a> {
    id: &'a str,
    #[serde(borrow)]
    status: Option<&'a str>,
    last_update: Option<Time>,
    first_seen: Option<Time>,
}

/// Nectar's own text, or one that is read as the same status.
fn text_of(status: &Status) -> Option<&str> {
    match status {
        Status::Missing => None,
        Status::Invalid => Some(""),
        Status::Documented(_) | Status::Undocumented(_) => Some(status.word()),
    }
}

/// Writes the fleet as it is `now`, of a program that was `started` then.
///
/// # Errors
/// When it cannot be written.
pub fn write(out: &mut dyn Write, fleet: &Fleet, now: Moment, started: Timestamp) -> io::Result<()> {
    let mut out = Writer { out, buffer: Vec::new() };
    out.put(&FleetRecord {
        stored: Time(now.wall),
        last_whole_poll: fleet.last_whole_poll.map(Time),
        durations_since: Time(fleet.durations.since.unwrap_or(started)),
        durations: fleet
            .durations
            .iter()
            .map(|(status, Observed { counts, sum })| (status, *counts, *sum))
            .collect(),
        undocumented: Kind::ALL.map(|kind| fleet.undocumented.words(kind).collect()),
        companies: length(fleet.companies.len()),
    })?;
    fleet.companies.values().try_for_each(|state| out.put_company(state, now))
}

fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

struct Writer<'a> {
    out: &'a mut dyn Write,
    buffer: Vec<u8>,
}

impl Writer<'_> {
    /// Encoded first, so that an error of the system is known as such.
    fn put(&mut self, record: &impl Serialize) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        self.buffer = postcard::to_extend(record, buffer).map_err(io::Error::other)?;
        self.out.write_all(&self.buffer)
    }

    fn put_company(&mut self, state: &CompanyState, now: Moment) -> io::Result<()> {
        let CompanyState { company, changes, stored, .. } = state;
        let counts = |kind| changes.kind(kind).iter().map(|(label, count)| (&**label, *count)).collect();
        let left = Category::BROKEN.map(|category| {
            let Left { count, duration } = changes.left(category);
            (category.label(), count, duration)
        });
        self.put(&CompanyRecord {
            id: &company.id,
            name: &company.name,
            external_id: &company.external_id,
            last_reading: state.last_reading.map(|reading| reading.map_err(Failure::label)),
            changes_since: changes.since().map(Time),
            changes: Kind::ALL.map(counts),
            left: left.to_vec(),
            snapshot: stored.as_ref().map(|stored| SnapshotRecord {
                begun: Time(stored.snapshot.begun_wall),
                age: state.age(now).unwrap_or_default().max(SignedDuration::ZERO).unsigned_abs(),
                faults: faults(&stored.snapshot.faults),
                connections: length(stored.snapshot.connections.len()),
            }),
        })?;
        let connections = stored.iter().flat_map(|stored| stored.snapshot.connections.iter());
        connections.into_iter().try_for_each(|connection| self.put_connection(connection))
    }

    fn put_connection(&mut self, connection: &Connection) -> io::Result<()> {
        let accounts = connection.accounts.iter().map(|account| AccountRecord {
            id: &account.id,
            status: text_of(&account.status),
            last_update: account.last_update.map(Time),
            first_seen: account.first_seen.map(Time),
        });
        self.put(&ConnectionRecord {
            id: &connection.id,
            status: text_of(&connection.status),
            last_update: connection.last_update.map(Time),
            first_seen: connection.first_seen.map(Time),
            created: connection.created.map(Time),
            datasource: &connection.datasource,
            country: &connection.country,
            accounts: accounts.collect(),
        })
    }
}

fn faults(faults: &RecordFaults) -> Vec<(&'static str, &'static str, u64)> {
    faults.iter().map(|(kind, fault, count)| (kind.label(), fault.label(), count)).collect()
}

/// Reads a fleet, and when it was stored. Ages at the clock's origin are those when it was stored. What is counted for each company is counted anew. None if it is not as it was written.
pub fn read(body: &[u8], check_interval: SignedDuration) -> Option<(Fleet, Timestamp)> {
    let mut reader = Reader { left: body, texts: HashSet::new(), check_interval };
    let head: FleetRecord<'_> = reader.take()?;
    let mut fleet =
        Fleet { last_whole_poll: head.last_whole_poll.map(|Time(time)| time), ..Fleet::default() };
    let durations = head.durations.into_iter().filter_map(|(word, counts, sum)| {
        match Status::read(Kind::Connection, Some(word)) {
            Status::Documented(row) => Some((row, Observed { counts, sum })),
            _ => None,
        }
    });
    fleet.durations = Durations::restored(head.durations_since.0, durations);
    for (kind, words) in Kind::ALL.into_iter().zip(head.undocumented) {
        let statuses: Vec<Status> = words.into_iter().map(|word| Status::read(kind, Some(word))).collect();
        fleet.undocumented.grant(kind, &statuses);
    }
    for _ in 0..head.companies {
        let state = reader.take_company()?;
        fleet.companies.insert(Arc::clone(&state.company.id), Arc::new(state));
    }
    reader.left.is_empty().then_some((fleet, head.stored.0))
}

struct Reader<'a> {
    left: &'a [u8],
    /// Names of utilities and countries, which thousands of connections share.
    texts: HashSet<Arc<str>>,
    check_interval: SignedDuration,
}

impl<'a> Reader<'a> {
    fn take<T: Deserialize<'a>>(&mut self) -> Option<T> {
        let (record, left) = postcard::take_from_bytes(self.left).ok()?;
        self.left = left;
        Some(record)
    }

    fn take_company(&mut self) -> Option<CompanyState> {
        let record: CompanyRecord<'_> = self.take()?;
        let company = Company {
            id: record.id.into(),
            name: record.name.into(),
            external_id: record.external_id.into(),
        };
        let last_reading = match record.last_reading {
            None => None,
            Some(Ok(())) => Some(Ok(())),
            Some(Err(label)) => Some(Err(Failure::all().find(|failure| failure.label() == label)?)),
        };
        let [connections, accounts] = record.changes.map(by_label);
        let left: BTreeMap<Category, Left> = record
            .left
            .into_iter()
            .filter_map(|(label, count, duration)| Some((category(label)?, Left { count, duration })))
            .collect();
        let since = record.changes_since.map(|Time(time)| time);
        let mut state = CompanyState::new(company, last_reading, Duration::ZERO);
        state.changes = Arc::new(Changes::restored(since, connections, accounts, left));
        if let Some(snapshot) = record.snapshot {
            state.age_at_origin = SignedDuration::try_from(snapshot.age).ok()?;
            state.stored = Some(Arc::new(self.take_snapshot(snapshot)?));
        }
        Some(state)
    }

    fn take_snapshot(&mut self, record: SnapshotRecord<'_>) -> Option<StoredSnapshot> {
        let mut faults = RecordFaults::default();
        for (kind, fault, count) in record.faults {
            let kind = Kind::ALL.into_iter().find(|known| known.label() == kind)?;
            let fault = RecordFault::ALL.iter().find(|known| known.label() == fault)?;
            faults.set(kind, *fault, count);
        }
        let connections: Option<Vec<Connection>> =
            (0..record.connections).map(|_| self.take_connection()).collect();
        let snapshot = Snapshot {
            begun_wall: record.begun.0,
            begun_monotonic: Duration::ZERO,
            connections: Arc::new(connections?),
            faults,
        };
        let tallies = Arc::new(Tallies::of(&snapshot, self.check_interval));
        Some(StoredSnapshot { snapshot, tallies })
    }

    fn take_connection(&mut self) -> Option<Connection> {
        let record: ConnectionRecord<'_> = self.take()?;
        let time = |time: Option<Time>| time.map(|Time(time)| time);
        let accounts = record.accounts.into_iter().map(|record| Account {
            id: record.id.into(),
            status: Status::read(Kind::Account, record.status),
            last_update: time(record.last_update),
            first_seen: time(record.first_seen),
        });
        Some(Connection {
            id: record.id.into(),
            status: Status::read(Kind::Connection, record.status),
            last_update: time(record.last_update),
            first_seen: time(record.first_seen),
            created: time(record.created),
            datasource: self.shared(record.datasource),
            country: self.shared(record.country),
            accounts: accounts.collect(),
        })
    }

    fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&shared));
        shared
    }
}

fn by_label(counts: Vec<(&str, u64)>) -> ByLabel {
    counts.into_iter().map(|(label, count)| (label.into(), count)).collect()
}

fn category(label: &str) -> Option<Category> {
    Category::BROKEN.into_iter().find(|category| category.label() == label)
}

#[cfg(test)]
mod tests;
