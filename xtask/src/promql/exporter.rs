//! Queries on the exporter itself, from its own metrics, the `process_*` metrics, and what Prometheus records of each target.

use nectar_exporter::metrics::catalogue::{exporter, fleet};

use crate::link::To;
use crate::promql::companies::Of;
use crate::promql::selector::{SCOPE, largest, once, part, series};

/// Data is outdated after this many poll intervals.
pub const MISSED_POLLS: u8 = 4;

/// Metrics that are not in the exporter's catalogue, with the labels that they have besides job and instance.
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
            "connection_id",
        ],
    ),
];

/// A metric of `FOREIGN`, restricted to exporters, running or not: the targets of every job have these metrics.
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

/// When each exporter was started. Unlike `process_start_time_seconds`, this does not depend on `/proc`.
pub fn started() -> String {
    format!("max by (job, instance) ({})", series(&exporter::START))
}

/// Age of the oldest data of these companies; empty once it is outdated.
pub fn fresh_data_age(of: Of) -> String {
    format!("{} <= {}", data_age(of), too_old())
}

/// Age of the oldest data of these companies; empty until it is outdated.
pub fn stale_data_age(of: Of) -> String {
    format!("{} > {}", data_age(of), too_old())
}

fn data_age(of: Of) -> String {
    let read = format!("min({})", once(&of.only(series(&fleet::COMPANY_LAST_SUCCESS)), &[]));
    match of {
        // With an API key without companies, the last complete poll is what was read last.
        Of::Fleet => format!("time() - ({read} or {})", largest(&series(&exporter::LAST_SUCCESS))),
        Of::Company | Of::Companies => format!("time() - {read}"),
    }
}

fn too_old() -> String {
    format!("{MISSED_POLLS} * {}", largest(&series(&exporter::POLL_INTERVAL)))
}

/// Age of the oldest data of any company, by exporter.
pub fn data_age_by_instance() -> String {
    format!("time() - min by (job, instance) ({})", series(&fleet::COMPANY_LAST_SUCCESS))
}

/// The longest interval between polls that is configured.
pub fn poll_interval() -> String {
    largest(&series(&exporter::POLL_INTERVAL))
}

/// The age at which data is withdrawn.
pub fn max_data_age() -> String {
    largest(&series(&exporter::MAX_DATA_AGE))
}

/// Mean duration of the polls of each exporter, in seconds.
pub fn mean_poll_seconds() -> String {
    let (sum, count) = (part(&exporter::POLL_DURATION, "sum"), part(&exporter::POLL_DURATION, "count"));
    let by = "sum by (job, instance)";
    format!("{by} (rate({sum}[$__rate_interval])) / ({by} (rate({count}[$__rate_interval])) > 0)")
}

/// A quantile of the durations of requests, in seconds, by endpoint; empty where there were no requests.
pub fn request_quantile(quantile: f64) -> String {
    let buckets = part(&exporter::API_REQUEST_DURATION, "bucket");
    format!("histogram_quantile({quantile}, sum by (le, endpoint) (rate({buckets}[$__rate_interval]))) >= 0")
}

/// Requests per second, by status code.
pub fn requests_by_code() -> String {
    format!("sum by (code) (rate({}[$__rate_interval])) > 0", series(&exporter::API_REQUESTS))
}

/// Retries per second, by endpoint.
pub fn retries() -> String {
    format!("sum by (endpoint) (rate({}[$__rate_interval]))", series(&exporter::API_REQUEST_RETRIES))
}

/// Failed requests in each step, by reason.
pub fn request_failures() -> String {
    format!("sum by (reason) (increase({}[$__rate_interval])) > 0", series(&exporter::API_REQUEST_FAILURES))
}

/// Polls in each step that were not complete, by their first cause.
pub fn poll_failures() -> String {
    format!("sum by (reason) (increase({}[$__rate_interval])) > 0", series(&exporter::POLL_FAILURES))
}

/// 1 where the last poll of every exporter was complete.
pub fn last_poll_whole() -> String {
    format!("min({}) == 1", series(&exporter::UP))
}

/// Why the last poll of an exporter was not complete: the first cause.
pub fn last_poll_failures() -> String {
    format!("max by (reason) ({})", series(&exporter::LAST_FAILURE))
}

/// Whether series per connection and account are withheld, by exporter.
pub fn detail_limited() -> String {
    format!("max by (job, instance) ({})", series(&exporter::DETAIL_LIMITED))
}

/// Version, revision and compiler of each exporter.
pub fn builds() -> String {
    format!("max by (job, instance, version, revision, rustc) ({})", series(&exporter::BUILD_INFO))
}

/// The severities of alerts, the most urgent last: the place is the rank. Others have the rank 0.
pub const SEVERITIES: [&str; 4] = ["other", "info", "warning", "critical"];

/// The board of an alert: the last of which a label has a value like this.
type BoardOf = (To, &'static str, &'static str);
const BOARD_OF_ONE: [BoardOf; 4] = [
    (To::Exporter, "nectar_scope", "exporter"),
    (To::Overview, "nectar_scope", "fleet"),
    (To::Provider, "datasource", ".+"),
    (To::Company, "company_id", ".+"),
];
/// Of all alerts of a name: they are not about one company.
const BOARD_OF_MANY: [BoardOf; 4] = [
    (To::Exporter, "nectar_scope", "exporter"),
    (To::Overview, "nectar_scope", "fleet"),
    (To::Provider, "datasource", ".+"),
    (To::Worklist, "alertname", "NectarIntervention.+"),
];

/// The firing alerts of the shipped rules, each with the rank of its severity, the id of its board, and a word to link its runbook from.
/// Those on the fleet have no job and no instance.
pub fn firing_alerts() -> String {
    format!("label_replace({}, \"runbook\", \"Open\", \"\", \"\")", ranked_alerts(&BOARD_OF_ONE))
}

/// The highest rank of the firing alerts of each name.
pub fn firing_ranks() -> String {
    format!("max by (alertname, board) ({})", ranked_alerts(&BOARD_OF_MANY))
}

/// How many alerts of each name are firing.
pub fn firing_numbers() -> String {
    format!("count by (alertname, board) ({})", ranked_alerts(&BOARD_OF_MANY))
}

/// What distinguishes the alerts that are shown one by one: a login, or an exporter.
const ALERT: &str =
    "alertname, nectar_scope, company_id, company, datasource, status, connection_id, job, instance";

fn ranked_alerts(boards: &[BoardOf]) -> String {
    let ranked = SEVERITIES.iter().enumerate().rev().map(|(rank, severity)| {
        let only =
            if rank == 0 { "severity!=\"none\"".to_owned() } else { format!("severity=\"{severity}\"") };
        format!(
            "0 * max by ({ALERT}) \
             (ALERTS{{alertstate=\"firing\", nectar_scope=~\"fleet|exporter\", {only}}}) + {rank}"
        )
    });
    let ranked = ranked.collect::<Vec<_>>().join(" or ");
    boards.iter().fold(ranked, |alerts, (board, label, value)| {
        format!("label_replace({alerts}, \"board\", \"{}\", \"{label}\", \"{value}\")", board.uid())
    })
}
