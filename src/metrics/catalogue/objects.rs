//! The metrics about single connections and accounts.
//!
//! Knows no values.

use crate::metrics::metric::{Entry, Group, Metric, Type, Unit, metric};
use Group::{Account, Connection};
use Type::Gauge;
use Unit::{Flag, UnixSeconds};

/// `nectar_connection_info`
pub const CONNECTION_INFO: Metric<5> = metric(
    Connection,
    Gauge,
    Flag,
    "nectar_connection_info",
    ["company_id", "connection_id", "company", "datasource", "country"],
    "Every connection, with its utility (connections[].datasource.name) and country (connections[].country), as of the last good poll. Always 1.",
);

/// `nectar_connection_status`
pub const CONNECTION_STATUS: Metric<4> = metric(
    Connection,
    Gauge,
    Flag,
    "nectar_connection_status",
    ["company_id", "connection_id", "status", "category"],
    "The status that the connection has (connections[].status), as of the last good poll. Always 1; one series per connection.",
);

/// `nectar_connection_created_timestamp_seconds`
pub const CONNECTION_CREATED: Metric<2> = metric(
    Connection,
    Gauge,
    UnixSeconds,
    "nectar_connection_created_timestamp_seconds",
    ["company_id", "connection_id"],
    "When a connection that was never checked was created (connections[].created), in Unix seconds, as of the last good poll.",
);

/// `nectar_connection_status_last_update_timestamp_seconds`
pub const CONNECTION_LAST_UPDATE: Metric<2> = metric(
    Connection,
    Gauge,
    UnixSeconds,
    "nectar_connection_status_last_update_timestamp_seconds",
    ["company_id", "connection_id"],
    "When the status was last recorded (connections[].statusLastUpdateTime), in Unix seconds, as of the last good poll.",
);

/// `nectar_connection_status_first_seen_timestamp_seconds`
pub const CONNECTION_FIRST_SEEN: Metric<2> = metric(
    Connection,
    Gauge,
    UnixSeconds,
    "nectar_connection_status_first_seen_timestamp_seconds",
    ["company_id", "connection_id"],
    "When the status was first set (connections[].statusFirstSeenTime), in Unix seconds, as of the last good poll.",
);

/// `nectar_connection_not_connected_since_timestamp_seconds`
pub const CONNECTION_NOT_CONNECTED_SINCE: Metric<5> = metric(
    Connection,
    Gauge,
    UnixSeconds,
    "nectar_connection_not_connected_since_timestamp_seconds",
    ["company_id", "connection_id", "datasource", "status", "category"],
    "Since when a connection has been in its status, where that is not CONNECTED, in Unix seconds, as of the last good poll: connections[].statusFirstSeenTime, else statusLastUpdateTime, else created; 0 where Nectar gives none of them.",
);

/// `nectar_account_info`
pub const ACCOUNT_INFO: Metric<5> = metric(
    Account,
    Gauge,
    Flag,
    "nectar_account_info",
    ["company_id", "connection_id", "account_id", "company", "datasource"],
    "Every account (connections[].accounts[]), with its connection's utility (connections[].datasource.name), as of the last good poll. Always 1.",
);

/// `nectar_account_status`
pub const ACCOUNT_STATUS: Metric<5> = metric(
    Account,
    Gauge,
    Flag,
    "nectar_account_status",
    ["company_id", "connection_id", "account_id", "status", "category"],
    "The status that the account has (connections[].accounts[].status), as of the last good poll. Always 1; one series per account.",
);

/// `nectar_account_status_last_update_timestamp_seconds`
pub const ACCOUNT_LAST_UPDATE: Metric<3> = metric(
    Account,
    Gauge,
    UnixSeconds,
    "nectar_account_status_last_update_timestamp_seconds",
    ["company_id", "connection_id", "account_id"],
    "When the status was last recorded (connections[].accounts[].statusLastUpdateTime), in Unix seconds, as of the last good poll.",
);

/// `nectar_account_status_first_seen_timestamp_seconds`
pub const ACCOUNT_FIRST_SEEN: Metric<3> = metric(
    Account,
    Gauge,
    UnixSeconds,
    "nectar_account_status_first_seen_timestamp_seconds",
    ["company_id", "connection_id", "account_id"],
    "When the status was first set (connections[].accounts[].statusFirstSeenTime), in Unix seconds, as of the last good poll.",
);

/// `nectar_account_check_due_timestamp_seconds`
pub const ACCOUNT_CHECK_DUE: Metric<3> = metric(
    Account,
    Gauge,
    UnixSeconds,
    "nectar_account_check_due_timestamp_seconds",
    ["company_id", "connection_id", "account_id"],
    "When the next check is due (connections[].accounts[].statusLastUpdateTime plus --nectar.check-interval), in Unix seconds, as of the last good poll. Absent when none is scheduled.",
);

/// All of the above.
pub const ALL: &[Entry] = &[
    CONNECTION_INFO.entry(),
    CONNECTION_STATUS.entry(),
    CONNECTION_CREATED.entry(),
    CONNECTION_LAST_UPDATE.entry(),
    CONNECTION_FIRST_SEEN.entry(),
    CONNECTION_NOT_CONNECTED_SINCE.entry(),
    ACCOUNT_INFO.entry(),
    ACCOUNT_STATUS.entry(),
    ACCOUNT_LAST_UPDATE.entry(),
    ACCOUNT_FIRST_SEEN.entry(),
    ACCOUNT_CHECK_DUE.entry(),
];
