//! A fleet made from a seed: which companies there are, how large, and in what state they start.
//!
//! Knows the mix of a real fleet.

use jiff::Timestamp;

use super::Plan;
use super::course::{self, Toward, draw, how_many};
use super::dice::Dice;
use super::names::{self, UTILITY_COUNT, Utility};
use super::past;
use super::world::{Account, Company, Connection, Standing, Word, World};
use crate::status::{Category, Kind, Recheck};

/// A fleet with at least this many companies has a deactivated one.
const ENOUGH_FOR_INACTIVE: usize = 8;

/// Per thousand.
const CONNECTION_MIX: &[(Toward, u32)] = &[
    (Toward::One(course::CONNECTED), 828),
    (Toward::Any(Category::InterventionNeeded), 80),
    (Toward::Any(Category::WebsiteIssue), 55),
    (Toward::One(course::UNDER_INVESTIGATION), 18),
    (Toward::One(course::PENDING), 14),
    (Toward::Undocumented, 5),
];

/// Per thousand, for accounts behind a login that works.
const ACCOUNT_MIX: &[(Toward, u32)] = &[
    (Toward::One(course::PULL_COMPLETED), 775),
    (Toward::One(course::ONBOARDED), 45),
    (Toward::One(course::DETECTED), 20),
    (Toward::Any(Category::Error), 75),
    (Toward::Any(Category::Terminal), 80),
    (Toward::Undocumented, 5),
];

/// The fleet of `plan`, at `start`.
pub(super) fn build(plan: &Plan, start: Timestamp) -> World {
    let dice = Dice::new(plan.seed);
    let mut world = World { start, companies: Vec::new(), accounts: plan.accounts, dice, next_serial: 0 };
    let count = usize::try_from(plan.companies).unwrap_or(usize::MAX);
    let sizes = sizes(plan, &mut world.dice);
    let inactive = (count >= ENOUGH_FOR_INACTIVE).then(|| world.dice.place(count));
    for (number, size) in sizes.into_iter().enumerate() {
        let company = company(&mut world, number, size, inactive != Some(number));
        world.companies.push(company);
    }
    world
}

/// Connections per company: uneven, as in life, yet `mean * companies` in sum.
fn sizes(plan: &Plan, dice: &mut Dice) -> Vec<u64> {
    let weights: Vec<u64> = (0..plan.companies).map(|_| dice.between(30, 170)).collect();
    let sum = u128::from(weights.iter().sum::<u64>());
    let first = u64::from(plan.connections.min(1));
    let rest = (u128::from(plan.connections) - u128::from(first)) * u128::from(plan.companies);
    let mut given = 0;
    let mut so_far = 0;
    weights
        .into_iter()
        .map(|weight| {
            // Rounding the running sum, not each share, lets nothing get lost.
            so_far += u128::from(weight);
            let target = rest * so_far / sum;
            let size = target - given;
            given = target;
            first + u64::try_from(size).unwrap_or(u64::MAX)
        })
        .collect()
}

fn company(world: &mut World, number: usize, size: u64, is_active: bool) -> Company {
    let (id, serial) = (world.dice.uuid(), world.serial());
    let external_id = world.dice.chance(0.7).then(|| format!("CUST-{:05}", 10_000 + number * 7));
    let home = world.dice.place(UTILITY_COUNT);
    let switched_off = past::switched_off(world.start, &mut world.dice);
    let mut company = Company {
        id,
        serial,
        name: names::company(number),
        external_id,
        is_active,
        initial: usize::try_from(size).unwrap_or(usize::MAX),
        connections: Vec::new(),
        down: Vec::new(),
    };
    let inactive = Word::Borrowed(course::COMPANY_INACTIVE);
    for _ in 0..size {
        let serial = world.serial();
        let utility = near(home, &mut world.dice);
        let status = draw(Kind::Connection, CONNECTION_MIX, &inactive, &mut world.dice);
        let mut connection =
            connection(world.start, world.accounts, serial, utility, status, &mut world.dice);
        if !is_active {
            past::deactivate(&mut connection, &inactive, switched_off);
        }
        company.connections.push(connection);
    }
    company
}

/// A company's sites lie near each other: most of its logins are with a few utilities.
pub(super) fn near(home: usize, dice: &mut Dice) -> &'static Utility {
    let step = if dice.chance(0.75) { dice.place(4) } else { dice.place(UTILITY_COUNT) };
    names::utility_at(home + step)
}

/// A connection in `status`, with the past and the accounts that go with it.
pub(super) fn connection(
    start: Timestamp,
    mean: u32,
    serial: u64,
    utility: &'static Utility,
    status: Word,
    dice: &mut Dice,
) -> Connection {
    let id = dice.uuid();
    let (created, standing) = past::connection(start, status, dice);
    let mut connection =
        Connection { id, serial, utility, standing, created, accounts: Vec::new(), due: None };
    for _ in 0..account_count(&connection, mean, dice) {
        let status = account_status(&connection, dice);
        let account = account(start, &connection, status, dice);
        connection.accounts.push(account);
    }
    connection
}

fn account_count(connection: &Connection, mean: u32, dice: &mut Dice) -> u64 {
    match connection.standing.status.as_ref() {
        course::PENDING | course::NO_ACCOUNTS_FOUND => 0,
        _ => how_many(mean, dice),
    }
}

fn account_status(connection: &Connection, dice: &mut Dice) -> Word {
    let blocked = Word::Borrowed(course::WORKFLOW_NOT_ACCESSIBLE);
    let status = draw(Kind::Account, ACCOUNT_MIX, &blocked, dice);
    let is_final =
        Kind::Account.documented().iter().any(|row| row.value == status && row.recheck == Recheck::Never);
    // Some accounts still show what they showed before their login broke.
    let is_blocked = connection.standing.status != course::CONNECTED && dice.chance(0.92);
    if is_blocked && !is_final { blocked } else { status }
}

/// An account in `status` behind `connection`, with the past that goes with it.
pub(super) fn account(start: Timestamp, connection: &Connection, status: Word, dice: &mut Dice) -> Account {
    Account { id: dice.uuid(), standing: past::account(start, connection, status, dice) }
}

/// A connection that was added just now: nothing has looked at it yet.
pub(super) fn fresh(serial: u64, utility: &'static Utility, at: Timestamp, dice: &mut Dice) -> Connection {
    Connection {
        id: dice.uuid(),
        serial,
        utility,
        standing: Standing::unchecked(Word::Borrowed(course::PENDING)),
        created: at,
        accounts: Vec::new(),
        due: None,
    }
}
