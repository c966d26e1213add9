//! The client library's families in OpenMetrics 1.0, which it does not write itself.

use std::fmt::Write;

use jiff::Timestamp;
use prometheus::proto::{Histogram, LabelPair, MetricFamily, MetricType};

use super::text::{Format, family, push_series, push_time};

/// All samples of these families. Counters and histograms count since `started`.
pub fn encode(families: &[MetricFamily], started: Timestamp) -> String {
    let mut out = String::new();
    for metrics in families {
        let name = metrics.name();
        let kind = match metrics.get_field_type() {
            MetricType::COUNTER => "counter",
            MetricType::HISTOGRAM => "histogram",
            _ => "gauge",
        };
        out += &Format::OpenMetrics.head(name, metrics.help(), kind);
        for metric in metrics.get_metric() {
            let mut samples = Samples { out: &mut out, labels: metric.get_label() };
            match kind {
                "counter" => samples.write(name, &[], metric.get_counter().get_value()),
                "histogram" => samples.histogram(name, metric.get_histogram()),
                _ => samples.write(name, &[], metric.get_gauge().get_value()),
            }
            if kind != "gauge" {
                samples.created(family(name, kind), started);
            }
        }
    }
    out
}

/// The samples of one metric.
struct Samples<'a> {
    out: &'a mut String,
    labels: &'a [LabelPair],
}

impl Samples<'_> {
    fn write(&mut self, name: &str, further: &[(&str, &str)], value: f64) {
        self.begin(name, further);
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, " {value}");
    }

    fn histogram(&mut self, name: &str, histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        for limit in histogram.get_bucket() {
            // With a decimal point, as OpenMetrics has the limits.
            let le = format!("{:?}", limit.upper_bound());
            self.write_count(&bucket, &[("le", &le)], limit.cumulative_count());
        }
        self.write_count(&bucket, &[("le", "+Inf")], histogram.get_sample_count());
        self.write(&format!("{name}_sum"), &[], histogram.get_sample_sum());
        self.write_count(&format!("{name}_count"), &[], histogram.get_sample_count());
    }

    fn write_count(&mut self, name: &str, further: &[(&str, &str)], count: u64) {
        self.begin(name, further);
        let _ = writeln!(self.out, " {count}");
    }

    fn created(&mut self, family: &str, started: Timestamp) {
        self.begin(&format!("{family}_created"), &[]);
        self.out.push(' ');
        push_time(self.out, started);
        self.out.push('\n');
    }

    fn begin(&mut self, name: &str, further: &[(&str, &str)]) {
        let own = self.labels.iter().map(|label| (label.name(), label.value()));
        let (names, values): (Vec<&str>, Vec<&str>) = own.chain(further.iter().copied()).unzip();
        push_series(self.out, name, &names, values);
    }
}
