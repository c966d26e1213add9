//! Colours, units and thresholds, and Grafana's names for them.
//!
//! A cell or a stat is coloured behind its text, because no orange or yellow text can be read on both of Grafana's themes, and only if
//! somebody is needed. Red is only for outages and for missing or outdated data.

use nectar_exporter::status::Category;
use serde_json::{Value, json};

/// Somebody should act, within days. White text on it has a contrast of over 4.5, as on the other colours behind text.
pub const ATTENTION: &str = "#AD4E00";
/// An outage, or data that is missing or outdated.
pub const ALARM: &str = "#C4162A";
/// Nobody is needed.
pub const NEUTRAL: &str = "transparent";

/// The colour of a category in graphs, on every board.
pub fn colour(category: Category) -> &'static str {
    match category {
        Category::Standard => "green",
        Category::WebsiteIssue => "purple",
        Category::InterventionNeeded | Category::Error => "orange",
        Category::System => "#8C8C8C",
        Category::Terminal => "#6E7B8B",
        Category::Unknown => "blue",
    }
}

/// The colour behind the name of a status of this category.
pub fn behind(category: Category) -> &'static str {
    match category {
        Category::InterventionNeeded | Category::Error => ATTENTION,
        Category::WebsiteIssue => "#8F3BB8",
        Category::Unknown => "#1F60C4",
        Category::Standard | Category::System | Category::Terminal => NEUTRAL,
    }
}

/// The colour of the status at `place` within its category: a shade of the category's colour, if Grafana has shades of it.
pub fn shade(category: Category, place: usize) -> String {
    let colour = colour(category);
    if colour.starts_with('#') {
        return colour.to_owned();
    }
    // The first statuses of a category are the most frequent ones.
    let shades = ["dark-", "semi-dark-", "", "light-", "super-light-"];
    format!("{}{colour}", shades.get(place).copied().unwrap_or_default())
}

/// An override: name and colour of the series whose name is `raw`.
pub fn series(raw: &str, name: &str, colour: &str) -> Value {
    json!({
        "matcher": {"id": "byName", "options": raw},
        "properties": [
            {"id": "displayName", "value": name},
            {"id": "color", "value": {"mode": "fixed", "fixedColor": colour}},
        ],
    })
}

/// An override: the words and the colour that are shown instead of the number of the series whose name is `raw`.
pub fn words(raw: &str, text: &str, colour: &str) -> Value {
    let mappings = json!([{"type": "range", "options": {"from": 0, "to": null, "result": {"text": text, "color": colour}}}]);
    json!({"matcher": {"id": "byName", "options": raw}, "properties": [{"id": "mappings", "value": mappings}]})
}

/// An override: the name and the colour of the series of the query `reference`.
pub fn query(reference: &str, name: &str, colour: &str) -> Value {
    json!({
        "matcher": {"id": "byFrameRefID", "options": reference},
        "properties": [
            {"id": "displayName", "value": name},
            {"id": "color", "value": {"mode": "fixed", "fixedColor": colour}},
        ],
    })
}

/// The unit of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A ratio from 0 to 1.
    Share,
    /// A duration in seconds, for operators. Grafana shows it in a unit that fits.
    Seconds,
    /// A duration in days, for customer care.
    Days,
    /// How many days ago something was, for customer care.
    DaysAgo,
    /// Bytes.
    Bytes,
    /// A rate per second.
    PerSecond,
    /// Text, or a number that only stands for text.
    Word,
}

impl Unit {
    /// Grafana's id of the unit.
    pub fn id(self) -> &'static str {
        match self {
            // Whole numbers: `short` makes 1 K of 1,200.
            Self::Count => "locale",
            Self::Share => "percentunit",
            Self::Seconds => "s",
            Self::Days => "suffix:days",
            Self::DaysAgo => "suffix:days ago",
            Self::Bytes => "bytes",
            Self::PerSecond => "reqps",
            Self::Word => "string",
        }
    }

    /// The least end of an axis: without one, zeros would have an axis up to 100, or to 10,000 %.
    pub fn axis_end(self) -> Option<f64> {
        match self {
            Self::Count => Some(1.0),
            Self::Share => Some(0.01),
            Self::Seconds | Self::Days | Self::DaysAgo | Self::Bytes | Self::PerSecond | Self::Word => None,
        }
    }

    /// How many decimals to show; none leaves it to Grafana.
    pub fn decimals(self) -> Option<u8> {
        match self {
            Self::Count => Some(0),
            Self::Share | Self::Seconds | Self::Days | Self::DaysAgo => Some(1),
            Self::Bytes | Self::PerSecond | Self::Word => None,
        }
    }
}

/// From which value on which colour is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Thresholds {
    /// No value is coloured.
    Neutral,
    /// Orange from this value on.
    AttentionFrom(f64),
    /// Orange below this value.
    AttentionBelow(f64),
    /// Red from this value on.
    AlarmFrom(f64),
    /// Orange from the first value on, red from the second.
    AttentionThenAlarm(f64, f64),
}

impl Thresholds {
    /// Grafana's JSON of the thresholds.
    pub fn json(self) -> Value {
        let (base, steps) = match self {
            Self::Neutral => (NEUTRAL, vec![]),
            Self::AttentionFrom(value) => (NEUTRAL, vec![(ATTENTION, value)]),
            Self::AttentionBelow(value) => (ATTENTION, vec![(NEUTRAL, value)]),
            Self::AlarmFrom(value) => (NEUTRAL, vec![(ALARM, value)]),
            Self::AttentionThenAlarm(attention, alarm) => {
                (NEUTRAL, vec![(ATTENTION, attention), (ALARM, alarm)])
            }
        };
        let base = json!({"color": base, "value": null});
        let steps = steps.into_iter().map(|(color, value)| json!({"color": color, "value": value}));
        let steps: Vec<Value> = std::iter::once(base).chain(steps).collect();
        json!({"mode": "absolute", "steps": steps})
    }
}
