//! Queries on the webhook events that exporters receive.

use nectar_exporter::metrics::catalogue::{exporter, webhook};
use nectar_exporter::observe::EventRefusal;

use crate::promql::selector::{Selector, part, series};

/// What [`since_last_event`] is where none came since the start of the exporter.
pub const NONE_YET: i8 = -1;
/// What [`since_last_event`] is where the exporter receives no webhooks.
pub const OFF: i8 = -2;

/// Seconds since the last event of each exporter that runs.
pub fn since_last_event() -> String {
    let (last, running) = (series(&webhook::WEBHOOK_LAST_EVENT), series(&exporter::BUILD_INFO));
    let receiving =
        format!("sum by (job, instance) (increase({}[$__rate_interval]))", series(&webhook::WEBHOOK_EVENTS));
    format!(
        "time() - max by (job, instance) ({last}) \
         or on (job, instance) ({NONE_YET} + 0 * {receiving} and on (job, instance) {running}) \
         or on (job, instance) {OFF} + 0 * max by (job, instance) ({running})"
    )
}

/// Events in each step, by what came of them.
pub fn events() -> String {
    by_outcome(&series(&webhook::WEBHOOK_EVENTS).none("outcome", &refusals()))
}

/// Refused requests in each step, by why.
pub fn refused() -> String {
    by_outcome(&series(&webhook::WEBHOOK_EVENTS).any("outcome", &refusals()))
}

fn by_outcome(selector: &Selector) -> String {
    format!("sum by (outcome) (increase({selector}[$__rate_interval])) > 0")
}

fn refusals() -> Vec<&'static str> {
    EventRefusal::ALL.iter().map(|refusal| refusal.label()).collect()
}

/// A quantile of the seconds from an event to the reading that answered it; empty where there was none.
pub fn delay_quantile(quantile: f64) -> String {
    let buckets = part(&webhook::WEBHOOK_READING_DELAY, "bucket");
    format!("histogram_quantile({quantile}, sum by (le) (rate({buckets}[$__rate_interval]))) >= 0")
}
