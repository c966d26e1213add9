//! The kinds of panel, and Grafana's options for each.

use serde_json::{Value, json};

/// The kinds of panel that boards use.
#[derive(Debug, Clone, PartialEq)]
pub enum View {
    /// One number, or a few.
    Stat,
    /// The names of series, in the size of a number.
    Name,
    /// Lines over time.
    Lines,
    /// Stacked areas over time.
    Stack,
    /// Horizontal bars, one per series.
    Bars,
    /// Which of several states something was in, over time.
    States,
    /// Rows and columns.
    Table {
        /// The heading of the column to sort by in descending order.
        sorted_by: String,
    },
    /// A page of Markdown.
    Text(String),
}

impl View {
    /// Grafana's name for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Stat | Self::Name => "stat",
            Self::Lines | Self::Stack => "timeseries",
            Self::Bars => "bargauge",
            Self::States => "state-timeline",
            Self::Table { .. } => "table",
            Self::Text(_) => "text",
        }
    }

    /// Whether it shows a range of time and not a single moment.
    pub fn over_time(&self) -> bool {
        matches!(self, Self::Lines | Self::Stack | Self::States)
    }

    /// The panel's `options`.
    pub fn options(&self) -> Value {
        match self {
            Self::Stat => big("auto"),
            Self::Name => big("name"),
            Self::Lines | Self::Stack => json!({
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }),
            Self::Bars => json!({
                "displayMode": "basic", "orientation": "horizontal", "showUnfilled": true, "valueMode": "text",
                "minVizHeight": 16, "minVizWidth": 8, "namePlacement": "left", "sizing": "auto",
                "reduceOptions": last(),
            }),
            Self::States => json!({
                "alignValue": "left", "mergeValues": true, "rowHeight": 0.8, "showValue": "never",
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": false},
                "tooltip": {"mode": "single", "sort": "none"},
            }),
            Self::Table { sorted_by } => json!({
                "cellHeight": "sm", "showHeader": true,
                "sortBy": [{"displayName": sorted_by, "desc": true}],
            }),
            Self::Text(page) => json!({"mode": "markdown", "content": page}),
        }
    }

    /// The `custom` part of the field configuration.
    pub fn custom(&self) -> Value {
        match self {
            Self::Lines => drawn(0, "none"),
            Self::Stack => drawn(40, "normal"),
            Self::States => json!({"fillOpacity": 80, "lineWidth": 0}),
            Self::Table { .. } => json!({"align": "auto", "filterable": true}),
            Self::Stat | Self::Name | Self::Bars | Self::Text(_) => json!({}),
        }
    }
}

fn big(text: &str) -> Value {
    json!({
        "colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
        "textMode": text, "wideLayout": true, "reduceOptions": last(),
    })
}

fn drawn(fill: u8, stacking: &str) -> Value {
    json!({
        "drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": fill,
        "showPoints": "auto", "spanNulls": false, "axisSoftMin": 0,
        "stacking": {"mode": stacking, "group": "A"},
    })
}

fn last() -> Value {
    json!({"calcs": ["lastNotNull"], "fields": "", "values": false})
}
