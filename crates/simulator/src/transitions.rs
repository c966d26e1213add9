//! The documented life cycle of a connection and its accounts: what a check may find, and what follows from it.
//!
//! The probabilities keep the mix of statuses about as it is at the start; a test checks that.

use jiff::Timestamp;

use super::fleet::{Account, Connection, StatusRecord, Word};
use super::random::Random;
use super::seed_data::{UNDOCUMENTED_ACCOUNT, UNDOCUMENTED_CONNECTION};
use nectar_status::{Category, Kind, Recheck, Status};

// The statuses that are handled each in its own way; all others go by their category.
pub const PENDING: &str = "PENDING";
pub const CONNECTED: &str = "CONNECTED";
pub const UNDER_INVESTIGATION: &str = "UNDER_INVESTIGATION";
pub const NO_ACCOUNTS_FOUND: &str = "NO_ACCOUNTS_FOUND";
pub const WEBSITE_DOWN: &str = "WEBSITE_DOWN";
pub const COMPANY_INACTIVE: &str = "COMPANY_INACTIVE";
pub const DETECTED: &str = "DETECTED";
pub const ONBOARDED: &str = "ONBOARDED";
pub const PULL_COMPLETED: &str = "PULL_COMPLETED";
pub const WORKFLOW_NOT_ACCESSIBLE: &str = "WORKFLOW_NOT_ACCESSIBLE";
pub const CUSTOMER_NOT_TRACKED: &str = "CUSTOMER_NOT_TRACKED";
pub const DUPLICATE: &str = "DUPLICATE";

/// So many past statuses of a connection are kept: a demo may run for months.
const MAX_PAST: usize = 100;

/// What a check may find.
#[derive(Debug, Clone, Copy)]
pub enum NextStatus {
    /// This very status.
    One(&'static str),
    /// Any documented status under this heading.
    Any(Category),
    /// A status that the page does not know.
    Undocumented,
    /// No change.
    Same,
}

use NextStatus::{Any, One, Same, Undocumented};

/// Draws a status of `kind`; `same` is the result for no change.
pub fn draw(kind: Kind, chances: &[(NextStatus, u32)], same: &Word, rng: &mut Random) -> Word {
    match rng.weighted(chances).unwrap_or(Same) {
        One(word) => Word::Borrowed(word),
        Any(category) => any_of(kind, category, rng).map_or_else(|| same.clone(), Word::Borrowed),
        Undocumented => undocumented(kind, rng).map_or_else(|| same.clone(), Word::Borrowed),
        Same => same.clone(),
    }
}

fn any_of(kind: Kind, category: Category, rng: &mut Random) -> Option<&'static str> {
    // These two come from elsewhere: from a broken connection, or a company that was switched off.
    let words: Vec<&'static str> = kind
        .documented()
        .iter()
        .filter(|row| row.category == category)
        .map(|row| row.value)
        .filter(|word| ![WORKFLOW_NOT_ACCESSIBLE, COMPANY_INACTIVE].contains(word))
        .collect();
    rng.pick(&words).copied()
}

fn undocumented(kind: Kind, rng: &mut Random) -> Option<&'static str> {
    let words = match kind {
        Kind::Connection => UNDOCUMENTED_CONNECTION,
        Kind::Account => UNDOCUMENTED_ACCOUNT,
    };
    rng.pick(words).copied()
}

/// What the next check of a connection finds. For one that waits for its customer, the check that the customer asked for.
pub fn next_connection(status: &Word, rng: &mut Random) -> Word {
    let intervention = Any(Category::InterventionNeeded);
    let website = Any(Category::WebsiteIssue);
    let under_investigation = One(UNDER_INVESTIGATION);
    let row = Status::read(Kind::Connection, Some(status));
    let chances: &[(NextStatus, u32)] = match (status.as_ref(), row.category()) {
        (COMPANY_INACTIVE, _) => &[(Same, 1)],
        (CONNECTED, _) => {
            &[(Same, 788), (intervention, 125), (website, 55), (under_investigation, 30), (Undocumented, 2)]
        }
        (PENDING, _) => &[(One(CONNECTED), 86), (intervention, 8), (website, 4), (under_investigation, 2)],
        (UNDER_INVESTIGATION, _) => &[(One(CONNECTED), 90), (intervention, 10)],
        (NO_ACCOUNTS_FOUND, _) => &[(One(CONNECTED), 60), (Same, 40)],
        (_, Category::WebsiteIssue) => {
            &[(One(CONNECTED), 80), (Same, 14), (under_investigation, 4), (intervention, 2)]
        }
        // Now and then the new password is wrong as well.
        (_, Category::InterventionNeeded) => &[(One(CONNECTED), 95), (Same, 5)],
        _ => &[(One(CONNECTED), 40), (Same, 60)],
    };
    draw(Kind::Connection, chances, status, rng)
}

/// What a check of an account of a working connection finds.
fn next_account(status: &Word, rng: &mut Random) -> Word {
    let error = Any(Category::Error);
    let row = Status::read(Kind::Account, Some(status));
    let chances: &[(NextStatus, u32)] = match (status.as_ref(), row.category()) {
        (DETECTED, _) => &[
            (One(ONBOARDED), 80),
            (Same, 11),
            (One(CUSTOMER_NOT_TRACKED), 4),
            (One(DUPLICATE), 3),
            (Undocumented, 2),
        ],
        (ONBOARDED, _) => &[(One(PULL_COMPLETED), 75), (Same, 20), (error, 5)],
        (WORKFLOW_NOT_ACCESSIBLE, _) => &[(One(PULL_COMPLETED), 85), (One(ONBOARDED), 12), (error, 3)],
        (PULL_COMPLETED, _) => &[
            (Same, 9470),
            (error, 450),
            (One(ONBOARDED), 50),
            (Any(Category::Terminal), 10),
            (Undocumented, 20),
        ],
        (_, Category::Terminal) => &[(Same, 1)],
        _ => &[(One(PULL_COMPLETED), 55), (Same, 45)],
    };
    draw(Kind::Account, chances, status, rng)
}

/// A check at `at` found `status`: the connection takes it, and its accounts follow.
pub fn apply_check(connection: &mut Connection, status: Word, at: Timestamp, mean: u32, rng: &mut Random) {
    match status.as_ref() {
        PENDING => {}
        NO_ACCOUNTS_FOUND => connection.accounts.clear(),
        COMPANY_INACTIVE => mark_accounts(connection, COMPANY_INACTIVE, at),
        CONNECTED => {
            check_accounts(connection, at, rng);
            if connection.accounts.is_empty() {
                connection.accounts = detect(mean, rng);
            }
        }
        _ => mark_accounts(connection, WORKFLOW_NOT_ACCESSIBLE, at),
    }
    if connection.status_record.status != status {
        if connection.past.len() == MAX_PAST {
            connection.past.remove(0);
        }
        connection.past.push(connection.status_record.clone());
    }
    connection.status_record.record(status, at);
}

fn check_accounts(connection: &mut Connection, at: Timestamp, rng: &mut Random) {
    for account in &mut connection.accounts {
        if !is_final(account) {
            let next = next_account(&account.status_record.status, rng);
            account.status_record.record(next, at);
        }
    }
}

fn mark_accounts(connection: &mut Connection, status: &'static str, at: Timestamp) {
    for account in &mut connection.accounts {
        if !is_final(account) {
            account.status_record.record(Word::Borrowed(status), at);
        }
    }
}

/// Accounts that a first successful login finds; none of them was checked by itself yet.
pub fn detect(mean: u32, rng: &mut Random) -> Vec<Account> {
    (0..how_many(mean, rng))
        .map(|_| Account { id: rng.uuid(), status_record: StatusRecord::unchecked(Word::Borrowed(DETECTED)) })
        .collect()
}

/// A number from 1 on, around `mean`; 0 for a mean of 0.
pub fn how_many(mean: u32, rng: &mut Random) -> u64 {
    if mean == 0 { 0 } else { rng.between(1, u64::from(mean) * 2 - 1) }
}

/// Whether this account is never checked again.
pub fn is_final(account: &Account) -> bool {
    account.status_record.read(Kind::Account).recheck() == Recheck::Never
}
