//! The variables at the top of a board.

use nectar_exporter::metrics::catalogue::{exporter, fleet};
use nectar_exporter::metrics::metric::Metric;
use serde_json::{Value, json};

use crate::panel::datasource;
use crate::promql::companies::{Of, names};
use crate::promql::selector::series;

/// The regular expression of "all" in a matcher.
pub const ALL: &str = ".+";

/// Whether a variable is shown at the top of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Yes.
    Yes,
    /// No: it is only used in links and selectors.
    No,
}

impl Shown {
    fn hide(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 2,
        }
    }
}

/// The Prometheus to query.
pub fn data_source() -> Value {
    json!({
        "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "regex": "",
        "description": "The Prometheus that scrapes the exporter.", "hide": 0, "refresh": 1, "options": [],
        "multi": false, "includeAll": false, "current": {"text": "", "value": ""}, "skipUrlSync": false,
    })
}

/// The scrape jobs that have an exporter.
pub fn job() -> Value {
    let query = format!("label_values({}, job)", exporter::BUILD_INFO.name);
    several("job", "Job", "The scrape job of the exporter.", Shown::Yes, &query)
}

/// The exporters of the chosen jobs.
pub fn instance(shown: Shown) -> Value {
    let query = format!("label_values({}{{job=~\"$job\"}}, instance)", exporter::BUILD_INFO.name);
    several("instance", "Instance", "The exporters. All of them: replicas do not count twice.", shown, &query)
}

/// The utilities.
pub fn provider() -> Value {
    let query = label_values(&fleet::DATASOURCE_CONNECTIONS, "datasource");
    several("provider", "Utility", "The utilities.", Shown::Yes, &query)
}

/// One company. Its name is shown, its id is in links.
pub fn company() -> Value {
    let mut variable = companies();
    if let Some(variable) = variable.as_object_mut() {
        variable.insert("multi".to_owned(), json!(false));
        variable.insert("includeAll".to_owned(), json!(false));
        variable.insert("allValue".to_owned(), Value::Null);
        variable.insert("current".to_owned(), json!({"text": "", "value": ""}));
    }
    variable
}

/// Some companies or all. Their names are shown, their ids are in links.
pub fn companies() -> Value {
    let query = format!("query_result({})", names(Of::Fleet));
    let mut variable = several(
        "company",
        "Company",
        "The customers. By name; the address carries the id.",
        Shown::Yes,
        &query,
    );
    if let Some(variable) = variable.as_object_mut() {
        // Matches a series as text, with its labels in alphabetical order. A name can have quotes and line breaks, an id cannot.
        let regex = r#"/company="(?<text>[\s\S]*)",company_id="(?<value>[^"]*)"/"#;
        variable.insert("regex".to_owned(), json!(regex));
    }
    variable
}

/// The id of one connection, set by a link in a table.
pub fn connection() -> Value {
    json!({
        "name": "connection", "label": "Connection", "type": "textbox", "query": "", "hide": 0,
        "description": "The id of one connection. A click on a row sets it.",
        "current": {"text": "", "value": ""}, "options": [], "skipUrlSync": false,
    })
}

fn label_values<const N: usize>(metric: &'static Metric<N>, label: &str) -> String {
    assert!(metric.labels.contains(&label), "{} has no label {label}", metric.name);
    format!("label_values({}, {label})", series(metric))
}

/// A variable that has several of the values that `query` returns, or all.
fn several(name: &str, label: &str, description: &str, shown: Shown, query: &str) -> Value {
    // Grafana's numbers of the query types label_values and query_result.
    let kind = if query.starts_with("label_values") { 1 } else { 3 };
    json!({
        "name": name, "label": label, "description": description, "type": "query", "datasource": datasource(),
        "query": {"query": query, "refId": name, "qryType": kind}, "definition": query, "regex": "",
        // Read again when the time range changes; sorted alphabetically, ignoring case.
        "refresh": 2, "sort": 5,
        "multi": true, "includeAll": true, "allValue": ALL,
        "current": {"text": ["All"], "value": ["$__all"]}, "options": [], "hide": shown.hide(), "skipUrlSync": false,
    })
}
