//! Selectors of the exporter's metrics, and the aggregation over replicas, for any job name.
//!
//! Metrics come from the exporter's catalogue. A label that a metric does not have is a bug in a board: it panics.

use std::fmt;

use nectar_exporter::metrics::metric::{Metric, Type};
use nectar_exporter::status::Category;

/// The matchers in every selector.
pub const SCOPE: &str = r#"job=~"$job", instance=~"$instance""#;

/// A metric with matchers. `Display` writes it as PromQL.
#[derive(Debug, Clone)]
pub struct Selector {
    name: String,
    labels: &'static [&'static str],
    matchers: Vec<String>,
}

/// All series of a gauge or counter.
pub fn series<const N: usize>(metric: &'static Metric<N>) -> Selector {
    assert!(metric.kind != Type::Histogram, "{} is a histogram: name its part", metric.name);
    Selector { name: metric.name.to_owned(), labels: metric.labels, matchers: Vec::new() }
}

/// One part (`bucket`, `sum`, `count`) of a histogram.
pub fn part<const N: usize>(metric: &'static Metric<N>, part: &str) -> Selector {
    assert!(metric.kind == Type::Histogram, "{} has no parts", metric.name);
    assert!(["bucket", "sum", "count"].contains(&part), "a histogram has no {part}");
    Selector { name: format!("{}_{part}", metric.name), labels: metric.labels, matchers: Vec::new() }
}

impl Selector {
    /// Only this category.
    pub fn category(self, category: Category) -> Self {
        self.matching("category", "=", category.label())
    }

    /// Only where `label` is `value`.
    pub fn is(self, label: &str, value: &str) -> Self {
        self.matching(label, "=", value)
    }

    /// Only where `label` is not `value`.
    pub fn is_not(self, label: &str, value: &str) -> Self {
        self.matching(label, "!=", value)
    }

    /// Only where `label` is one of `values`, which must have no characters that are special in regular expressions.
    pub fn any(self, label: &str, values: &[&str]) -> Self {
        self.matching(label, "=~", &values.join("|"))
    }

    /// Only where `label` is none of `values`, which must have no characters that are special in regular expressions.
    pub fn none(self, label: &str, values: &[&str]) -> Self {
        self.matching(label, "!~", &values.join("|"))
    }

    /// Only what is chosen in a variable with several values or all.
    pub fn chosen(self, label: &str, variable: &str) -> Self {
        self.matching(label, "=~", &format!("${variable}"))
    }

    /// Only what is chosen in a variable with a single value.
    pub fn the(self, label: &str, variable: &str) -> Self {
        self.matching(label, "=", &format!("${variable}"))
    }

    fn matching(mut self, label: &str, operator: &str, value: &str) -> Self {
        assert!(self.labels.contains(&label), "{} has no label {label}", self.name);
        self.matchers.push(format!("{label}{operator}\"{value}\""));
        self
    }

    fn knows(&self, labels: &[&str]) {
        for label in labels {
            assert!(self.labels.contains(label), "{} has no label {label}", self.name);
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{{{SCOPE}", self.name)?;
        for matcher in &self.matchers {
            write!(f, ", {matcher}")?;
        }
        f.write_str("}")
    }
}

/// One value per company and `labels`: the largest, if several replicas serve it.
pub fn once(selector: &Selector, labels: &[&str]) -> String {
    selector.knows(labels);
    let by: Vec<&str> = ["company_id"].iter().chain(labels).copied().collect();
    format!("max by ({}) ({selector})", by.join(", "))
}

/// As `once`, but the smallest value: the oldest of timestamps.
pub fn oldest(selector: &Selector, labels: &[&str]) -> String {
    once(selector, labels).replacen("max", "min", 1)
}

/// The largest value of all, for settings and facts that all exporters share.
pub fn largest(selector: &Selector) -> String {
    format!("max({selector})")
}
