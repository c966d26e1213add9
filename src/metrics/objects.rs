//! The families about single connections and accounts: their times, and no ages.
//!
//! Knows which value goes under which name, and when there are too many. Must not know how a record was read.

use jiff::{SignedDuration, Timestamp};

use super::catalogue::objects as cat;
use super::metric::Metric;
use super::rows::View;
use super::text::Text;
use super::{Detail, Settings};
use crate::fleet::Fleet;
use crate::model::{Account, Company, Connection};
use crate::status::Kind;

/// Writes as many of them as `settings` ask for, all or none. Returns whether they were withheld for their number.
pub fn render(text: &mut Text, fleet: &Fleet, views: &[View<'_>], settings: &Settings) -> bool {
    if series(views, settings.detail) > settings.detail_limit {
        return true;
    }
    if settings.detail >= Detail::Connections {
        connections(text, fleet, views, settings.check_interval);
    }
    if settings.detail >= Detail::Accounts {
        accounts(text, fleet, views, settings.check_interval);
    }
    false
}

fn series(views: &[View<'_>], detail: Detail) -> u64 {
    let served = views.iter().filter_map(|view| view.served.as_ref());
    served
        .map(|served| {
            let tallies = &served.held.tallies;
            match detail {
                Detail::None => 0,
                Detail::Connections => tallies.connections.series,
                Detail::Accounts => tallies.connections.series + tallies.accounts.series,
            }
        })
        .sum()
}

fn connections(text: &mut Text, fleet: &Fleet, views: &[View<'_>], interval: SignedDuration) {
    let mut info = text.family(&cat::CONNECTION_INFO);
    for (company, connection) in each_connection(views) {
        let Connection { id, datasource, country, .. } = connection;
        info.sample([&company.id, id, &company.name, datasource, country], 1.0);
    }
    let mut status = text.family(&cat::CONNECTION_STATUS);
    for (company, connection) in each_connection(views) {
        let word = fleet.granted.label(Kind::Connection, &connection.status);
        let category = connection.status.category().label();
        status.sample([&company.id, &connection.id, word, category], 1.0);
    }
    let mut times = |metric: &Metric<2>, time: &dyn Fn(&Connection) -> Option<Timestamp>| {
        let mut family = text.family(metric);
        for (company, connection) in each_connection(views) {
            family.time([&company.id, &connection.id], time(connection));
        }
    };
    times(&cat::CONNECTION_CREATED, &|connection| connection.created);
    times(&cat::CONNECTION_LAST_UPDATE, &|connection| connection.last_update);
    times(&cat::CONNECTION_FIRST_SEEN, &|connection| connection.first_seen);
    times(&cat::CONNECTION_CHECK_DUE, &|connection| connection.check_due(interval));
}

fn accounts(text: &mut Text, fleet: &Fleet, views: &[View<'_>], interval: SignedDuration) {
    let mut info = text.family(&cat::ACCOUNT_INFO);
    for (company, connection, account) in each_account(views) {
        info.sample([&company.id, &connection.id, &account.id, &company.name, &connection.datasource], 1.0);
    }
    let mut status = text.family(&cat::ACCOUNT_STATUS);
    for (company, connection, account) in each_account(views) {
        let word = fleet.granted.label(Kind::Account, &account.status);
        let category = account.status.category().label();
        status.sample([&company.id, &connection.id, &account.id, word, category], 1.0);
    }
    let mut times = |metric: &Metric<3>, time: &dyn Fn(&Connection, &Account) -> Option<Timestamp>| {
        let mut family = text.family(metric);
        for (company, connection, account) in each_account(views) {
            family.time([&company.id, &connection.id, &account.id], time(connection, account));
        }
    };
    times(&cat::ACCOUNT_LAST_UPDATE, &|_, account| account.last_update);
    times(&cat::ACCOUNT_FIRST_SEEN, &|_, account| account.first_seen);
    times(&cat::ACCOUNT_CHECK_DUE, &|connection, account| connection.account_check_due(account, interval));
}

fn each_connection<'a>(views: &'a [View<'a>]) -> impl Iterator<Item = (&'a Company, &'a Connection)> {
    views.iter().flat_map(|view| {
        let connections = view.served.iter().flat_map(|served| &served.held.snapshot.connections);
        connections.map(|connection| (&view.state.company, connection))
    })
}

fn each_account<'a>(
    views: &'a [View<'a>],
) -> impl Iterator<Item = (&'a Company, &'a Connection, &'a Account)> {
    each_connection(views).flat_map(|(company, connection)| {
        connection.accounts.iter().map(move |account| (company, connection, account))
    })
}
