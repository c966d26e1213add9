//! The past of a fleet at its start: when each row was created, first seen, last checked.

use jiff::{SignedDuration, Timestamp};

use super::fleet::{Connection, StatusRecord, Word};
use super::random::Random;
use super::transitions::{
    COMPANY_INACTIVE, CONNECTED, DETECTED, PENDING, UNDER_INVESTIGATION, WORKFLOW_NOT_ACCESSIBLE,
};
use nectar_status::{Kind, Recheck};

const DAY: u64 = 24 * 60 * 60 * 1_000_000_000;

/// Nectar checks weekly.
const WEEK: u64 = 7 * DAY;

/// The time this long before `at`.
fn ago(at: Timestamp, nanos: u64) -> Timestamp {
    let span = SignedDuration::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX));
    at.checked_sub(span).unwrap_or(Timestamp::MIN)
}

/// When a connection in `status` was created, and the history of that status.
pub fn connection(start: Timestamp, status: Word, rng: &mut Random) -> (Timestamp, StatusRecord) {
    if status == PENDING && rng.chance(0.8) {
        return never_checked(start, status, rng);
    }
    let youngest = if status == PENDING { 3 * DAY } else { 14 * DAY };
    let oldest = if status == PENDING { WEEK } else { 730 * DAY };
    let created = ago(start, rng.between(youngest, oldest));
    let status_record = StatusRecord::unchecked(status);
    let recheck = status_record.read(Kind::Connection).recheck();
    let age = match recheck {
        Recheck::AfterCustomer => waiting_age(rng),
        Recheck::Periodic | Recheck::Never => checked_age(&status_record.status, rng),
    };
    let last = ago(start, age).max(created);
    let kept = match recheck {
        // Nobody checks again before the customer acts, so the status was recorded once.
        Recheck::AfterCustomer => 0,
        _ if status_record.status == CONNECTED => rng.below(200 * DAY),
        _ => rng.below(2) * WEEK,
    };
    (created, seen(status_record.status, last, kept, created, rng))
}

/// A first check comes within 48 hours.
fn never_checked(start: Timestamp, status: Word, rng: &mut Random) -> (Timestamp, StatusRecord) {
    let created = ago(start, rng.below(2 * DAY));
    let mut status_record = StatusRecord::unchecked(status);
    status_record.first_seen = rng.chance(0.25).then_some(created);
    (created, status_record)
}

/// Mostly days, up to six weeks: customers take their time.
fn waiting_age(rng: &mut Random) -> u64 {
    let widest = rng.below(42 * DAY);
    rng.below(widest.max(1))
}

/// Within the week; about one in a hundred is overdue.
fn checked_age(status: &str, rng: &mut Random) -> u64 {
    if status == UNDER_INVESTIGATION {
        return rng.below(5 * DAY);
    }
    if status != PENDING && rng.chance(0.01) {
        return rng.between(WEEK, 12 * DAY);
    }
    // A little less than the week, so that a fleet that stands still is not overdue at once.
    rng.below(WEEK - DAY / 6)
}

/// A status recorded at `last` that began `kept` earlier, though not before `created`.
fn seen(status: Word, last: Timestamp, kept: u64, created: Timestamp, rng: &mut Random) -> StatusRecord {
    let first = ago(last, kept).max(created);
    // Rows from before Nectar kept this field have none.
    let first_seen = (!rng.chance(0.04)).then_some(first);
    StatusRecord { status, last_update: Some(last), first_seen }
}

/// The history of an account behind `connection`.
pub fn account(start: Timestamp, connection: &Connection, status: Word, rng: &mut Random) -> StatusRecord {
    if status == DETECTED && rng.chance(0.4) {
        return StatusRecord::unchecked(status);
    }
    let status_record = StatusRecord::unchecked(status);
    let with_connection = connection.status_record.last_update.unwrap_or(connection.created);
    let created = connection.created;
    let (last, kept) = match status_record.read(Kind::Account).recheck() {
        Recheck::Never => (ago(start, rng.between(20 * DAY, 400 * DAY)), rng.below(WEEK)),
        // A login's accounts are checked together with it; a few were left out once.
        _ if rng.chance(0.005) => (ago(start, rng.between(WEEK, 12 * DAY)), 0),
        _ if status_record.status == WORKFLOW_NOT_ACCESSIBLE => {
            let began = connection.status_record.first_seen.unwrap_or(with_connection);
            (with_connection, u64::try_from(with_connection.duration_since(began).as_nanos()).unwrap_or(0))
        }
        _ => (with_connection, rng.below(60 * DAY)),
    };
    seen(status_record.status, last.max(created), kept, created, rng)
}

/// When a deactivated company was switched off: weeks ago.
pub fn switched_off(start: Timestamp, rng: &mut Random) -> Timestamp {
    ago(start, rng.between(20 * DAY, 35 * DAY))
}

/// The company was switched off at `at`, and was not checked since.
pub fn deactivate(connection: &mut Connection, status: &Word, at: Timestamp) {
    debug_assert_eq!(status, COMPANY_INACTIVE);
    let was = StatusRecord { status: status.clone(), last_update: Some(at), first_seen: Some(at) };
    connection.created = connection.created.min(ago(at, WEEK));
    connection.status_record = was.clone();
    for account in &mut connection.accounts {
        account.status_record = was.clone();
    }
}
