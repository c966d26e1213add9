//! Makes a fleet from a seed: which companies there are, how large they are, and in what state they start.

use jiff::Timestamp;

use super::Plan;
use super::fleet::{Account, Company, Connection, Fleet, StatusRecord, Word};
use super::history;
use super::random::Random;
use super::seed_data::{self, UTILITY_COUNT, Utility};
use super::transitions::{self, NextStatus, draw, how_many};
use nectar_status::{Category, Kind, Recheck, Status};

/// A fleet with at least this many companies has a deactivated one.
const ENOUGH_FOR_INACTIVE: usize = 8;

/// Per thousand.
const CONNECTION_MIX: &[(NextStatus, u32)] = &[
    (NextStatus::One(transitions::CONNECTED), 828),
    (NextStatus::Any(Category::InterventionNeeded), 80),
    (NextStatus::Any(Category::WebsiteIssue), 55),
    (NextStatus::One(transitions::UNDER_INVESTIGATION), 18),
    (NextStatus::One(transitions::PENDING), 14),
    (NextStatus::Undocumented, 5),
];

/// Per thousand, for accounts behind a login that works.
const ACCOUNT_MIX: &[(NextStatus, u32)] = &[
    (NextStatus::One(transitions::PULL_COMPLETED), 775),
    (NextStatus::One(transitions::ONBOARDED), 45),
    (NextStatus::One(transitions::DETECTED), 20),
    (NextStatus::Any(Category::Error), 75),
    (NextStatus::Any(Category::Terminal), 80),
    (NextStatus::Undocumented, 5),
];

/// The fleet of `plan`, at `start`.
pub fn build(plan: &Plan, start: Timestamp) -> Fleet {
    let rng = Random::new(plan.seed);
    let mut fleet = Fleet { start, companies: Vec::new(), accounts: plan.accounts, rng, next_serial: 0 };
    let count = usize::try_from(plan.companies).unwrap_or(usize::MAX);
    let sizes = sizes(plan, &mut fleet.rng);
    let inactive = (count >= ENOUGH_FOR_INACTIVE).then(|| fleet.rng.place(count));
    for (number, size) in sizes.into_iter().enumerate() {
        let company = company(&mut fleet, number, size, inactive != Some(number));
        fleet.companies.push(company);
    }
    fleet
}

/// Connections per company: uneven, as in reality, but `mean * companies` in total.
fn sizes(plan: &Plan, rng: &mut Random) -> Vec<u64> {
    let weights: Vec<u64> = (0..plan.companies).map(|_| rng.between(30, 170)).collect();
    let sum = u128::from(weights.iter().sum::<u64>());
    let first = u64::from(plan.connections.min(1));
    let rest = (u128::from(plan.connections) - u128::from(first)) * u128::from(plan.companies);
    let mut given = 0;
    let mut so_far = 0;
    weights
        .into_iter()
        .map(|weight| {
            // Rounding the running total instead of each share loses nothing.
            so_far += u128::from(weight);
            let target = rest * so_far / sum;
            let size = target - given;
            given = target;
            first + u64::try_from(size).unwrap_or(u64::MAX)
        })
        .collect()
}

fn company(fleet: &mut Fleet, number: usize, size: u64, is_active: bool) -> Company {
    let (id, serial) = (fleet.rng.uuid(), fleet.serial());
    let external_id = fleet.rng.chance(0.7).then(|| format!("CUST-{:05}", 10_000 + number * 7));
    let home = fleet.rng.place(UTILITY_COUNT);
    let switched_off = history::switched_off(fleet.start, &mut fleet.rng);
    let mut company = Company {
        id,
        serial,
        name: seed_data::company(number),
        external_id,
        is_active,
        initial: usize::try_from(size).unwrap_or(usize::MAX),
        connections: Vec::new(),
        down: Vec::new(),
    };
    let inactive = Word::Borrowed(transitions::COMPANY_INACTIVE);
    for _ in 0..size {
        let serial = fleet.serial();
        let utility = near(home, &mut fleet.rng);
        let status = draw(Kind::Connection, CONNECTION_MIX, &inactive, &mut fleet.rng);
        let mut connection = connection(fleet.start, fleet.accounts, serial, utility, status, &mut fleet.rng);
        if !is_active {
            history::deactivate(&mut connection, &inactive, switched_off);
        }
        company.connections.push(connection);
    }
    company
}

/// A company's sites lie near each other: most of its logins are with a few utilities.
pub fn near(home: usize, rng: &mut Random) -> &'static Utility {
    let step = if rng.chance(0.75) { rng.place(4) } else { rng.place(UTILITY_COUNT) };
    seed_data::utility_at(home + step)
}

/// A connection in `status`, with a matching past and matching accounts.
pub fn connection(
    start: Timestamp,
    mean: u32,
    serial: u64,
    utility: &'static Utility,
    status: Word,
    rng: &mut Random,
) -> Connection {
    let id = rng.uuid();
    let (created, status_record) = history::connection(start, status, rng);
    let mut connection = Connection {
        id,
        serial,
        utility,
        status_record,
        past: Vec::new(),
        created,
        accounts: Vec::new(),
        due: None,
    };
    for _ in 0..account_count(&connection, mean, rng) {
        let status = account_status(&connection, rng);
        let account = account(start, &connection, status, rng);
        connection.accounts.push(account);
    }
    connection
}

fn account_count(connection: &Connection, mean: u32, rng: &mut Random) -> u64 {
    match connection.status_record.status.as_ref() {
        transitions::PENDING | transitions::NO_ACCOUNTS_FOUND => 0,
        _ => how_many(mean, rng),
    }
}

fn account_status(connection: &Connection, rng: &mut Random) -> Word {
    let blocked = Word::Borrowed(transitions::WORKFLOW_NOT_ACCESSIBLE);
    let status = draw(Kind::Account, ACCOUNT_MIX, &blocked, rng);
    let is_final = Status::read(Kind::Account, Some(&status)).recheck() == Recheck::Never;
    // Some accounts still show what they showed before their login broke.
    let is_blocked = connection.status_record.status != transitions::CONNECTED && rng.chance(0.92);
    if is_blocked && !is_final { blocked } else { status }
}

/// An account in `status` behind `connection`, with a matching past.
pub fn account(start: Timestamp, connection: &Connection, status: Word, rng: &mut Random) -> Account {
    Account { id: rng.uuid(), status_record: history::account(start, connection, status, rng) }
}

/// A connection that was added just now, and never checked.
pub fn fresh(serial: u64, utility: &'static Utility, at: Timestamp, rng: &mut Random) -> Connection {
    Connection {
        id: rng.uuid(),
        serial,
        utility,
        status_record: StatusRecord::unchecked(Word::Borrowed(transitions::PENDING)),
        past: Vec::new(),
        created: at,
        accounts: Vec::new(),
        due: None,
    }
}
