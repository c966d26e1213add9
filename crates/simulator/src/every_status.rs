//! Completes a fleet: each status, documented or not, has at least one row.

use super::fleet::{Connection, Fleet, Word};
use super::generator;
use super::seed_data::{UNDOCUMENTED_ACCOUNT, UNDOCUMENTED_CONNECTION};
use super::transitions::{COMPANY_INACTIVE, CONNECTED, PULL_COMPLETED};
use nectar_status::Kind;

/// With fewer rows for each status, changing some would spoil the mix.
const ROWS_PER_STATUS: usize = 4;

/// Changes common rows into missing ones, if the fleet is big enough.
pub fn complete(fleet: &mut Fleet) {
    let Fleet { companies, rng, start, accounts, .. } = fleet;
    let active = companies.iter_mut().filter(|company| company.is_active);
    let mut rows: Vec<&mut Connection> = active.flat_map(|company| &mut company.connections).collect();
    if rows.len() < Kind::Connection.documented().len() * ROWS_PER_STATUS {
        return;
    }
    // Shuffled, because otherwise the first company would have all the rare ones.
    rng.shuffle(&mut rows);
    for status in shown(Kind::Connection, UNDOCUMENTED_CONNECTION) {
        let is_there = rows.iter().any(|row| row.status_record.status == status);
        if let Some(row) = rows.iter_mut().find(|row| !is_there && row.status_record.status == CONNECTED) {
            let word = Word::Borrowed(status);
            **row = generator::connection(*start, *accounts, row.serial, row.utility, word, rng);
        }
    }
    for status in shown(Kind::Account, UNDOCUMENTED_ACCOUNT) {
        let is_there = rows.iter().flat_map(|row| &row.accounts).any(|a| a.status_record.status == status);
        if let Some(row) = rows.iter_mut().find(|row| !is_there && can_turn_account(row)) {
            let turned = generator::account(*start, row, Word::Borrowed(status), rng);
            row.accounts.splice(..1, [turned]);
        }
    }
}

/// The statuses that a fleet shows of `kind`. Whether a company is inactive was decided before.
fn shown(kind: Kind, undocumented: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    let documented = kind.documented().iter().map(|row| row.value);
    documented.filter(|status| *status != COMPANY_INACTIVE).chain(undocumented.iter().copied())
}

/// Whether its first account may be changed: the login works, and that account has the most common status.
fn can_turn_account(row: &Connection) -> bool {
    let first = row.accounts.first();
    row.status_record.status == CONNECTED && first.is_some_and(|a| a.status_record.status == PULL_COMPLETED)
}
