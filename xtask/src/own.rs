//! What the boards ask about the exporter itself, as PromQL.
//!
//! Knows the exporter's metrics, the `process_*` metrics of its client library, and what Prometheus says of a target.

use nectar_exporter::metrics::catalogue::{exporter, fleet};

use crate::promql::{SCOPE, largest, part, series};
use crate::questions::Of;

/// Data is too old, and the board blind, after this many poll intervals.
pub const MISSED_POLLS: u8 = 4;

/// Metrics that are not the exporter's own: its client library's, Prometheus' of a target, and of alerts.
pub const FOREIGN: [(&str, &[&str]); 6] = [
    ("up", &[]),
    ("scrape_samples_scraped", &[]),
    ("process_resident_memory_bytes", &[]),
    ("process_cpu_seconds_total", &[]),
    ("process_open_fds", &[]),
    (
        "ALERTS",
        &[
            "alertname",
            "alertstate",
            "severity",
            "nectar_scope",
            "company_id",
            "company",
            "datasource",
            "status",
        ],
    ),
];

/// A metric of `FOREIGN`, of our exporters only, running or not: every job of a Prometheus has these metrics.
pub fn foreign(name: &str) -> String {
    restricted(name, &format!("{name}{{{SCOPE}}}"))
}

/// As `foreign`, per second.
pub fn foreign_rate(name: &str) -> String {
    restricted(name, &format!("rate({name}{{{SCOPE}}}[$__rate_interval])"))
}

fn restricted(name: &str, expression: &str) -> String {
    assert!(FOREIGN.iter().any(|(known, _)| *known == name), "{name} is not listed");
    let ours = series(&exporter::BUILD_INFO);
    format!("max by (job, instance) ({expression} and on (job, instance) last_over_time({ours}[7d]))")
}

/// When each exporter was started, also where the system hides that.
pub fn started() -> String {
    format!("max by (job, instance) ({})", series(&exporter::START))
}

/// Age of the newest data of these companies, while it is young enough to be believed.
pub fn fresh_data_age(of: Of) -> String {
    format!("{} <= {}", data_age(of), too_old())
}

/// Age of the newest data of these companies, once it is too old to be believed.
pub fn stale_data_age(of: Of) -> String {
    format!("{} > {}", data_age(of), too_old())
}

fn data_age(of: Of) -> String {
    let read = largest(&of.only(series(&fleet::COMPANY_LAST_SUCCESS)));
    match of {
        // An API key without companies is read too: by the last whole poll.
        Of::Fleet => format!("time() - ({read} or {})", largest(&series(&exporter::LAST_SUCCESS))),
        Of::Company | Of::Companies => format!("time() - {read}"),
    }
}

fn too_old() -> String {
    format!("{MISSED_POLLS} * {}", largest(&series(&exporter::POLL_INTERVAL)))
}

/// By exporter: age of the newest data of any company.
pub fn data_age_by_instance() -> String {
    format!("time() - max by (job, instance) ({})", series(&fleet::COMPANY_LAST_SUCCESS))
}

/// The longest interval between polls that is configured.
pub fn poll_interval() -> String {
    largest(&series(&exporter::POLL_INTERVAL))
}

/// The age at which data is withdrawn.
pub fn max_data_age() -> String {
    largest(&series(&exporter::MAX_DATA_AGE))
}

/// Mean seconds that the polls of each exporter took.
pub fn mean_poll_seconds() -> String {
    let (sum, count) = (part(&exporter::POLL_DURATION, "sum"), part(&exporter::POLL_DURATION, "count"));
    let by = "sum by (job, instance)";
    format!("{by} (rate({sum}[$__rate_interval])) / ({by} (rate({count}[$__rate_interval])) > 0)")
}

/// Seconds within which the given part of requests ended, by endpoint; nothing where there was none.
pub fn request_quantile(quantile: f64) -> String {
    let buckets = part(&exporter::API_REQUEST_DURATION, "bucket");
    format!("histogram_quantile({quantile}, sum by (le, endpoint) (rate({buckets}[$__rate_interval]))) >= 0")
}

/// Requests per second by the code of their answer.
pub fn requests_by_code() -> String {
    format!("sum by (code) (rate({}[$__rate_interval]))", series(&exporter::API_REQUESTS))
}

/// Retries per second by endpoint.
pub fn retries() -> String {
    format!("sum by (endpoint) (rate({}[$__rate_interval]))", series(&exporter::API_REQUEST_RETRIES))
}

/// Requests that gave nothing usable, by reason, in each step.
pub fn request_failures() -> String {
    format!("sum by (reason) (increase({}[$__rate_interval]))", series(&exporter::API_REQUEST_FAILURES))
}

/// Polls that were not whole, by first cause, in each step.
pub fn poll_failures() -> String {
    format!("sum by (reason) (increase({}[$__rate_interval]))", series(&exporter::POLL_FAILURES))
}

/// By exporter: whether the last poll was whole.
pub fn last_poll_whole() -> String {
    format!("max by (job, instance) ({})", series(&exporter::UP))
}

/// By exporter: whether series per object are withheld.
pub fn detail_limited() -> String {
    format!("max by (job, instance) ({})", series(&exporter::DETAIL_LIMITED))
}

/// What each exporter was built from and with.
pub fn builds() -> String {
    format!("max by (job, instance, version, revision, rustc) ({})", series(&exporter::BUILD_INFO))
}

/// The exporter's alerts and the fleet's that are firing. Alerts on the fleet have no job and no instance.
pub fn firing_alerts() -> String {
    "max by (severity, alertname, company_id, company, datasource, status) \
     (ALERTS{alertstate=\"firing\", nectar_scope=~\"fleet|exporter\", severity!=\"none\"})"
        .to_owned()
}
