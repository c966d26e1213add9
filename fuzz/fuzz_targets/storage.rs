//! Any bytes as the file in which the fleet outlives a restart; and any bytes within a file that is otherwise in order, since the
//! checksum keeps all others away.
//!
//! What is wrapped comes out again, for its own exporter alone, and not if a byte is missing. A fleet that is read is written again, and
//! read as the same. So is one that a start has taken over, whatever the clock shows. What takes memory without bound ends the run.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use nectar_exporter::fleet::{Fleet, FleetWriter, Moment, Restoring};
use nectar_exporter::poll::Selection;
use nectar_exporter::shard::Shard;
use nectar_exporter::storage::{Fingerprint, Unusable, format, records};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The first is that of the seed that is a whole file.
static FINGERPRINTS: LazyLock<[Fingerprint; 2]> = LazyLock::new(|| {
    ["http://127.0.0.1:10999/v2.2", "http://127.0.0.1:10999/v2.3"].map(|url| {
        let selection = Selection { only: vec![], except: vec![], shard: Shard::ALL };
        Fingerprint::of(&url.parse().unwrap(), &selection)
    })
});

fuzz_target!(|bytes: &[u8]| {
    let [own, other] = *FINGERPRINTS;
    if let Ok(body) = format::body(bytes, own) {
        check_records(body);
    }
    let mut file = Vec::new();
    format::write(&mut file, own, |out| out.write_all(bytes)).unwrap();
    assert_eq!(format::body(&file, own), Ok(bytes));
    assert_eq!(format::body(&file, other), Err(Unusable::Other));
    assert_eq!(format::body(&file[..file.len() - 1], own), Err(Unusable::Corrupt));
    check_records(bytes);
});

fn check_records(body: &[u8]) {
    let Some((fleet, stored)) = records::read(body, WEEK) else { return };
    // At the earliest time of all, no age is greater than it was stored.
    let body = written(&fleet, Timestamp::MIN);
    let (again, earliest) = records::read(&body, WEEK).expect("what was written");
    assert_eq!(earliest, Timestamp::MIN);
    assert_eq!(apart_from_changes(&again), apart_from_changes(&fleet));
    assert_eq!(written(&again, Timestamp::MIN), body);
    for (is_whole, wall) in [(true, stored), (false, stored), (true, Timestamp::MIN), (true, Timestamp::MAX)]
    {
        check_restored(fleet.clone(), Restoring { stored, now: at(wall), is_whole });
    }
}

/// A category of which nothing stands there is read as none, and written as 0: the second time, that is the same.
fn apart_from_changes(fleet: &Fleet) -> String {
    let mut fleet = fleet.clone();
    fleet.companies.values_mut().for_each(|state| Arc::make_mut(state).changes = Arc::default());
    format!("{fleet:?}")
}

/// What is shown after a start is stored again when the program ends, and can be read then.
fn check_restored(fleet: Fleet, restoring: Restoring) {
    let writer = FleetWriter::new(WEEK);
    writer.restore(fleet, restoring);
    let fleet = writer.reader().current();
    let stored = written(&fleet, restoring.now.wall);
    let (again, _) = records::read(&stored, WEEK).expect("what was written after a start");
    assert_eq!(written(&again, restoring.now.wall), stored);
}

fn written(fleet: &Fleet, wall: Timestamp) -> Vec<u8> {
    let mut body = Vec::new();
    records::write(&mut body, fleet, at(wall), Timestamp::UNIX_EPOCH).unwrap();
    body
}

fn at(wall: Timestamp) -> Moment {
    Moment { wall, monotonic: Duration::ZERO }
}
