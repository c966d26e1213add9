//! Colours, units and thresholds, and Grafana's names for them. Red is only for outages and for missing or outdated data.

use nectar_exporter::status::Category;
use serde_json::{Value, json};

/// All is well.
pub const GOOD: &str = "green";
/// Somebody should act, within days.
pub const ATTENTION: &str = "orange";
/// An outage, or data that is missing or outdated.
pub const ALARM: &str = "red";
/// Neither good nor bad.
pub const NEUTRAL: &str = "text";

/// The colour of a category, on every board.
pub fn colour(category: Category) -> &'static str {
    match category {
        Category::Standard => "green",
        Category::WebsiteIssue => "purple",
        Category::InterventionNeeded => "orange",
        Category::System => "#8C8C8C",
        Category::Error => "yellow",
        Category::Terminal => "#6E7B8B",
        Category::Unknown => "blue",
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

/// An override: the colour of all series of the query `reference`.
pub fn query_colour(reference: &str, colour: &str) -> Value {
    json!({
        "matcher": {"id": "byFrameRefID", "options": reference},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
    })
}

/// The unit of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A ratio from 0 to 1.
    Share,
    /// A duration in seconds.
    Seconds,
    /// A point in time in milliseconds, as Grafana expects it.
    Date,
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
            Self::Count => "short",
            Self::Share => "percentunit",
            Self::Seconds => "s",
            Self::Date => "dateTimeAsIso",
            Self::Bytes => "bytes",
            Self::PerSecond => "reqps",
            Self::Word => "string",
        }
    }

    /// How many decimals to show; none leaves it to Grafana.
    pub fn decimals(self) -> Option<u8> {
        match self {
            Self::Count => Some(0),
            Self::Share | Self::Seconds => Some(1),
            Self::Date | Self::Bytes | Self::PerSecond | Self::Word => None,
        }
    }
}

/// From which value on which colour is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Thresholds {
    /// One colour for all values.
    Neutral,
    /// Green, and orange from this value on.
    AttentionFrom(f64),
    /// Green, and red from this value on.
    AlarmFrom(f64),
    /// Green from this value on, and orange below.
    GoodFrom(f64),
    /// Green from this value on, and red below.
    AlarmBelow(f64),
}

impl Thresholds {
    /// Grafana's JSON of the thresholds.
    pub fn json(self) -> Value {
        let (base, step) = match self {
            Self::Neutral => (NEUTRAL, None),
            Self::AttentionFrom(value) => (GOOD, Some((ATTENTION, value))),
            Self::AlarmFrom(value) => (GOOD, Some((ALARM, value))),
            Self::GoodFrom(value) => (ATTENTION, Some((GOOD, value))),
            Self::AlarmBelow(value) => (ALARM, Some((GOOD, value))),
        };
        let base = json!({"color": base, "value": null});
        let steps: Vec<Value> = std::iter::once(base)
            .chain(step.map(|(color, value)| json!({"color": color, "value": value})))
            .collect();
        json!({"mode": "absolute", "steps": steps})
    }
}
