//! The families about single connections and accounts: their times, and no ages.
//!
//! Knows which value goes under which name, and when there are too many. Must not know how a record was read.

use jiff::{SignedDuration, Timestamp};

use super::catalogue::objects as cat;
use super::metric::Metric;
use super::text::Text;
use super::{Detail, Settings};
use crate::fleet::Held;
use crate::fleet::unknown::GrantedWords;
use crate::model::{Account, Company, Connection, Snapshot};
use crate::status::Kind;

/// Writes as many of one company's as `settings` ask for.
pub fn render(text: &mut Text, granted: &GrantedWords, one: Objects<'_>, settings: &Settings) {
    if settings.detail >= Detail::Connections {
        connections(text, granted, one, settings.check_interval);
    }
    if settings.detail >= Detail::Accounts {
        accounts(text, granted, one, settings.check_interval);
    }
}

/// What the series about single objects of one company are written from.
#[derive(Debug, Clone, Copy)]
pub struct Objects<'a> {
    /// Whose they are.
    pub company: &'a Company,
    /// Where they were read.
    pub snapshot: &'a Snapshot,
}

impl<'a> Objects<'a> {
    fn each_account(self) -> impl Iterator<Item = (&'a Connection, &'a Account)> {
        let connections = self.snapshot.connections.iter();
        connections
            .flat_map(|connection| connection.accounts.iter().map(move |account| (connection, account)))
    }
}

/// Whether they are withheld, all of them, because there are too many.
pub fn are_too_many<'a>(served: impl Iterator<Item = &'a Held>, settings: &Settings) -> bool {
    let series = served.map(|Held { tallies, .. }| match settings.detail {
        Detail::None => 0,
        Detail::Connections => tallies.connections.series,
        Detail::Accounts => tallies.connections.series + tallies.accounts.series,
    });
    series.sum::<u64>() > settings.detail_limit
}

fn connections(text: &mut Text, granted: &GrantedWords, one: Objects<'_>, interval: SignedDuration) {
    let company = one.company;
    let connections = one.snapshot.connections.as_slice();
    let mut info = text.family(&cat::CONNECTION_INFO);
    for Connection { id, datasource, country, .. } in connections {
        info.sample([&company.id, id, &company.name, datasource, country], 1.0);
    }
    let mut status = text.family(&cat::CONNECTION_STATUS);
    for connection in connections {
        let word = granted.label(Kind::Connection, &connection.status);
        let category = connection.status.category().label();
        status.sample([&company.id, &connection.id, word, category], 1.0);
    }
    let mut times = |metric: &Metric<2>, time: &dyn Fn(&Connection) -> Option<Timestamp>| {
        let mut family = text.family(metric);
        for connection in connections {
            family.time([&company.id, &connection.id], time(connection));
        }
    };
    times(&cat::CONNECTION_CREATED, &|connection| connection.created);
    times(&cat::CONNECTION_LAST_UPDATE, &|connection| connection.last_update);
    times(&cat::CONNECTION_FIRST_SEEN, &|connection| connection.first_seen);
    times(&cat::CONNECTION_CHECK_DUE, &|connection| connection.check_due(interval));
}

fn accounts(text: &mut Text, granted: &GrantedWords, one: Objects<'_>, interval: SignedDuration) {
    let company = one.company;
    let mut info = text.family(&cat::ACCOUNT_INFO);
    for (connection, account) in one.each_account() {
        info.sample([&company.id, &connection.id, &account.id, &company.name, &connection.datasource], 1.0);
    }
    let mut status = text.family(&cat::ACCOUNT_STATUS);
    for (connection, account) in one.each_account() {
        let word = granted.label(Kind::Account, &account.status);
        let category = account.status.category().label();
        status.sample([&company.id, &connection.id, &account.id, word, category], 1.0);
    }
    let mut times = |metric: &Metric<3>, time: &dyn Fn(&Connection, &Account) -> Option<Timestamp>| {
        let mut family = text.family(metric);
        for (connection, account) in one.each_account() {
            family.time([&company.id, &connection.id, &account.id], time(connection, account));
        }
    };
    times(&cat::ACCOUNT_LAST_UPDATE, &|_, account| account.last_update);
    times(&cat::ACCOUNT_FIRST_SEEN, &|_, account| account.first_seen);
    times(&cat::ACCOUNT_CHECK_DUE, &|connection, account| connection.account_check_due(account, interval));
}
