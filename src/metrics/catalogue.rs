//! Every metric, declared once. The page `docs/metrics.md` is rendered from here.
//!
//! Source of the names: Prometheus' naming guide.

use super::metric::Desc;

/// Declares metrics: group, type, unit, name, labels, help.
macro_rules! metrics {
    ($($constant:ident = $group:ident, $kind:ident, $unit:ident, $name:literal, [$($label:literal),*], $help:literal;)*) => {
        use crate::metrics::metric::{Desc, Group, Metric, Type, Unit};

        $(
            #[doc = concat!("`", $name, "`")]
            pub const $constant: Metric<{ <[&str]>::len(&[$($label),*]) }> = Metric(Desc {
                name: $name,
                kind: Type::$kind,
                unit: Unit::$unit,
                group: Group::$group,
                labels: &[$($label),*],
                help: $help,
            });
        )*

        /// All of the above.
        pub const ALL: &[Desc] = &[$($constant.0),*];
    };
}

/// All our metrics, in the order of the reference page. The `process_*` metrics come with the client library.
pub fn all() -> impl Iterator<Item = &'static Desc> {
    exporter::ALL.iter().chain(storage::ALL).chain(webhook::ALL).chain(fleet::ALL).chain(objects::ALL)
}

/// The metrics about the exporter itself.
pub mod exporter {
    metrics! {
        UP = Exporter, Gauge, Flag, "nectar_up", [],
            "Whether the last poll read every company (1) or not (0). 0 before the first poll has ended.";

        LAST_FAILURE = Exporter, Gauge, Flag, "nectar_last_failure", ["reason"],
            "Why the last poll did not read every company: the first cause. Always 1; absent while nectar_up is 1 and before the first poll has ended.";

        API_REQUESTS = Exporter, Counter, Count, "nectar_api_requests_total", ["endpoint", "code"],
            "Finished requests to Nectar, by HTTP status; code is none where there was no answer.";

        API_REQUEST_FAILURES = Exporter, Counter, Count, "nectar_api_request_failures_total", ["endpoint", "reason"],
            "Finished requests to Nectar that gave nothing usable.";

        API_REQUEST_RETRIES = Exporter, Counter, Count, "nectar_api_request_retries_total", ["endpoint"],
            "Requests to Nectar that were sent again.";

        API_REQUEST_DURATION = Exporter, Histogram, Seconds, "nectar_api_request_duration_seconds", ["endpoint"],
            "Seconds that finished requests to Nectar took, their body included.";

        POLLS = Exporter, Counter, Count, "nectar_exporter_polls_total", [],
            "Polls that ended, whole or not.";

        POLL_FAILURES = Exporter, Counter, Count, "nectar_exporter_poll_failures_total", ["reason"],
            "Polls that ended without having read every company, by the first cause.";

        POLL_DURATION = Exporter, Histogram, Seconds, "nectar_exporter_poll_duration_seconds", [],
            "Seconds that polls took.";

        REQUESTS_REFUSED = Exporter, Counter, Count, "nectar_exporter_requests_refused_total", ["reason"],
            "Scrapes and other requests to this exporter that did not get what they asked for, by reason. On the port of the webhooks, also what is for another path or with another method, and clients that are too slow.";

        LOG_LINES_DROPPED = Exporter, Counter, Count, "nectar_exporter_log_lines_dropped_total", [],
            "Log lines that were dropped because nobody took the earlier ones from standard error, or it could not be written to.";

        LAST_SUCCESS = Exporter, Gauge, UnixSeconds, "nectar_exporter_last_success_timestamp_seconds", [],
            "When the last poll that read every company ended, in Unix seconds.";

        POLL_INTERVAL = Exporter, Gauge, Seconds, "nectar_exporter_poll_interval_seconds", [],
            "Seconds from the start of one poll to the start of the next, as configured with --nectar.poll-interval.";

        CHECK_INTERVAL = Exporter, Gauge, Seconds, "nectar_exporter_check_interval_seconds", [],
            "Seconds from the last update of a status to the next check, where Nectar checks by itself, as configured with --nectar.check-interval.";

        MAX_DATA_AGE = Exporter, Gauge, Seconds, "nectar_exporter_max_data_age_seconds", [],
            "Age in seconds at which the data of a company is withdrawn, as configured with --nectar.max-data-age.";

        DETAIL_LIMITED = Exporter, Gauge, Flag, "nectar_exporter_detail_limited", [],
            "Whether series per connection and account are withheld (1) because there would be more than --metrics.detail-limit.";

        SHARD_INFO = Exporter, Gauge, Flag, "nectar_exporter_shard_info", ["shard", "total_shards"],
            "Which of several exporters this one is, as configured with --shard and --total-shards. Always 1.";

        TOTAL_SHARDS = Exporter, Gauge, Count, "nectar_exporter_total_shards", [],
            "How many exporters share the companies, as configured with --total-shards.";

        START = Exporter, Gauge, UnixSeconds, "nectar_exporter_start_timestamp_seconds", [],
            "When this exporter was started, by the wall clock, in Unix seconds.";

        RESTORED = Exporter, Gauge, Flag, "nectar_exporter_restored", [],
            "Whether the exporter has shown since its start what an earlier run stored with --storage.path (1): until the first good poll, which is one that read the list of companies and at least one of them. Else 0. nectar_company_last_success_timestamp_seconds says how old the data of each company is.";

        BUILD_INFO = Exporter, Gauge, Flag, "nectar_exporter_build_info", ["version", "revision", "rustc"],
            "What this exporter was built from and with. Always 1.";
    }
}

/// The metrics about what is stored.
pub mod storage {
    metrics! {
        LAST_WRITE = Storage, Gauge, UnixSeconds, "nectar_exporter_storage_last_write_timestamp_seconds", [],
            "When the state in --storage.path was written last, by this run of the exporter or an earlier one, in Unix seconds. 0 if there is none.";
    }
}

/// The metrics about webhooks.
pub mod webhook {
    metrics! {
        WEBHOOK_EVENTS = Webhook, Counter, Count, "nectar_webhook_events_total", ["type", "outcome"],
            "Requests to --webhook.path, by the event's type and what came of it: a reading of its company, a poll of all companies because the company is not known, or none. type is unknown where the request was refused.";

        WEBHOOK_LAST_EVENT = Webhook, Gauge, UnixSeconds, "nectar_webhook_last_event_timestamp_seconds", [],
            "When the last event with a good signature arrived, whatever its type, in Unix seconds. Absent before the first one since the start of the exporter.";

        WEBHOOK_READING_DELAY = Webhook, Histogram, Seconds, "nectar_webhook_reading_delay_seconds", [],
            "Seconds from the arrival of an event to the end of the reading of its company that answered it. Of several events that one reading answered, the first.";
    }
}

/// The metrics about companies, and the counts of their connections and accounts.
pub mod fleet {
    metrics! {
        COMPANY_INFO = Fleet, Gauge, Flag, "nectar_company_info", ["company_id", "company", "external_id"],
            "Every company that is watched, with name and externalId of GET /company as of the last poll. Always 1.";

        COMPANY_UP = Fleet, Gauge, Flag, "nectar_company_up", ["company_id", "company"],
            "Whether the last poll of this company read all of its connections (1) or not (0).";

        COMPANY_LAST_SUCCESS = Fleet, Gauge, UnixSeconds, "nectar_company_last_success_timestamp_seconds", ["company_id", "company"],
            "When the last good reading of this company's connections was begun, in Unix seconds. Its connections and accounts are as of then. Stays while they are withdrawn for their age.";

        COMPANY_LAST_FAILURE = Fleet, Gauge, Flag, "nectar_company_last_failure", ["company_id", "company", "reason"],
            "Why the last poll of this company failed. Always 1; absent while nectar_company_up is 1.";

        COMPANY_RECORD_FAULTS = Fleet, Gauge, Count, "nectar_company_record_faults", ["company_id", "company", "kind", "reason"],
            "Records of GET /connection/company/{company_id} that were odd, as of the last good poll. Those with reason no_id were left out, and one of two with duplicate_id.";

        CONNECTIONS = Fleet, Gauge, Count, "nectar_connections", ["company_id", "company", "status", "category"],
            "Connections by their status (connections[].status), as of the last good poll.";

        CONNECTIONS_OVERDUE = Fleet, Gauge, Count, "nectar_connections_overdue", ["company_id", "company", "status", "category"],
            "Connections whose check was due (connections[].statusLastUpdateTime plus --nectar.check-interval) before the last good poll of the company was begun. Only for statuses that are re-checked.";

        CONNECTIONS_NEXT_CHECK_DUE = Fleet, Gauge, UnixSeconds, "nectar_connections_next_check_due_timestamp_seconds", ["company_id", "company", "status", "category"],
            "The earliest time at which a check is due (connections[].statusLastUpdateTime plus --nectar.check-interval), in Unix seconds, as of the last good poll. Only for statuses that are re-checked.";

        CONNECTIONS_MAX_STALENESS = Fleet, Gauge, Seconds, "nectar_connections_max_staleness_seconds", ["company_id", "company", "status", "category"],
            "Seconds since the oldest status update (connections[].statusLastUpdateTime as of the last good poll), at the moment of the scrape.";

        CONNECTIONS_OLDEST_FIRST_SEEN = Fleet, Gauge, UnixSeconds, "nectar_connections_oldest_status_first_seen_timestamp_seconds", ["company_id", "company", "status", "category"],
            "Since when the longest has been in this status (the oldest connections[].statusFirstSeenTime), in Unix seconds, as of the last good poll.";

        CONNECTIONS_NEWEST_FIRST_SEEN = Fleet, Gauge, UnixSeconds, "nectar_connections_newest_status_first_seen_timestamp_seconds", ["company_id", "company", "status", "category"],
            "Since when the last to come into this status has been in it (the newest connections[].statusFirstSeenTime; where a connection has none, its statusLastUpdateTime), in Unix seconds, as of the last good poll.";

        CONNECTIONS_NEVER_CHECKED = Fleet, Gauge, Count, "nectar_connections_never_checked", ["company_id", "company"],
            "Connections that were never checked (no connections[].statusLastUpdateTime), as of the last good poll.";

        CONNECTIONS_OLDEST_CREATED = Fleet, Gauge, UnixSeconds, "nectar_connections_oldest_created_timestamp_seconds", ["company_id", "company", "status", "category"],
            "When the oldest connection of this status was created (connections[].created), in Unix seconds, as of the last good poll.";

        NEVER_CHECKED_OLDEST_CREATED = Fleet, Gauge, UnixSeconds, "nectar_connections_never_checked_oldest_created_timestamp_seconds", ["company_id", "company", "status", "category"],
            "When the oldest connection of this status that was never checked was created (connections[].created), in Unix seconds, as of the last good poll.";

        DATASOURCE_CONNECTIONS = Fleet, Gauge, Count, "nectar_datasource_connections", ["company_id", "company", "datasource", "status", "category"],
            "Connections by utility (connections[].datasource.name) and status (connections[].status), as of the last good poll. Only those that are not 0.";

        DATASOURCE_CONNECTIONS_RECENTLY_CHECKED = Fleet, Gauge, Count, "nectar_datasource_connections_recently_checked", ["company_id", "company", "datasource", "status", "category"],
            "Of nectar_datasource_connections, those whose status was recorded (connections[].statusLastUpdateTime) in the 72 hours before the last good poll of the company was begun. Only those that are not 0.";

        ACCOUNTS = Fleet, Gauge, Count, "nectar_accounts", ["company_id", "company", "status", "category"],
            "Accounts by their status (connections[].accounts[].status), as of the last good poll.";

        ACCOUNTS_OVERDUE = Fleet, Gauge, Count, "nectar_accounts_overdue", ["company_id", "company", "status", "category"],
            "Accounts whose check was due (connections[].accounts[].statusLastUpdateTime plus --nectar.check-interval) before the last good poll of the company was begun. Only for statuses that are re-checked. Accounts under a connection that waits for its customer are not counted.";

        ACCOUNTS_NEXT_CHECK_DUE = Fleet, Gauge, UnixSeconds, "nectar_accounts_next_check_due_timestamp_seconds", ["company_id", "company", "status", "category"],
            "The earliest time at which a check is due (connections[].accounts[].statusLastUpdateTime plus --nectar.check-interval), in Unix seconds, as of the last good poll. Only for statuses that are re-checked. Accounts under a connection that waits for its customer are left out.";

        ACCOUNTS_MAX_STALENESS = Fleet, Gauge, Seconds, "nectar_accounts_max_staleness_seconds", ["company_id", "company", "status", "category"],
            "Seconds since the oldest status update (connections[].accounts[].statusLastUpdateTime as of the last good poll), at the moment of the scrape.";

        ACCOUNTS_OLDEST_FIRST_SEEN = Fleet, Gauge, UnixSeconds, "nectar_accounts_oldest_status_first_seen_timestamp_seconds", ["company_id", "company", "status", "category"],
            "Since when the longest has been in this status (the oldest connections[].accounts[].statusFirstSeenTime), in Unix seconds, as of the last good poll.";

        ACCOUNTS_NEVER_CHECKED = Fleet, Gauge, Count, "nectar_accounts_never_checked", ["company_id", "company"],
            "Accounts that were never checked (no connections[].accounts[].statusLastUpdateTime), as of the last good poll.";

        CONNECTION_STATUS_CHANGES = Fleet, Counter, Count, "nectar_connection_status_changes_total", ["company_id", "status", "category"],
            "Connections that were seen to change to this status (connections[].status) from one poll to the next, since the start of the exporter, or over restarts with --storage.path.";

        CONNECTION_STATUS_DURATION = Fleet, Histogram, Seconds, "nectar_connection_status_duration_seconds", ["status", "category"],
            "Seconds that connections were in a status that needs their customer or is an issue of a website, observed when a poll sees that they have left it, since the start of the exporter, or over restarts with --storage.path: from its connections[].statusFirstSeenTime to that of the status that they have now. What comes and goes between two polls is not seen, nor, without --storage.path, what is mended while the exporter is down; what lacks one of the times is left out.";

        COMPANY_STATUS_DURATIONS = Fleet, Counter, Count, "nectar_company_status_durations_total", ["company_id", "category"],
            "Of nectar_connection_status_duration_seconds, the number of observations for this company.";

        COMPANY_STATUS_DURATION = Fleet, Counter, Seconds, "nectar_company_status_duration_seconds_total", ["company_id", "category"],
            "Of nectar_connection_status_duration_seconds, the sum of the observations for this company, in seconds.";

        ACCOUNT_STATUS_CHANGES = Fleet, Counter, Count, "nectar_account_status_changes_total", ["company_id", "status", "category"],
            "Accounts that were seen to change to this status (connections[].accounts[].status) from one poll to the next, since the start of the exporter, or over restarts with --storage.path.";
    }
}

/// The metrics about single connections and accounts.
pub mod objects {
    metrics! {
        CONNECTION_INFO = Connection, Gauge, Flag, "nectar_connection_info", ["company_id", "connection_id", "company", "datasource", "country"],
            "Every connection, with its utility (connections[].datasource.name) and country (connections[].country), as of the last good poll. Always 1.";

        CONNECTION_STATUS = Connection, Gauge, Flag, "nectar_connection_status", ["company_id", "connection_id", "status", "category"],
            "The status that the connection has (connections[].status), as of the last good poll. Always 1; one series per connection.";

        CONNECTION_CREATED = Connection, Gauge, UnixSeconds, "nectar_connection_created_timestamp_seconds", ["company_id", "connection_id"],
            "When a connection that was never checked was created (connections[].created), in Unix seconds, as of the last good poll.";

        CONNECTION_LAST_UPDATE = Connection, Gauge, UnixSeconds, "nectar_connection_status_last_update_timestamp_seconds", ["company_id", "connection_id"],
            "When the status was last recorded (connections[].statusLastUpdateTime), in Unix seconds, as of the last good poll.";

        CONNECTION_FIRST_SEEN = Connection, Gauge, UnixSeconds, "nectar_connection_status_first_seen_timestamp_seconds", ["company_id", "connection_id"],
            "When the status was first set (connections[].statusFirstSeenTime), in Unix seconds, as of the last good poll.";

        CONNECTION_NOT_CONNECTED_SINCE = Connection, Gauge, UnixSeconds, "nectar_connection_not_connected_since_timestamp_seconds", ["company_id", "connection_id", "datasource", "status", "category"],
            "Since when a connection has been in its status, where that is not CONNECTED, in Unix seconds, as of the last good poll: connections[].statusFirstSeenTime, else statusLastUpdateTime, else created; 0 where Nectar gives none of them.";

        ACCOUNT_INFO = Account, Gauge, Flag, "nectar_account_info", ["company_id", "connection_id", "account_id", "company", "datasource"],
            "Every account (connections[].accounts[]), with its connection's utility (connections[].datasource.name), as of the last good poll. Always 1.";

        ACCOUNT_STATUS = Account, Gauge, Flag, "nectar_account_status", ["company_id", "connection_id", "account_id", "status", "category"],
            "The status that the account has (connections[].accounts[].status), as of the last good poll. Always 1; one series per account.";

        ACCOUNT_LAST_UPDATE = Account, Gauge, UnixSeconds, "nectar_account_status_last_update_timestamp_seconds", ["company_id", "connection_id", "account_id"],
            "When the status was last recorded (connections[].accounts[].statusLastUpdateTime), in Unix seconds, as of the last good poll.";

        ACCOUNT_FIRST_SEEN = Account, Gauge, UnixSeconds, "nectar_account_status_first_seen_timestamp_seconds", ["company_id", "connection_id", "account_id"],
            "When the status was first set (connections[].accounts[].statusFirstSeenTime), in Unix seconds, as of the last good poll.";

        ACCOUNT_CHECK_DUE = Account, Gauge, UnixSeconds, "nectar_account_check_due_timestamp_seconds", ["company_id", "connection_id", "account_id"],
            "When the next check is due (connections[].accounts[].statusLastUpdateTime plus --nectar.check-interval), in Unix seconds, as of the last good poll. Absent when none is scheduled.";
    }
}
