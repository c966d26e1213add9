//! That what is read is what was written, whatever there is to write.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use super::*;
use crate::failure::Reason;
use crate::fleet::undocumented::ShownUndocumented;

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

fn at(second: i64) -> Timestamp {
    Timestamp::new(second, 123_456_789).unwrap()
}

fn company(id: &str, last_reading: Option<Result<(), Failure>>) -> CompanyState {
    let company = Company { id: id.into(), name: "N \n\u{1f33b}".into(), external_id: "".into() };
    CompanyState::new(company, last_reading, Duration::ZERO)
}

fn connection(id: &str, status: Option<&str>, time: Option<Timestamp>) -> Connection {
    let account = Account {
        id: id.into(),
        status: Status::read(Kind::Account, status),
        last_update: time,
        first_seen: None,
    };
    Connection {
        id: id.into(),
        status: Status::read(Kind::Connection, status),
        last_update: None,
        first_seen: time,
        created: time,
        datasource: "U".into(),
        country: "unknown".into(),
        accounts: vec![account],
    }
}

/// With every kind of value.
fn fleet() -> Fleet {
    let mut fleet = Fleet { last_whole_poll: Some(at(5)), ..Fleet::default() };
    let statuses =
        [None, Some("CONNECTED"), Some("NEW"), Some("INVALID"), Some("no status"), Some("MISSING")];
    let connections = (0..).zip(statuses).map(|(number, status)| {
        connection(&number.to_string(), status, (number % 2 == 0).then(|| at(-9_000_000_000)))
    });
    let mut faults = RecordFaults::default();
    faults.add(Kind::Account, RecordFault::BadTime);
    let snapshot = Snapshot {
        begun_wall: at(3),
        begun_monotonic: Duration::ZERO,
        connections: Arc::new(connections.collect()),
        faults,
    };
    let tallies = Arc::new(Tallies::of(&snapshot, WEEK));
    let mut read = company("a", Some(Ok(())));
    read.age_at_origin = SignedDuration::from_secs(9);
    read.stored = Some(Arc::new(StoredSnapshot { snapshot, tallies }));
    let left = Left { count: 3, duration: Duration::from_nanos(u64::MAX) };
    let left = Category::BROKEN.map(|category| (category, left));
    let changes = |label: &str, count| ByLabel::from([(label.into(), count)]);
    read.changes =
        Arc::new(Changes::restored(Some(at(1)), changes("NEW", u64::MAX), changes("x", 0), left.into()));
    let states = [
        read,
        company("b", None),
        company("c", Some(Err(Failure::NotListed))),
        company("d", Some(Err(Failure::Request(Reason::Dns)))),
    ];
    for mut state in states {
        if state.stored.is_none() {
            let left = Category::BROKEN.map(|category| (category, Left::default()));
            state.changes = Arc::new(Changes::restored(None, ByLabel::new(), ByLabel::new(), left.into()));
        }
        fleet.companies.insert(Arc::clone(&state.company.id), Arc::new(state));
    }
    fleet.undocumented = ShownUndocumented::default();
    fleet.undocumented.grant(Kind::Account, &[Status::read(Kind::Account, Some("NEW"))]);
    fleet.durations.since = Some(at(2));
    let broken = Kind::Connection.documented().iter().find(|status| status.category.is_broken());
    fleet.durations.observe(broken.unwrap(), Duration::from_secs(9_000));
    fleet
}

fn body(fleet: &Fleet) -> Vec<u8> {
    let mut body = Vec::new();
    let now = Moment { wall: at(7), monotonic: Duration::ZERO };
    write(&mut body, fleet, now, at(0)).unwrap();
    body
}

#[test]
fn what_is_read_is_what_was_written() {
    let fleet = fleet();
    let (read, stored) = read(&body(&fleet), WEEK).unwrap();
    assert_eq!(stored, at(7));
    assert_eq!(format!("{read:#?}"), format!("{fleet:#?}"));
    let connections = &read.companies["a"].stored.as_ref().unwrap().snapshot.connections;
    assert!(Arc::ptr_eq(&connections[0].datasource, &connections[1].datasource), "memory is shared");
}

/// The checksum keeps such bytes away; should they come all the same, they are refused or read, and nothing panics.
#[test]
fn no_bytes_panic() {
    let body = body(&fleet());
    for length in 0..body.len() {
        assert!(read(&body[..length], WEEK).is_none(), "{length} bytes");
    }
    for place in 0..body.len() {
        for byte in [0, 0x7f, 0x80, 0xff, body[place] ^ 1] {
            let mut body = body.clone();
            body[place] = byte;
            let _ = read(&body, WEEK);
        }
    }
}
