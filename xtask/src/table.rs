//! Tables: the columns, their headings and widths, and the links in them.
//!
//! A column is named after its label, so that links can use it, and displayed under its heading. None is narrower than its heading.

use nectar_exporter::status::Kind;
use serde_json::{Map, Value, json};

use crate::panel::{Panel, reference};
use crate::statuses;
use crate::style::{NEUTRAL, Thresholds, Unit};
use crate::view::View;

/// The width of a UUID, in pixels.
pub const UUID: usize = 310;
/// The least width of a column that shares what the others leave: most names of companies and utilities are whole.
const SHARE: usize = 160;

/// A column: the values of a label or of a query.
#[derive(Debug, Clone)]
pub struct Column {
    label: Option<&'static str>,
    expression: Option<String>,
    heading: Option<String>,
    width: Option<usize>,
    properties: Vec<Value>,
}

impl Column {
    /// The values of `label`, under `heading`.
    pub fn label(label: &'static str, heading: &str) -> Self {
        let properties = vec![property("custom.filterable", json!(true))];
        Self {
            label: Some(label),
            expression: None,
            heading: Some(heading.to_owned()),
            width: None,
            properties,
        }
    }

    /// The values of `label`, not shown, for use in links.
    pub fn hidden(label: &'static str) -> Self {
        // Grafana 11 hides by the first, later ones by the second.
        let hide = json!({"viz": true, "legend": false, "tooltip": false});
        let properties = vec![property("custom.hidden", json!(true)), property("custom.hideFrom", hide)];
        Self { label: Some(label), expression: None, heading: None, width: None, properties }
    }

    /// The status in plain words, with its category's colour behind them.
    pub fn status(kind: Kind) -> Self {
        Self::plain_status(&[kind]).coloured()
    }

    /// The status in plain words without a colour, of any of `kinds`: where all rows have the same category, or another column is
    /// coloured.
    pub fn plain_status(kinds: &[Kind]) -> Self {
        let rows = kinds.iter().flat_map(|kind| kind.documented());
        let longest = rows.map(|row| row.plain.chars().count()).max().unwrap_or_default();
        let mut column = Self::label("status", "Status").width(7 * longest + 14);
        column.properties.push(property("mappings", statuses::mappings(kinds)));
        column
    }

    /// Who has to act on a status, by its rank. Sorted by it, what needs somebody comes first.
    pub fn who_acts(ranks: String) -> Self {
        Self::value(WHO_ACTS, Unit::Word, ranks).mappings(statuses::actors()).width(110)
    }

    /// The values of `expression`, under `heading`.
    pub fn value(heading: &str, unit: Unit, expression: String) -> Self {
        let mut properties = vec![property("unit", json!(unit.id()))];
        properties.extend(unit.decimals().map(|decimals| property("decimals", json!(decimals))));
        if unit == Unit::Word {
            properties.push(property("custom.align", json!("left")));
        }
        let (width, heading) = (Some(heading_width(heading)), Some(heading.to_owned()));
        Self { label: None, expression: Some(expression), heading, width, properties }
    }

    /// A query that only determines which rows there are: its value is not shown.
    pub fn rows(expression: String) -> Self {
        Self { label: None, expression: Some(expression), heading: None, width: None, properties: Vec::new() }
    }

    /// Colours its cells by thresholds.
    pub fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.properties.push(property("thresholds", thresholds.json()));
        if matches!(thresholds, Thresholds::AttentionBelow(_)) {
            // Otherwise an empty cell would have the colour of the lowest values.
            let empty = json!({"match": "null", "result": {"color": NEUTRAL, "index": 0}});
            self.properties.push(property("mappings", json!([{"type": "special", "options": empty}])));
        }
        self.coloured()
    }

    /// Sets value mappings: texts that are shown instead of values, and colours behind them.
    pub fn mappings(mut self, mappings: Value) -> Self {
        self.properties.push(property("mappings", mappings));
        self.coloured()
    }

    fn coloured(mut self) -> Self {
        let cell = json!({"type": "color-background", "mode": "basic"});
        self.properties.push(property("custom.cellOptions", cell));
        self
    }

    /// Sets what is shown where a row has no value.
    pub fn without_value(mut self, text: &str) -> Self {
        self.properties.push(property("noValue", json!(text)));
        self
    }

    /// Adds a link that a click on a cell opens.
    pub fn link(mut self, link: Value) -> Self {
        self.properties.push(property("links", json!([link])));
        self
    }

    /// Sets its width in pixels. The columns without one share what remains.
    pub fn width(mut self, pixels: usize) -> Self {
        self.width = Some(pixels);
        self
    }

    /// Lets it share what remains.
    pub fn sharing(mut self) -> Self {
        self.width = None;
        self
    }

    /// The override that dresses the column `name`, if it is there at all.
    fn dressed(self, name: &str) -> Option<Value> {
        let mut properties = self.properties;
        if let Some(heading) = self.heading {
            let least = heading_width(&heading);
            assert!(self.width.is_none_or(|width| width >= least), "{heading:?} needs {least} pixels");
            properties.push(match self.width {
                Some(width) => property("custom.width", json!(width)),
                None => property("custom.minWidth", json!(SHARE.max(least))),
            });
            properties.push(property("displayName", json!(heading)));
        }
        let matcher = json!({"id": "byName", "options": name});
        (!properties.is_empty()).then(|| json!({"matcher": matcher, "properties": properties}))
    }
}

/// The heading of `Column::who_acts`, to sort by.
pub const WHO_ACTS: &str = "Who acts";

/// The width of a heading in pixels, with the sign for filter or order beside it.
pub fn heading_width(heading: &str) -> usize {
    15 * heading.chars().count() / 2 + 36
}

/// A table with `columns` from left to right, in descending order of the columns in `sorted_by`. It says `nothing` when it has no rows.
pub fn table<const N: usize>(
    title: &str,
    description: &str,
    nothing: &str,
    sorted_by: [&str; N],
    columns: Vec<Column>,
) -> Panel {
    let view = View::Table { sorted_by: sorted_by.map(str::to_owned).to_vec() };
    let mut panel = Panel::new(view, title, description, Unit::Word, nothing);
    // The text for no rows would be in every empty cell too.
    let cells = json!({"id": "byRegexp", "options": "/.*/"});
    panel = panel.overrides([json!({"matcher": cells, "properties": [property("noValue", json!(""))]})]);
    let queries = columns.iter().filter(|column| column.expression.is_some()).count();
    let (mut order, mut excluded) = (Map::new(), Map::from_iter([("Time".to_owned(), json!(true))]));
    let mut asked = 0;
    for mut column in columns {
        let name = match column.label {
            Some(label) => label.to_owned(),
            None => {
                asked += 1;
                values_of(asked - 1, queries)
            }
        };
        if let Some(expression) = column.expression.take() {
            panel = panel.ask("", expression);
        }
        let Some(dressed) = column.dressed(&name) else {
            excluded.insert(name, json!(true));
            continue;
        };
        order.insert(name, json!(order.len()));
        panel = panel.overrides([dressed]);
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

fn property(id: &str, value: Value) -> Value {
    json!({"id": id, "value": value})
}
