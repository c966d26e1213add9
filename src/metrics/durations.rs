//! The histogram of how long connections were broken, for the client library's encoder. It belongs to the fleet, so its values come from
//! there: the library's own histograms cannot be set to a value.

use std::time::Duration;

use jiff::Timestamp;
use prometheus::proto::{Bucket, Histogram, LabelPair, Metric, MetricFamily, MetricType};

use super::catalogue::fleet::CONNECTION_STATUS_DURATION;
use super::self_metrics::encode;
use super::text::Format;
use crate::fleet::durations::{Durations, LIMITS, Observed};
use crate::status::Kind;

/// Every status of a broken connection, also those that none has left yet. Where it is not known since when they are observed, since the
/// program was `started`.
pub fn text(durations: &Durations, format: Format, started: Timestamp) -> String {
    encode(&[family(durations)], format, durations.since.unwrap_or(started))
}

fn family(durations: &Durations) -> MetricFamily {
    let broken = Kind::Connection.documented().iter().filter(|status| status.category.is_broken());
    let metrics = broken.map(|status| {
        let [status_name, category_name] = CONNECTION_STATUS_DURATION.labels else {
            return Metric::default();
        };
        // Sorted by name, as the library has them.
        let labels = [(category_name, status.category.label()), (status_name, status.value)];
        let mut metric = Metric::from_label(labels.map(|(name, value)| pair(name, value)).to_vec());
        metric.set_histogram(histogram(durations.of(status)));
        metric
    });
    let mut family = MetricFamily::default();
    family.set_name(CONNECTION_STATUS_DURATION.name.to_owned());
    family.set_help(CONNECTION_STATUS_DURATION.help.to_owned());
    family.set_field_type(MetricType::HISTOGRAM);
    family.set_metric(metrics.collect());
    family
}

fn pair(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

fn histogram(Observed { counts, sum }: Observed) -> Histogram {
    let mut below = 0_u64;
    let buckets = LIMITS.iter().zip(counts).map(|(limit, count)| {
        below = below.saturating_add(count);
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(Duration::from_secs(*limit).as_secs_f64());
        bucket.set_cumulative_count(below);
        bucket
    });
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(counts.iter().fold(0, |sum: u64, count| sum.saturating_add(*count)));
    histogram.set_sample_sum(sum.as_secs_f64());
    histogram
}
