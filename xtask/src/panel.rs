//! A panel: its queries, its view, and what it says when there is no data.

use serde_json::{Value, json};

use crate::style::{ALARM, Thresholds, Unit};
use crate::view::View;

/// What a stat says when it has no data.
pub const NO_DATA: &str = "No data";
/// The shortest step of a panel with a rate. Polls are minutes apart: with a shorter step, a rate would be 0 between two of them.
const POLLS_STEP: &str = "30m";
/// The shortest step of a panel that counts over days: with a shorter one, each sample would be read many times.
const WEEKS_STEP: &str = "360m";

/// The data source of every panel and variable: the one that is chosen at the top of the board.
pub fn datasource() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

/// One query of a panel.
#[derive(Debug, Clone)]
struct Query {
    expression: String,
    legend: String,
}

/// A panel without its position on the board.
#[derive(Debug, Clone)]
pub struct Panel {
    title: String,
    description: String,
    view: View,
    unit: Unit,
    nothing: String,
    thresholds: Thresholds,
    queries: Vec<Query>,
    overrides: Vec<Value>,
    mappings: Vec<Value>,
    transformations: Vec<Value>,
    links: Vec<Value>,
}

impl Panel {
    /// A panel that says `nothing` when there is no data.
    pub fn new(view: View, title: &str, description: &str, unit: Unit, nothing: &str) -> Self {
        Self {
            title: title.to_owned(),
            description: description.to_owned(),
            view,
            unit,
            nothing: nothing.to_owned(),
            thresholds: Thresholds::Neutral,
            queries: Vec::new(),
            overrides: Vec::new(),
            mappings: Vec::new(),
            transformations: Vec::new(),
            links: Vec::new(),
        }
    }

    /// Adds a query; `legend` is the name of its series.
    pub fn ask(mut self, legend: &str, expression: String) -> Self {
        self.queries.push(Query { expression, legend: legend.to_owned() });
        self
    }

    /// Its first query.
    pub fn expression(&self) -> &str {
        self.queries.first().map_or("", |query| &query.expression)
    }

    /// The unit of its values.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Colours values by thresholds.
    pub fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// Adds field overrides: how single series or columns look.
    pub fn overrides(mut self, overrides: impl IntoIterator<Item = Value>) -> Self {
        self.overrides.extend(overrides);
        self
    }

    /// Sets a value mapping: texts and colours that are shown instead of values.
    pub fn mapping(mut self, mapping: Value) -> Self {
        self.mappings.push(mapping);
        self
    }

    /// Sets Grafana's transformations of the results.
    pub fn transformations(mut self, transformations: Vec<Value>) -> Self {
        self.transformations = transformations;
        self
    }

    /// Adds a link that a click on a value opens.
    pub fn link(mut self, link: Value) -> Self {
        self.links.push(link);
        self
    }

    /// The panel's JSON, with its id and position.
    pub fn json(&self, id: usize, place: &Value) -> Value {
        let mut panel = json!({
            "id": id,
            "type": self.view.kind(),
            "title": self.title,
            "description": self.description,
            "gridPos": place,
            "options": self.view.options(),
        });
        if let (View::Text(_), Some(panel)) = (&self.view, panel.as_object_mut()) {
            panel.insert("transparent".to_owned(), json!(true));
        } else if let Some(panel) = panel.as_object_mut() {
            panel.insert("datasource".to_owned(), datasource());
            panel.insert("fieldConfig".to_owned(), self.field_config());
            panel.insert("targets".to_owned(), self.targets());
            panel.insert("transformations".to_owned(), json!(self.transformations));
            if let Some(step) = self.step() {
                panel.insert("interval".to_owned(), json!(step));
            }
        }
        panel
    }

    fn step(&self) -> Option<&'static str> {
        let has = |text| self.queries.iter().any(|query| query.expression.contains(text));
        if has("$__rate_interval") { Some(POLLS_STEP) } else { has("increase(").then_some(WEEKS_STEP) }
    }

    /// A stat without data is red, and not the colour of a good value.
    fn no_data(&self) -> Option<Value> {
        let result = json!({"text": NO_DATA, "color": ALARM, "index": self.mappings.len()});
        matches!(self.view, View::Stat | View::Named)
            .then(|| json!({"type": "special", "options": {"match": "null+nan", "result": result}}))
    }

    fn field_config(&self) -> Value {
        let mappings: Vec<Value> = self.mappings.iter().cloned().chain(self.no_data()).collect();
        let colour = match self.view {
            View::Bars => json!({"mode": "fixed", "fixedColor": "blue"}),
            _ if self.view.over_time() => json!({"mode": "palette-classic"}),
            _ => json!({"mode": "thresholds"}),
        };
        let mut defaults = json!({
            "unit": self.unit.id(),
            "noValue": self.nothing,
            "thresholds": self.thresholds.json(),
            "mappings": mappings,
            "links": self.links,
            "custom": self.view.custom(self.unit),
            "color": colour,
        });
        if let (Some(decimals), Some(defaults)) = (self.unit.decimals(), defaults.as_object_mut()) {
            defaults.insert("decimals".to_owned(), json!(decimals));
        }
        json!({"defaults": defaults, "overrides": self.overrides})
    }

    fn targets(&self) -> Value {
        let table = matches!(self.view, View::Table { .. });
        let target = |(index, query): (usize, &Query)| {
            json!({
                "refId": reference(index),
                "datasource": datasource(),
                "editorMode": "code",
                "expr": query.expression,
                "legendFormat": query.legend,
                "format": if table { "table" } else { "time_series" },
                "instant": !self.view.over_time(),
                "range": self.view.over_time(),
            })
        };
        self.queries.iter().enumerate().map(target).collect()
    }
}

/// Grafana's name of a panel's query: A, B, C.
pub fn reference(index: usize) -> String {
    let letter =
        u8::try_from(index).ok().and_then(|index| b'A'.checked_add(index)).filter(u8::is_ascii_uppercase);
    assert!(letter.is_some(), "a panel has at most 26 queries");
    letter.map(char::from).into_iter().collect()
}
