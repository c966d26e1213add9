//! The metrics about the exporter itself.
//!
//! Knows no values.

use crate::metrics::metric::{Entry, Group, Metric, Type, Unit, metric};
use Group::Exporter;
use Type::{Counter, Gauge, Histogram};
use Unit::{Count, Flag, Seconds, UnixSeconds};

/// `nectar_up`
pub const UP: Metric<0> = metric(
    Exporter,
    Gauge,
    Flag,
    "nectar_up",
    [],
    "Whether the last poll read every company (1) or not (0). 0 before the first poll has ended.",
);

/// `nectar_last_failure`
pub const LAST_FAILURE: Metric<1> = metric(
    Exporter,
    Gauge,
    Flag,
    "nectar_last_failure",
    ["reason"],
    "Why the last poll did not read every company: the first cause. Always 1; absent while nectar_up is 1 and before the first poll has ended.",
);

/// `nectar_api_requests_total`
pub const API_REQUESTS: Metric<2> = metric(
    Exporter,
    Counter,
    Count,
    "nectar_api_requests_total",
    ["endpoint", "code"],
    "Finished requests to Nectar, by HTTP status; code is none where there was no answer.",
);

/// `nectar_api_request_failures_total`
pub const API_REQUEST_FAILURES: Metric<2> = metric(
    Exporter,
    Counter,
    Count,
    "nectar_api_request_failures_total",
    ["endpoint", "reason"],
    "Finished requests to Nectar that gave nothing usable.",
);

/// `nectar_api_request_retries_total`
pub const API_REQUEST_RETRIES: Metric<1> = metric(
    Exporter,
    Counter,
    Count,
    "nectar_api_request_retries_total",
    ["endpoint"],
    "Requests to Nectar that were sent again.",
);

/// `nectar_api_request_duration_seconds`
pub const API_REQUEST_DURATION: Metric<1> = metric(
    Exporter,
    Histogram,
    Seconds,
    "nectar_api_request_duration_seconds",
    ["endpoint"],
    "Seconds that finished requests to Nectar took, their body included.",
);

/// `nectar_exporter_polls_total`
pub const POLLS: Metric<0> =
    metric(Exporter, Counter, Count, "nectar_exporter_polls_total", [], "Polls that ended, whole or not.");

/// `nectar_exporter_poll_failures_total`
pub const POLL_FAILURES: Metric<1> = metric(
    Exporter,
    Counter,
    Count,
    "nectar_exporter_poll_failures_total",
    ["reason"],
    "Polls that ended without having read every company, by the first cause.",
);

/// `nectar_exporter_poll_duration_seconds`
pub const POLL_DURATION: Metric<0> = metric(
    Exporter,
    Histogram,
    Seconds,
    "nectar_exporter_poll_duration_seconds",
    [],
    "Seconds that polls took.",
);

/// `nectar_exporter_requests_refused_total`
pub const REQUESTS_REFUSED: Metric<1> = metric(
    Exporter,
    Counter,
    Count,
    "nectar_exporter_requests_refused_total",
    ["reason"],
    "Scrapes and other requests to this exporter that did not get what they asked for, by reason.",
);

/// `nectar_exporter_log_lines_dropped_total`
pub const LOG_LINES_DROPPED: Metric<0> = metric(
    Exporter,
    Counter,
    Count,
    "nectar_exporter_log_lines_dropped_total",
    [],
    "Log lines that were dropped because nobody took the earlier ones from standard error, or it could not be written to.",
);

/// `nectar_exporter_last_success_timestamp_seconds`
pub const LAST_SUCCESS: Metric<0> = metric(
    Exporter,
    Gauge,
    UnixSeconds,
    "nectar_exporter_last_success_timestamp_seconds",
    [],
    "When the last poll that read every company ended, in Unix seconds.",
);

/// `nectar_exporter_poll_interval_seconds`
pub const POLL_INTERVAL: Metric<0> = metric(
    Exporter,
    Gauge,
    Seconds,
    "nectar_exporter_poll_interval_seconds",
    [],
    "Seconds from the start of one poll to the start of the next, as configured with --nectar.poll-interval.",
);

/// `nectar_exporter_check_interval_seconds`
pub const CHECK_INTERVAL: Metric<0> = metric(
    Exporter,
    Gauge,
    Seconds,
    "nectar_exporter_check_interval_seconds",
    [],
    "Seconds from the last update of a status to the next check, where Nectar checks by itself, as configured with --nectar.check-interval.",
);

/// `nectar_exporter_max_data_age_seconds`
pub const MAX_DATA_AGE: Metric<0> = metric(
    Exporter,
    Gauge,
    Seconds,
    "nectar_exporter_max_data_age_seconds",
    [],
    "Age in seconds at which the data of a company is withdrawn, as configured with --nectar.max-data-age.",
);

/// `nectar_exporter_detail_limited`
pub const DETAIL_LIMITED: Metric<0> = metric(
    Exporter,
    Gauge,
    Flag,
    "nectar_exporter_detail_limited",
    [],
    "Whether series per connection and account are withheld (1) because there would be more than --metrics.detail-limit.",
);

/// `nectar_exporter_start_timestamp_seconds`
pub const START: Metric<0> = metric(
    Exporter,
    Gauge,
    UnixSeconds,
    "nectar_exporter_start_timestamp_seconds",
    [],
    "When this exporter was started, by the wall clock, in Unix seconds.",
);

/// `nectar_exporter_build_info`
pub const BUILD_INFO: Metric<3> = metric(
    Exporter,
    Gauge,
    Flag,
    "nectar_exporter_build_info",
    ["version", "revision", "rustc"],
    "What this exporter was built from and with. Always 1.",
);

/// All of the above.
pub const ALL: &[Entry] = &[
    UP.entry(),
    LAST_FAILURE.entry(),
    API_REQUESTS.entry(),
    API_REQUEST_FAILURES.entry(),
    API_REQUEST_RETRIES.entry(),
    API_REQUEST_DURATION.entry(),
    POLLS.entry(),
    POLL_FAILURES.entry(),
    POLL_DURATION.entry(),
    REQUESTS_REFUSED.entry(),
    LOG_LINES_DROPPED.entry(),
    LAST_SUCCESS.entry(),
    POLL_INTERVAL.entry(),
    CHECK_INTERVAL.entry(),
    MAX_DATA_AGE.entry(),
    DETAIL_LIMITED.entry(),
    START.entry(),
    BUILD_INFO.entry(),
];
