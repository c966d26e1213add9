//! The metrics about companies, and the counts of their connections and accounts.
//!
//! Knows no values.

use crate::metrics::metric::{Entry, Group, Metric, Type, Unit, metric};
use Group::Fleet;
use Type::{Counter, Gauge};
use Unit::{Count, Flag, Seconds, UnixSeconds};

/// `nectar_company_info`
pub const COMPANY_INFO: Metric<3> = metric(
    Fleet,
    Gauge,
    Flag,
    "nectar_company_info",
    ["company_id", "company", "external_id"],
    "Every company that is watched, with name and externalId of GET /company as of the last poll. Always 1.",
);

/// `nectar_company_up`
pub const COMPANY_UP: Metric<2> = metric(
    Fleet,
    Gauge,
    Flag,
    "nectar_company_up",
    ["company_id", "company"],
    "Whether the last poll of this company read all of its connections (1) or not (0).",
);

/// `nectar_company_last_success_timestamp_seconds`
pub const COMPANY_LAST_SUCCESS: Metric<2> = metric(
    Fleet,
    Gauge,
    UnixSeconds,
    "nectar_company_last_success_timestamp_seconds",
    ["company_id", "company"],
    "When the last good reading of this company's connections was begun, in Unix seconds. Its connections and accounts are as of then. Stays while they are withdrawn for their age.",
);

/// `nectar_company_last_failure`
pub const COMPANY_LAST_FAILURE: Metric<3> = metric(
    Fleet,
    Gauge,
    Flag,
    "nectar_company_last_failure",
    ["company_id", "company", "reason"],
    "Why the last poll of this company failed. Always 1; absent while nectar_company_up is 1.",
);

/// `nectar_company_record_faults`
pub const COMPANY_RECORD_FAULTS: Metric<4> = metric(
    Fleet,
    Gauge,
    Count,
    "nectar_company_record_faults",
    ["company_id", "company", "kind", "reason"],
    "Records of GET /connection/company/{company_id} that were odd, as of the last good poll. Those with reason no_id were left out, and one of two with duplicate_id.",
);

/// `nectar_connections`
pub const CONNECTIONS: Metric<4> = metric(
    Fleet,
    Gauge,
    Count,
    "nectar_connections",
    ["company_id", "company", "status", "category"],
    "Connections by their status (connections[].status), as of the last good poll.",
);

/// `nectar_connections_overdue`
pub const CONNECTIONS_OVERDUE: Metric<4> = metric(
    Fleet,
    Gauge,
    Count,
    "nectar_connections_overdue",
    ["company_id", "company", "status", "category"],
    "Connections whose check was due (connections[].statusLastUpdateTime plus --nectar.check-interval) before the last good poll of the company was begun. Only for statuses that are re-checked.",
);

/// `nectar_connections_next_check_due_timestamp_seconds`
pub const CONNECTIONS_NEXT_CHECK_DUE: Metric<4> = metric(
    Fleet,
    Gauge,
    UnixSeconds,
    "nectar_connections_next_check_due_timestamp_seconds",
    ["company_id", "company", "status", "category"],
    "The earliest time at which a check is due (connections[].statusLastUpdateTime plus --nectar.check-interval), in Unix seconds, as of the last good poll. Only for statuses that are re-checked.",
);

/// `nectar_connections_max_staleness_seconds`
pub const CONNECTIONS_MAX_STALENESS: Metric<4> = metric(
    Fleet,
    Gauge,
    Seconds,
    "nectar_connections_max_staleness_seconds",
    ["company_id", "company", "status", "category"],
    "Seconds since the oldest status update (connections[].statusLastUpdateTime as of the last good poll), at the moment of the scrape.",
);

/// `nectar_connections_oldest_status_first_seen_timestamp_seconds`
pub const CONNECTIONS_OLDEST_FIRST_SEEN: Metric<4> = metric(
    Fleet,
    Gauge,
    UnixSeconds,
    "nectar_connections_oldest_status_first_seen_timestamp_seconds",
    ["company_id", "company", "status", "category"],
    "Since when the longest has been in this status (the oldest connections[].statusFirstSeenTime), in Unix seconds, as of the last good poll.",
);

/// `nectar_connections_newest_status_first_seen_timestamp_seconds`
pub const CONNECTIONS_NEWEST_FIRST_SEEN: Metric<4> = metric(
    Fleet,
    Gauge,
    UnixSeconds,
    "nectar_connections_newest_status_first_seen_timestamp_seconds",
    ["company_id", "company", "status", "category"],
    "Since when the last to come into this status has been in it (the newest connections[].statusFirstSeenTime; where a connection has none, its statusLastUpdateTime), in Unix seconds, as of the last good poll.",
);

/// `nectar_connections_never_checked`
pub const CONNECTIONS_NEVER_CHECKED: Metric<2> = metric(
    Fleet,
    Gauge,
    Count,
    "nectar_connections_never_checked",
    ["company_id", "company"],
    "Connections that were never checked (no connections[].statusLastUpdateTime), as of the last good poll.",
);

/// `nectar_connections_oldest_created_timestamp_seconds`
pub const CONNECTIONS_OLDEST_CREATED: Metric<4> = metric(
    Fleet,
    Gauge,
    UnixSeconds,
    "nectar_connections_oldest_created_timestamp_seconds",
    ["company_id", "company", "status", "category"],
    "When the oldest connection of this status was created (connections[].created), in Unix seconds, as of the last good poll.",
);

/// `nectar_connections_never_checked_oldest_created_timestamp_seconds`
pub const NEVER_CHECKED_OLDEST_CREATED: Metric<4> = metric(
    Fleet,
    Gauge,
    UnixSeconds,
    "nectar_connections_never_checked_oldest_created_timestamp_seconds",
    ["company_id", "company", "status", "category"],
    "When the oldest connection of this status that was never checked was created (connections[].created), in Unix seconds, as of the last good poll.",
);

/// `nectar_datasource_connections`
pub const DATASOURCE_CONNECTIONS: Metric<5> = metric(
    Fleet,
    Gauge,
    Count,
    "nectar_datasource_connections",
    ["company_id", "company", "datasource", "status", "category"],
    "Connections by utility (connections[].datasource.name) and status (connections[].status), as of the last good poll. Only those that are not 0.",
);

/// `nectar_datasource_connections_recently_checked`
pub const DATASOURCE_CONNECTIONS_RECENTLY_CHECKED: Metric<5> = metric(
    Fleet,
    Gauge,
    Count,
    "nectar_datasource_connections_recently_checked",
    ["company_id", "company", "datasource", "status", "category"],
    "Of nectar_datasource_connections, those whose status was recorded (connections[].statusLastUpdateTime) in the 72 hours before the last good poll of the company was begun. Only those that are not 0.",
);

/// `nectar_accounts`
pub const ACCOUNTS: Metric<4> = metric(
    Fleet,
    Gauge,
    Count,
    "nectar_accounts",
    ["company_id", "company", "status", "category"],
    "Accounts by their status (connections[].accounts[].status), as of the last good poll.",
);

/// `nectar_accounts_overdue`
pub const ACCOUNTS_OVERDUE: Metric<4> = metric(
    Fleet,
    Gauge,
    Count,
    "nectar_accounts_overdue",
    ["company_id", "company", "status", "category"],
    "Accounts whose check was due (connections[].accounts[].statusLastUpdateTime plus --nectar.check-interval) before the last good poll of the company was begun. Only for statuses that are re-checked. Accounts under a connection that waits for its customer are not counted.",
);

/// `nectar_accounts_next_check_due_timestamp_seconds`
pub const ACCOUNTS_NEXT_CHECK_DUE: Metric<4> = metric(
    Fleet,
    Gauge,
    UnixSeconds,
    "nectar_accounts_next_check_due_timestamp_seconds",
    ["company_id", "company", "status", "category"],
    "The earliest time at which a check is due (connections[].accounts[].statusLastUpdateTime plus --nectar.check-interval), in Unix seconds, as of the last good poll. Only for statuses that are re-checked. Accounts under a connection that waits for its customer are left out.",
);

/// `nectar_accounts_max_staleness_seconds`
pub const ACCOUNTS_MAX_STALENESS: Metric<4> = metric(
    Fleet,
    Gauge,
    Seconds,
    "nectar_accounts_max_staleness_seconds",
    ["company_id", "company", "status", "category"],
    "Seconds since the oldest status update (connections[].accounts[].statusLastUpdateTime as of the last good poll), at the moment of the scrape.",
);

/// `nectar_accounts_oldest_status_first_seen_timestamp_seconds`
pub const ACCOUNTS_OLDEST_FIRST_SEEN: Metric<4> = metric(
    Fleet,
    Gauge,
    UnixSeconds,
    "nectar_accounts_oldest_status_first_seen_timestamp_seconds",
    ["company_id", "company", "status", "category"],
    "Since when the longest has been in this status (the oldest connections[].accounts[].statusFirstSeenTime), in Unix seconds, as of the last good poll.",
);

/// `nectar_accounts_never_checked`
pub const ACCOUNTS_NEVER_CHECKED: Metric<2> = metric(
    Fleet,
    Gauge,
    Count,
    "nectar_accounts_never_checked",
    ["company_id", "company"],
    "Accounts that were never checked (no connections[].accounts[].statusLastUpdateTime), as of the last good poll.",
);

/// `nectar_connection_status_changes_total`
pub const CONNECTION_STATUS_CHANGES: Metric<3> = metric(
    Fleet,
    Counter,
    Count,
    "nectar_connection_status_changes_total",
    ["company_id", "status", "category"],
    "Connections that were seen to change to this status (connections[].status) from one poll to the next, since the start of the exporter.",
);

/// `nectar_account_status_changes_total`
pub const ACCOUNT_STATUS_CHANGES: Metric<3> = metric(
    Fleet,
    Counter,
    Count,
    "nectar_account_status_changes_total",
    ["company_id", "status", "category"],
    "Accounts that were seen to change to this status (connections[].accounts[].status) from one poll to the next, since the start of the exporter.",
);

/// All of the above.
pub const ALL: &[Entry] = &[
    COMPANY_INFO.entry(),
    COMPANY_UP.entry(),
    COMPANY_LAST_SUCCESS.entry(),
    COMPANY_LAST_FAILURE.entry(),
    COMPANY_RECORD_FAULTS.entry(),
    CONNECTIONS.entry(),
    CONNECTIONS_OVERDUE.entry(),
    CONNECTIONS_NEXT_CHECK_DUE.entry(),
    CONNECTIONS_MAX_STALENESS.entry(),
    CONNECTIONS_OLDEST_FIRST_SEEN.entry(),
    CONNECTIONS_NEWEST_FIRST_SEEN.entry(),
    CONNECTIONS_NEVER_CHECKED.entry(),
    CONNECTIONS_OLDEST_CREATED.entry(),
    NEVER_CHECKED_OLDEST_CREATED.entry(),
    DATASOURCE_CONNECTIONS.entry(),
    DATASOURCE_CONNECTIONS_RECENTLY_CHECKED.entry(),
    ACCOUNTS.entry(),
    ACCOUNTS_OVERDUE.entry(),
    ACCOUNTS_NEXT_CHECK_DUE.entry(),
    ACCOUNTS_MAX_STALENESS.entry(),
    ACCOUNTS_OLDEST_FIRST_SEEN.entry(),
    ACCOUNTS_NEVER_CHECKED.entry(),
    CONNECTION_STATUS_CHANGES.entry(),
    ACCOUNT_STATUS_CHANGES.entry(),
];
