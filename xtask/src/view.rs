//! The kinds of panel, and Grafana's options for each.

use serde_json::{Value, json};

use crate::style::Unit;

/// The kinds of panel that boards use.
#[derive(Debug, Clone, PartialEq)]
pub enum View {
    /// One number, or a few.
    Stat,
    /// One number with the name of its series.
    Named,
    /// Lines over time.
    Lines,
    /// Stacked areas over time.
    Stack,
    /// Stacked columns over time, for what happened in each step.
    Columns,
    /// Horizontal bars, one per series.
    Bars,
    /// Which of several states something was in, over time.
    States,
    /// Rows and columns.
    Table {
        /// The headings of the columns to sort by in descending order.
        sorted_by: Vec<String>,
    },
    /// A page of Markdown.
    Text(String),
}

impl View {
    /// Grafana's name for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Stat | Self::Named => "stat",
            Self::Lines | Self::Stack | Self::Columns => "timeseries",
            Self::Bars => "bargauge",
            Self::States => "state-timeline",
            Self::Table { .. } => "table",
            Self::Text(_) => "text",
        }
    }

    /// Whether it shows a range of time and not a single moment.
    pub fn over_time(&self) -> bool {
        matches!(self, Self::Lines | Self::Stack | Self::Columns | Self::States)
    }

    /// The panel's `options`.
    pub fn options(&self) -> Value {
        match self {
            Self::Stat => big("auto", json!({})),
            Self::Named => big("value_and_name", json!({"titleSize": 18, "valueSize": 32})),
            Self::Lines | Self::Stack | Self::Columns => json!({
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }),
            Self::Bars => json!({
                "displayMode": "basic", "orientation": "horizontal", "showUnfilled": true, "valueMode": "text",
                "minVizHeight": 16, "minVizWidth": 8, "maxVizHeight": 300, "namePlacement": "left", "sizing": "auto",
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": []},
                "reduceOptions": last(),
            }),
            Self::States => json!({
                "alignValue": "left", "mergeValues": true, "rowHeight": 0.8, "showValue": "never",
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": []},
                "tooltip": {"mode": "single", "sort": "none"},
            }),
            Self::Table { sorted_by } => json!({
                "cellHeight": "sm", "showHeader": true, "frameIndex": 0,
                "sortBy": sorted_by.iter().map(|name| json!({"displayName": name, "desc": true})).collect::<Vec<_>>(),
            }),
            Self::Text(page) => json!({"mode": "markdown", "content": page}),
        }
    }

    /// The `custom` part of the field configuration.
    pub fn custom(&self, unit: Unit) -> Value {
        match self {
            Self::Lines => drawn("line", 0, "none", unit),
            Self::Stack => drawn("line", 60, "normal", unit),
            Self::Columns => drawn("bars", 80, "normal", unit),
            Self::States => json!({"fillOpacity": 80, "lineWidth": 0}),
            Self::Table { .. } => json!({"align": "auto", "filterable": false, "inspect": false}),
            Self::Stat | Self::Named | Self::Bars | Self::Text(_) => json!({}),
        }
    }
}

/// `sizes` are those of name and value, in pixels, where Grafana's own are too small beside each other.
fn big(text: &str, sizes: Value) -> Value {
    json!({
        "colorMode": "background_solid", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
        "textMode": text, "wideLayout": true, "text": sizes, "reduceOptions": last(), "showPercentChange": false,
        "percentChangeColorMode": "standard",
    })
}

fn drawn(style: &str, fill: u8, stacking: &str, unit: Unit) -> Value {
    // Grafana stacks missing values as 0: a line would lie on top of the others.
    let width = if stacking == "none" { 2 } else { 0 };
    json!({
        "drawStyle": style, "lineInterpolation": "linear", "lineWidth": width, "fillOpacity": fill,
        "showPoints": "auto", "spanNulls": false, "axisSoftMin": 0, "axisSoftMax": unit.axis_end(),
        "stacking": {"mode": stacking, "group": "A"},
    })
}

fn last() -> Value {
    json!({"calcs": ["lastNotNull"], "fields": "", "values": false})
}
