//! What is rendered of a company: the snapshot that may be shown, as rows of the `status` label.
//!
//! Several statuses can share a row: those beyond the limit of unknown ones do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::fleet::tally::Tally;
use crate::fleet::undocumented::ShownUndocumented;
use crate::fleet::{CompanyState, StoredSnapshot};
use crate::status::{Category, Kind, Recheck};

/// A row of a family: one value of the `status` label.
#[derive(Debug)]
pub struct StatusRow<'a, T> {
    /// The label's value.
    pub status: &'a str,
    /// Its category.
    pub category: Category,
    /// Whether Nectar looks again by itself.
    pub recheck: Recheck,
    /// The row's value.
    pub value: T,
}

/// One company at the time of rendering.
#[derive(Debug)]
pub struct View<'a> {
    /// As last seen.
    pub state: &'a CompanyState,
    /// The snapshot that may be shown.
    pub served: Option<Served<'a>>,
}

/// A snapshot that may be shown.
#[derive(Debug)]
pub struct Served<'a> {
    /// The snapshot and its counts.
    pub stored: &'a StoredSnapshot,
    connections: Vec<StatusRow<'a, Tally>>,
    accounts: Vec<StatusRow<'a, Tally>>,
}

impl<'a> Served<'a> {
    /// Every documented status of the kind, then the unknown ones that occur.
    pub fn rows(&self, kind: Kind) -> &[StatusRow<'a, Tally>] {
        match kind {
            Kind::Connection => &self.connections,
            Kind::Account => &self.accounts,
        }
    }
}

/// Some companies as they are to be shown at `now`.
pub fn views<'a>(
    states: impl IntoIterator<Item = &'a Arc<CompanyState>>,
    undocumented: &ShownUndocumented,
    now: Timestamp,
    max_age: Duration,
) -> Vec<View<'a>> {
    let view =
        |state: &'a Arc<CompanyState>| View { state, served: served(state, undocumented, now, max_age) };
    states.into_iter().map(view).collect()
}

fn served<'a>(
    state: &'a CompanyState,
    undocumented: &ShownUndocumented,
    now: Timestamp,
    max_age: Duration,
) -> Option<Served<'a>> {
    let stored = state.served(now, max_age)?;
    let of = |kind: Kind| {
        let labelled = undocumented.labelled(kind, &stored.tallies.kind(kind).by_status);
        rows(kind, labelled, |sum: &mut Tally, tally| sum.merge(tally))
    };
    Some(Served { stored, connections: of(Kind::Connection), accounts: of(Kind::Account) })
}

/// Turns values by label into rows: every documented status of `kind`, present or not, then the others.
pub fn rows<'a, T: Default + 'a>(
    kind: Kind,
    labelled: impl Iterator<Item = (&'a str, &'a T)>,
    add: impl Fn(&mut T, &T),
) -> Vec<StatusRow<'a, T>> {
    let mut sums: BTreeMap<&'a str, T> = BTreeMap::new();
    for (label, value) in labelled {
        add(sums.entry(label).or_default(), value);
    }
    let mut rows = Vec::with_capacity(kind.documented().len() + sums.len());
    for row in kind.documented() {
        let value = sums.remove(row.value).unwrap_or_default();
        rows.push(StatusRow { status: row.value, category: row.category, recheck: row.recheck, value });
    }
    rows.extend(sums.into_iter().map(|(status, value)| StatusRow {
        status,
        category: Category::Unknown,
        recheck: Recheck::Periodic,
        value,
    }));
    rows
}
