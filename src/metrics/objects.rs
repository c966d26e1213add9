//! The families about single connections and accounts: their times, and no ages.

use jiff::{SignedDuration, Timestamp};

use super::catalogue::objects as cat;
use super::metric::Metric;
use super::text::Text;
use super::{Detail, Settings};
use crate::fleet::undocumented::ShownUndocumented;
use crate::fleet::{CompanyState, StoredSnapshot};
use crate::model::{Account, Company, Connection, Snapshot};
use crate::status::Kind;

/// Writes as many of the families about `companies` as `settings` ask for.
pub fn render(
    text: &mut Text,
    undocumented: &ShownUndocumented,
    companies: &[Objects<'_>],
    settings: &Settings,
) {
    if settings.detail >= Detail::Connections {
        connections(text, undocumented, companies);
    }
    if settings.detail >= Detail::Accounts {
        accounts(text, undocumented, companies, settings.check_interval);
    }
}

/// What the series about single objects of one company are written from.
#[derive(Debug, Clone, Copy)]
pub struct Objects<'a> {
    /// The company.
    pub company: &'a Company,
    /// Its snapshot.
    pub snapshot: &'a Snapshot,
}

impl<'a> Objects<'a> {
    /// The objects of a company, if it has a snapshot.
    pub fn of(state: &'a CompanyState) -> Option<Self> {
        let stored = state.stored.as_ref()?;
        Some(Self { company: &state.company, snapshot: &stored.snapshot })
    }

    fn each_connection(&self) -> impl Iterator<Item = (&'a Company, &'a Connection)> {
        let company = self.company;
        self.snapshot.connections.iter().map(move |connection| (company, connection))
    }

    fn each_account(&self) -> impl Iterator<Item = (&'a Company, &'a Connection, &'a Account)> {
        self.each_connection().flat_map(|(company, connection)| {
            connection.accounts.iter().map(move |account| (company, connection, account))
        })
    }
}

/// Whether all of them are withheld because there are too many.
pub fn are_too_many<'a>(served: impl Iterator<Item = &'a StoredSnapshot>, settings: &Settings) -> bool {
    let series = served.map(|stored| settings.detail.series(&stored.tallies));
    series.sum::<u64>() > settings.detail_limit
}

fn connections(text: &mut Text, undocumented: &ShownUndocumented, companies: &[Objects<'_>]) {
    let each = || companies.iter().flat_map(Objects::each_connection);
    let mut info = text.family(&cat::CONNECTION_INFO);
    for (company, Connection { id, datasource, country, .. }) in each() {
        info.sample([&company.id, id, &company.name, datasource, country], 1.0);
    }
    let mut status = text.family(&cat::CONNECTION_STATUS);
    for (company, connection) in each() {
        let word = undocumented.label(Kind::Connection, &connection.status);
        let category = connection.status.category().label();
        status.sample([&company.id, &connection.id, word, category], 1.0);
    }
    let mut times = |metric: &Metric<2>, time: &dyn Fn(&Connection) -> Option<Timestamp>| {
        let mut family = text.family(metric);
        for (company, connection) in each() {
            family.time([&company.id, &connection.id], time(connection));
        }
    };
    times(&cat::CONNECTION_CREATED, &Connection::created_if_never_checked);
    times(&cat::CONNECTION_LAST_UPDATE, &|connection| connection.last_update);
    times(&cat::CONNECTION_FIRST_SEEN, &|connection| connection.first_seen);
    let mut since = text.family(&cat::CONNECTION_NOT_CONNECTED_SINCE);
    for (company, connection) in each() {
        let word = undocumented.label(Kind::Connection, &connection.status);
        let category = connection.status.category().label();
        let Connection { id, datasource, .. } = connection;
        since.time([&company.id, id, datasource, word, category], connection.not_connected_since());
    }
}

fn accounts(
    text: &mut Text,
    undocumented: &ShownUndocumented,
    companies: &[Objects<'_>],
    interval: SignedDuration,
) {
    let each = || companies.iter().flat_map(Objects::each_account);
    let mut info = text.family(&cat::ACCOUNT_INFO);
    for (company, connection, account) in each() {
        info.sample([&company.id, &connection.id, &account.id, &company.name, &connection.datasource], 1.0);
    }
    let mut status = text.family(&cat::ACCOUNT_STATUS);
    for (company, connection, account) in each() {
        let word = undocumented.label(Kind::Account, &account.status);
        let category = account.status.category().label();
        status.sample([&company.id, &connection.id, &account.id, word, category], 1.0);
    }
    let mut times = |metric: &Metric<3>, time: &dyn Fn(&Connection, &Account) -> Option<Timestamp>| {
        let mut family = text.family(metric);
        for (company, connection, account) in each() {
            family.time([&company.id, &connection.id, &account.id], time(connection, account));
        }
    };
    times(&cat::ACCOUNT_LAST_UPDATE, &|_, account| account.last_update);
    times(&cat::ACCOUNT_FIRST_SEEN, &|_, account| account.first_seen);
    times(&cat::ACCOUNT_CHECK_DUE, &|connection, account| connection.account_check_due(account, interval));
}
