//! Rules on names: metrics, labels and literal values are ones that the exporter has.

use nectar_exporter::failure::{Failure, Reason};
use nectar_exporter::fleet::undocumented::OVERFLOW;
use nectar_exporter::metrics::catalogue;
use nectar_exporter::metrics::metric::{Desc, Group, Type};
use nectar_exporter::nectar::decode::UNKNOWN;
use nectar_exporter::observe::{Endpoint, EventOutcome, EventRefusal};
use nectar_exporter::status::Kind;
use promql_parser::label::MatchOp;
use promql_parser::parser::VectorSelector;
use serde_json::Value;
use xtask::promql::exporter::FOREIGN;

use crate::parsed::judge_selectors;

/// What the name of a metric in a query stands for.
#[derive(Clone, Copy)]
pub enum Part {
    /// A metric of the catalogue.
    Ours(&'static Desc),
    /// `_bucket`, `_sum` or `_count` of a histogram of the catalogue.
    OfHistogram(&'static Desc, &'static str),
    /// A metric of the client library or of Prometheus.
    Foreign(&'static str, &'static [&'static str]),
}

/// What `name` is.
pub fn part(name: &str) -> Option<Part> {
    let ours = catalogue::all().find_map(|entry| {
        let rest = name.strip_prefix(entry.name)?;
        match (entry.kind, rest) {
            (Type::Gauge | Type::Counter, "") => Some(Part::Ours(entry)),
            (Type::Histogram, "_bucket") => Some(Part::OfHistogram(entry, "_bucket")),
            (Type::Histogram, "_sum") => Some(Part::OfHistogram(entry, "_sum")),
            (Type::Histogram, "_count") => Some(Part::OfHistogram(entry, "_count")),
            _ => None,
        }
    });
    let foreign = || FOREIGN.iter().find(|(known, _)| *known == name);
    ours.or_else(|| foreign().map(|(name, labels)| Part::Foreign(name, labels)))
}

impl Part {
    /// Whether it is a counter.
    pub fn is_counter(self) -> bool {
        match self {
            Self::Ours(entry) => entry.kind == Type::Counter,
            Self::OfHistogram(..) => true,
            Self::Foreign(name, _) => name.ends_with("_total"),
        }
    }

    /// What it is about, if it is in the catalogue.
    pub fn group(self) -> Option<Group> {
        match self {
            Self::Ours(entry) | Self::OfHistogram(entry, _) => Some(entry.group),
            Self::Foreign(..) => None,
        }
    }

    /// Its labels, including those of the target.
    pub fn labels(self) -> Vec<&'static str> {
        let (own, more): (&[&str], &[&str]) = match self {
            Self::Ours(entry) => (entry.labels, &[]),
            Self::OfHistogram(entry, "_bucket") => (entry.labels, &["le"]),
            Self::OfHistogram(entry, _) => (entry.labels, &[]),
            Self::Foreign(_, labels) => (labels, &[]),
        };
        own.iter().chain(more).chain(&["job", "instance"]).copied().collect()
    }
}

/// Every metric is known.
pub fn metrics(board: &Value) -> Vec<String> {
    judge_selectors(board, |_, selector, _| {
        let name = selector.name.as_deref().unwrap_or("a selector without a name");
        part(name).is_none().then(|| format!("{name} is no metric"))
    })
}

/// Every label in a matcher is a label of the metric.
pub fn matchers(board: &Value) -> Vec<String> {
    judge_selectors(board, |_, selector, _| {
        let labels = part(selector.name.as_deref()?)?.labels();
        let stray =
            selector.matchers.matchers.iter().find(|matcher| !labels.contains(&matcher.name.as_str()))?;
        Some(format!("{:?} has no label {}", selector.name, stray.name))
    })
}

/// Every literal status, category, endpoint, outcome or reason is one that the exporter can serve.
pub fn literals(board: &Value) -> Vec<String> {
    judge_selectors(board, |_, selector, _| {
        selector.matchers.matchers.iter().find_map(|matcher| {
            let known = known_values(selector, &matcher.name)?;
            let regex = matches!(matcher.op, MatchOp::Re(_) | MatchOp::NotRe(_));
            let words: Vec<&str> =
                if regex { matcher.value.split('|').collect() } else { vec![matcher.value.as_str()] };
            let stray = words.into_iter().find(|word| !word.starts_with('$') && !known.contains(word))?;
            Some(format!("{}=\"{stray}\" is no value that {:?} has", matcher.name, selector.name))
        })
    })
}

/// The values that a label can have, if there is a fixed list of them.
fn known_values(selector: &VectorSelector, label: &str) -> Option<Vec<&'static str>> {
    let name = selector.name.as_deref()?;
    let account = name.starts_with("nectar_account");
    let kind = if account { Kind::Account } else { Kind::Connection };
    match (name, label) {
        ("ALERTS", "alertstate") => Some(vec!["firing", "pending"]),
        ("ALERTS", "nectar_scope") => Some(vec!["fleet", "exporter"]),
        (_, "status") => Some(kind.documented().iter().map(|row| row.value).collect()),
        (_, "category") => Some(kind.categories().iter().map(|category| category.label()).collect()),
        (_, "kind") => Some(Kind::ALL.iter().map(|kind| kind.label()).collect()),
        (_, "endpoint") => Some(Endpoint::ALL.iter().map(|endpoint| endpoint.label()).collect()),
        (_, "outcome") => Some(
            EventOutcome::ALL
                .iter()
                .map(|outcome| outcome.label())
                .chain(EventRefusal::ALL.iter().map(|refusal| refusal.label()))
                .collect(),
        ),
        (_, "reason") => Some(
            Failure::all()
                .map(Failure::label)
                .chain(Reason::ALL.iter().map(|reason| reason.label()))
                .collect(),
        ),
        // The placeholder for utilities without a name. All others are chosen in a variable.
        (_, "datasource") => Some(vec![UNKNOWN, OVERFLOW]),
        _ => None,
    }
}

#[test]
fn the_generator_writes_no_metric_by_hand() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for folder in [source.clone(), source.join("boards")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = if path.is_file() { std::fs::read_to_string(&path).unwrap() } else { String::new() };
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                let by_hand =
                    line.replace("nectar_exporter::", "").replace("nectar_scope", "").contains("nectar_");
                assert!(!by_hand, "{}: {line}", path.display());
            }
        }
    }
}
