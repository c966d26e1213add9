//! The families about companies, and the counts of their connections and accounts.

use jiff::Timestamp;

use super::catalogue::fleet as cat;
use super::metric::Metric;
use super::rows::{Served, StatusRow, View, rows};
use super::text::{Family, Text};
use crate::fleet::CompanyState;
use crate::fleet::changes::Left;
use crate::fleet::tally::{DatasourceTally, KindTallies, Tally};
use crate::fleet::undocumented::ShownUndocumented;
use crate::model::{Company, RecordFault};
use crate::status::{Category, Kind, Recheck};

/// Writes the families about listed companies, whether or not their data was read or withdrawn, for some of the companies. They are
/// rendered anew for every fleet.
pub fn write_listing(text: &mut Text, states: &[&CompanyState]) {
    let mut info = text.family(&cat::COMPANY_INFO);
    for state in states {
        let [id, name] = id_and_name(&state.company);
        info.sample([id, name, &state.company.external_id], 1.0);
    }
    let mut up = text.family(&cat::COMPANY_UP);
    for state in states {
        up.count(id_and_name(&state.company), u64::from(state.is_up()));
    }
    let mut last_success = text.family(&cat::COMPANY_LAST_SUCCESS);
    for state in states {
        last_success.time(
            id_and_name(&state.company),
            state.stored.as_ref().map(|stored| stored.snapshot.begun_wall),
        );
    }
    let mut last_failure = text.family(&cat::COMPANY_LAST_FAILURE);
    for state in states {
        if let Some(Err(failure)) = state.last_reading {
            let [id, name] = id_and_name(&state.company);
            last_failure.sample([id, name, failure.label()], 1.0);
        }
    }
}

/// Writes the families that are counted from snapshots, for some of the companies. The text is kept until one of the companies has
/// another cache key (`published::CacheKey`): take nothing from a company that is not in its key.
pub fn write_counts(text: &mut Text, undocumented: &ShownUndocumented, views: &[View<'_>]) {
    record_faults(text, views);
    by_status(text, views, Kind::Connection, &CONNECTIONS);
    // Without series per connection, this shows that one comes into a status as another leaves it.
    each_time(text, views, Kind::Connection, &cat::CONNECTIONS_NEWEST_FIRST_SEEN, |tally| {
        tally.newest_first_seen
    });
    each_time(text, views, Kind::Connection, &cat::CONNECTIONS_OLDEST_CREATED, |tally| tally.oldest_created);
    each_time(text, views, Kind::Connection, &cat::NEVER_CHECKED_OLDEST_CREATED, |tally| {
        tally.oldest_never_checked
    });
    by_datasource(text, undocumented, views, &cat::DATASOURCE_CONNECTIONS, |tally| tally.count);
    by_datasource(text, undocumented, views, &cat::DATASOURCE_CONNECTIONS_RECENTLY_CHECKED, |tally| {
        tally.recently_checked
    });
    by_status(text, views, Kind::Account, &ACCOUNTS);
    changes(text, views, Kind::Connection, &cat::CONNECTION_STATUS_CHANGES);
    broken(text, views, &cat::COMPANY_STATUS_DURATIONS, |family, labels, left| {
        family.count(labels, left.count)
    });
    broken(text, views, &cat::COMPANY_STATUS_DURATION, |family, labels, left| {
        family.sample(labels, left.duration.as_secs_f64());
    });
    changes(text, views, Kind::Account, &cat::ACCOUNT_STATUS_CHANGES);
}

/// The families that exist for both kinds.
struct KindFamilies {
    count: Metric<4>,
    overdue: Metric<4>,
    next_check_due: Metric<4>,
    max_staleness: Metric<4>,
    oldest_first_seen: Metric<4>,
    never_checked: Metric<2>,
}

const CONNECTIONS: KindFamilies = KindFamilies {
    count: cat::CONNECTIONS,
    overdue: cat::CONNECTIONS_OVERDUE,
    next_check_due: cat::CONNECTIONS_NEXT_CHECK_DUE,
    max_staleness: cat::CONNECTIONS_MAX_STALENESS,
    oldest_first_seen: cat::CONNECTIONS_OLDEST_FIRST_SEEN,
    never_checked: cat::CONNECTIONS_NEVER_CHECKED,
};

const ACCOUNTS: KindFamilies = KindFamilies {
    count: cat::ACCOUNTS,
    overdue: cat::ACCOUNTS_OVERDUE,
    next_check_due: cat::ACCOUNTS_NEXT_CHECK_DUE,
    max_staleness: cat::ACCOUNTS_MAX_STALENESS,
    oldest_first_seen: cat::ACCOUNTS_OLDEST_FIRST_SEEN,
    never_checked: cat::ACCOUNTS_NEVER_CHECKED,
};

fn record_faults(text: &mut Text, views: &[View<'_>]) {
    let mut family = text.family(&cat::COMPANY_RECORD_FAULTS);
    for (company, served) in shown(views) {
        let [id, name] = id_and_name(company);
        for kind in Kind::ALL {
            for fault in RecordFault::ALL {
                let count = served.stored.snapshot.faults.count(kind, *fault);
                family.count([id, name, kind.label(), fault.label()], count);
            }
        }
    }
}

fn by_status(text: &mut Text, views: &[View<'_>], kind: Kind, families: &KindFamilies) {
    each_row(text, views, kind, &families.count, |row| Some(row.value.count));
    each_row(text, views, kind, &families.overdue, |row| {
        (row.recheck == Recheck::Periodic).then_some(row.value.overdue)
    });
    each_time(text, views, kind, &families.next_check_due, |tally| tally.next_due);
    let oldest = shown(views).flat_map(|(company, served)| {
        let rows = served.rows(kind).iter();
        rows.filter_map(move |row| Some((with_status(company, row), row.value.oldest_update?)))
    });
    text.ages(&families.max_staleness, oldest);
    each_time(text, views, kind, &families.oldest_first_seen, |tally| tally.oldest_first_seen);
    let mut never_checked = text.family(&families.never_checked);
    for (company, served) in shown(views) {
        let KindTallies { never_checked: count, .. } = served.stored.tallies.kind(kind);
        never_checked.count(id_and_name(company), *count);
    }
}

fn each_row(
    text: &mut Text,
    views: &[View<'_>],
    kind: Kind,
    metric: &Metric<4>,
    value: impl Fn(&StatusRow<'_, Tally>) -> Option<u64>,
) {
    let mut family = text.family(metric);
    for (company, served) in shown(views) {
        for row in served.rows(kind) {
            if let Some(value) = value(row) {
                family.count(with_status(company, row), value);
            }
        }
    }
}

fn each_time(
    text: &mut Text,
    views: &[View<'_>],
    kind: Kind,
    metric: &Metric<4>,
    time: impl Fn(&Tally) -> Option<Timestamp>,
) {
    let mut family = text.family(metric);
    for (company, served) in shown(views) {
        for row in served.rows(kind) {
            family.time(with_status(company, row), time(&row.value));
        }
    }
}

fn by_datasource(
    text: &mut Text,
    undocumented: &ShownUndocumented,
    views: &[View<'_>],
    metric: &Metric<5>,
    count: impl Fn(&DatasourceTally) -> u64,
) {
    let mut family = text.family(metric);
    for (company, served) in shown(views) {
        let [id, name] = id_and_name(company);
        for (datasource, by_status) in &served.stored.tallies.by_datasource {
            let labelled = undocumented.labelled(Kind::Connection, by_status);
            for row in rows(Kind::Connection, labelled, DatasourceTally::merge) {
                let count = count(&row.value);
                if count > 0 {
                    family.count([id, name, datasource, row.status, row.category.label()], count);
                }
            }
        }
    }
}

/// Counted from the first snapshot on, and kept while the company's data is withdrawn.
fn changes(text: &mut Text, views: &[View<'_>], kind: Kind, metric: &Metric<3>) {
    let mut family = text.family(metric);
    for state in read_once(views) {
        let labelled = state.changes.kind(kind).iter().map(|(label, count)| (&**label, count));
        for row in rows(kind, labelled, |sum: &mut u64, count| *sum = sum.saturating_add(*count)) {
            let labels = [&*state.company.id, row.status, row.category.label()];
            family.count(labels, row.value);
            // An undocumented status may lose its label, and get it back later.
            if let Some(since) = state.changes.since().filter(|_| row.category != Category::Unknown) {
                family.created(labels, since);
            }
        }
    }
}

/// As [`changes`].
fn broken(
    text: &mut Text,
    views: &[View<'_>],
    metric: &Metric<2>,
    write: impl Fn(&mut Family<'_, 2>, [&str; 2], Left),
) {
    let mut family = text.family(metric);
    for state in read_once(views) {
        for category in Category::BROKEN {
            let labels = [&*state.company.id, category.label()];
            write(&mut family, labels, state.changes.left(category));
            if let Some(since) = state.changes.since() {
                family.created(labels, since);
            }
        }
    }
}

fn read_once<'a>(views: &'a [View<'a>]) -> impl Iterator<Item = &'a CompanyState> {
    views.iter().map(|view| view.state).filter(|state| state.stored.is_some())
}

fn shown<'a>(views: &'a [View<'a>]) -> impl Iterator<Item = (&'a Company, &'a Served<'a>)> {
    views.iter().filter_map(|view| Some((&view.state.company, view.served.as_ref()?)))
}

fn id_and_name(company: &Company) -> [&str; 2] {
    [&company.id, &company.name]
}

fn with_status<'a, T>(company: &'a Company, row: &'a StatusRow<'_, T>) -> [&'a str; 4] {
    [&company.id, &company.name, row.status, row.category.label()]
}
