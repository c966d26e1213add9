//! Tables: the columns, their headings, and the links in them.
//!
//! A column is named after its label, so that links can use it, and displayed under its heading.

use nectar_exporter::status::Kind;
use serde_json::{Map, Value, json};

use crate::panel::{Panel, reference};
use crate::statuses;
use crate::style::{Thresholds, Unit};
use crate::view::View;

/// A column: the values of a label or of a query.
#[derive(Debug, Clone)]
pub struct Column {
    label: Option<&'static str>,
    expression: Option<String>,
    properties: Vec<Value>,
}

impl Column {
    /// The values of `label`, under `heading`.
    pub fn label(label: &'static str, heading: &str) -> Self {
        Self { label: Some(label), expression: None, properties: vec![heading_property(heading)] }
    }

    /// The values of `label`, not shown, for use in links.
    pub fn hidden(label: &'static str) -> Self {
        // Grafana 11 hides by the first, later ones by the second.
        let hide = json!({"viz": true, "legend": false, "tooltip": false});
        let properties = vec![property("custom.hidden", json!(true)), property("custom.hideFrom", hide)];
        Self { label: Some(label), expression: None, properties }
    }

    /// The status in plain words, in its category's colour.
    pub fn status(kind: Kind) -> Self {
        let mut column = Self::label("status", "Status");
        column.properties.push(property("mappings", statuses::mappings(kind)));
        column.properties.push(property("custom.cellOptions", json!({"type": "color-text"})));
        column
    }

    /// The values of `expression`, under `heading`.
    pub fn value(heading: &str, unit: Unit, expression: String) -> Self {
        let mut properties = vec![heading_property(heading), property("unit", json!(unit.id()))];
        properties.extend(unit.decimals().map(|decimals| property("decimals", json!(decimals))));
        Self { label: None, expression: Some(expression), properties }
    }

    /// A query that only determines which rows there are: its value is not shown.
    pub fn rows(expression: String) -> Self {
        Self { label: None, expression: Some(expression), properties: Vec::new() }
    }

    /// Colours its values by thresholds.
    pub fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.properties.push(property("thresholds", thresholds.json()));
        self.properties.push(property("custom.cellOptions", json!({"type": "color-text"})));
        self
    }

    /// Sets value mappings: texts and colours that are shown instead of values.
    pub fn mappings(mut self, mappings: Value) -> Self {
        self.properties.push(property("mappings", mappings));
        self.properties.push(property("custom.cellOptions", json!({"type": "color-text"})));
        self
    }

    /// Adds a link that a click on a value opens.
    pub fn link(mut self, link: Value) -> Self {
        self.properties.push(property("links", json!([link])));
        self
    }

    /// Sets its width.
    pub fn width(mut self, pixels: u16) -> Self {
        self.properties.push(property("custom.width", json!(pixels)));
        self
    }
}

/// A table with `columns` from left to right, in descending order of `sorted_by`. It says `nothing` when it has no rows.
pub fn table(title: &str, description: &str, nothing: &str, sorted_by: &str, columns: Vec<Column>) -> Panel {
    let view = View::Table { sorted_by: sorted_by.to_owned() };
    let mut panel = Panel::new(view, title, description, Unit::Word, nothing);
    let queries = columns.iter().filter(|column| column.expression.is_some()).count();
    let (mut order, mut excluded) = (Map::new(), Map::from_iter([("Time".to_owned(), json!(true))]));
    let mut asked = 0;
    for column in columns {
        let name = match column.label {
            Some(label) => label.to_owned(),
            None => {
                asked += 1;
                values_of(asked - 1, queries)
            }
        };
        if let Some(expression) = column.expression {
            panel = panel.ask("", expression);
        }
        if column.properties.is_empty() {
            excluded.insert(name, json!(true));
            continue;
        }
        order.insert(name.clone(), json!(order.len()));
        let matcher = json!({"id": "byName", "options": name});
        panel = panel.overrides([json!({"matcher": matcher, "properties": column.properties})]);
    }
    let organize = json!({"excludeByName": excluded, "indexByName": order, "renameByName": {}});
    let merge = (queries > 1).then(|| json!({"id": "merge", "options": {}}));
    let organize = json!({"id": "organize", "options": organize});
    panel.transformations(merge.into_iter().chain([organize]).collect())
}

/// Grafana's name of the column with the values of a query, in a table with so many queries.
fn values_of(index: usize, queries: usize) -> String {
    if queries == 1 { "Value".to_owned() } else { format!("Value #{}", reference(index)) }
}

fn heading_property(heading: &str) -> Value {
    property("displayName", json!(heading))
}

fn property(id: &str, value: Value) -> Value {
    json!({"id": id, "value": value})
}
