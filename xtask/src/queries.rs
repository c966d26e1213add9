//! Every query of the boards as Grafana would send it, read back from the JSON of the boards, with variables filled in.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::variable::ALL;

/// The chosen values of variables, by name. A variable that is not in it has all values. `__rate_interval` can be set too.
pub type Choices = BTreeMap<String, String>;

/// Variables that Grafana sets itself, with their values for a scrape interval of a minute.
const BUILT_IN: [(&str, &str); 3] = [("__rate_interval", "5m"), ("__interval", "1m"), ("__range", "7d")];

/// One query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The board's id.
    pub board: String,
    /// The title of the panel, or the name of the variable or annotation.
    pub panel: String,
    /// The query's letter in its panel; empty for variables and annotations.
    pub reference: String,
    /// The panel's kind, `variable`, or `annotation`.
    pub kind: String,
    /// Whether it is a range query and not an instant query.
    pub over_time: bool,
    /// Labels that its result must have: those in its legend, or the one whose values a variable takes.
    pub labels: Vec<String>,
    /// The query in PromQL.
    pub expression: String,
}

impl Query {
    /// Whether it is the query `reference` of that panel.
    pub fn is(&self, board: &str, panel: &str, reference: &str) -> bool {
        self.board == board && self.panel == panel && self.reference == reference
    }

    /// The query as a JSON object.
    pub fn json(&self) -> Value {
        json!({
            "board": self.board, "panel": self.panel, "refId": self.reference, "kind": self.kind,
            "over_time": self.over_time, "labels": self.labels, "expression": self.expression,
        })
    }
}

/// All queries of `board`, variables filled in.
///
/// # Errors
/// When a query uses a variable that the board does not have, or one that must be chosen and is not.
pub fn of_board(board: &Value, choices: &Choices) -> Result<Vec<Query>, String> {
    let fill = |query: Query| match fill_in(board, choices, &query.expression) {
        Ok(expression) => Ok(Query { expression, ..query }),
        Err(error) => Err(format!("{}, {}: {error}", query.board, query.panel)),
    };
    written(board).into_iter().map(fill).collect()
}

/// All queries of `board` with the variables not filled in.
pub fn written(board: &Value) -> Vec<Query> {
    let variables =
        list(board, "/templating/list").iter().filter_map(|variable| of_variable(board, variable));
    let annotations =
        list(board, "/annotations/list").iter().filter_map(|annotation| of_annotation(board, annotation));
    let panels = list(board, "/panels").iter();
    let targets = panels
        .flat_map(|panel| list(panel, "/targets").iter().map(move |target| of_target(board, panel, target)));
    variables.chain(annotations).chain(targets).collect()
}

fn of_variable(board: &Value, variable: &Value) -> Option<Query> {
    let (call, rest) = text(variable, "/query/query").split_once('(')?;
    let inner = rest.strip_suffix(')')?;
    let (expression, label) = match call {
        "label_values" => inner.rsplit_once(',').map(|(metric, label)| (metric.trim(), label.trim()))?,
        _ => (inner, ""),
    };
    let labels = Some(label.to_owned()).filter(|label| !label.is_empty()).into_iter().collect();
    let reference = String::new();
    Some(Query { labels, ..query(board, text(variable, "/name"), reference, "variable", expression) })
}

fn of_annotation(board: &Value, annotation: &Value) -> Option<Query> {
    let expression = annotation.pointer("/expr").and_then(Value::as_str)?;
    let labels = legend_labels(text(annotation, "/textFormat"));
    let query = query(board, text(annotation, "/name"), String::new(), "annotation", expression);
    Some(Query { over_time: true, labels, ..query })
}

fn of_target(board: &Value, panel: &Value, target: &Value) -> Query {
    let reference = text(target, "/refId").to_owned();
    let over_time = target.pointer("/range").and_then(Value::as_bool).unwrap_or_default();
    let labels = legend_labels(text(target, "/legendFormat"));
    let query = query(board, text(panel, "/title"), reference, text(panel, "/type"), text(target, "/expr"));
    Query { over_time, labels, ..query }
}

fn query(board: &Value, panel: &str, reference: String, kind: &str, expression: &str) -> Query {
    Query {
        board: text(board, "/uid").to_owned(),
        panel: panel.to_owned(),
        reference,
        kind: kind.to_owned(),
        over_time: false,
        labels: Vec::new(),
        expression: expression.to_owned(),
    }
}

/// The labels in a legend: `{{label}}`.
fn legend_labels(legend: &str) -> Vec<String> {
    legend
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split_once("}}"))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// `expression` with every `$name` and `${name}` replaced.
fn fill_in(board: &Value, choices: &Choices, expression: &str) -> Result<String, String> {
    let mut parts = expression.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let braced = part.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let (name, rest) = braced.unwrap_or_else(|| {
            let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
            part.split_at(end)
        });
        filled.push_str(&value_of(board, choices, name)?);
        filled.push_str(rest);
    }
    Ok(filled)
}

fn value_of(board: &Value, choices: &Choices, name: &str) -> Result<String, String> {
    if let Some((_, value)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
        return Ok(choices.get(name).map_or(*value, String::as_str).to_owned());
    }
    let variable = list(board, "/templating/list").iter().find(|variable| text(variable, "/name") == name);
    let variable = variable.ok_or_else(|| format!("there is no variable {name}"))?;
    let several = variable.pointer("/multi").and_then(Value::as_bool).unwrap_or_default();
    match choices.get(name) {
        Some(value) if several => Ok(regex_escaped(value)),
        Some(value) => Ok(escaped(value)),
        None if several => Ok(ALL.to_owned()),
        None if text(variable, "/type") == "textbox" => Ok(text(variable, "/query").to_owned()),
        None => Err(format!("{name} must be chosen: {name}=VALUE")),
    }
}

/// `value` escaped for a PromQL string.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A regular expression that matches only `value`, escaped for a PromQL string.
fn regex_escaped(value: &str) -> String {
    let mut regex = String::new();
    for c in value.chars() {
        if r"\^$*+?.()|[]{}".contains(c) {
            regex.push('\\');
        }
        regex.push(c);
    }
    escaped(&regex)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
