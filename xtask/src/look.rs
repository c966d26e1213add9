//! Colours, units and thresholds, each written once.
//!
//! Knows Grafana's names for them. Red is for outages and blindness only.

use nectar_exporter::status::Category;
use serde_json::{Value, json};

/// All is well.
pub const GOOD: &str = "green";
/// Somebody should act, within days.
pub const ATTENTION: &str = "orange";
/// An outage, or blindness.
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

/// The colour of the category's status at `place`: a shade of the category's, where it has shades.
pub fn shade(category: Category, place: usize) -> String {
    let colour = colour(category);
    if colour.starts_with('#') {
        return colour.to_owned();
    }
    // From what most have to what is rare; the plain colour is the third.
    let shades = ["dark-", "semi-dark-", "", "light-", "super-light-"];
    format!("{}{colour}", shades.get(place).copied().unwrap_or_default())
}

/// Name and colour of the series that is called `raw`.
pub fn series(raw: &str, name: &str, colour: &str) -> Value {
    json!({
        "matcher": {"id": "byName", "options": raw},
        "properties": [
            {"id": "displayName", "value": name},
            {"id": "color", "value": {"mode": "fixed", "fixedColor": colour}},
        ],
    })
}

/// The colour of whatever the query `reference` gives.
pub fn query_colour(reference: &str, colour: &str) -> Value {
    json!({
        "matcher": {"id": "byFrameRefID", "options": reference},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
    })
}

/// What a value is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A part of a whole, 0 to 1.
    Share,
    /// A span of time in seconds.
    Seconds,
    /// A point in time, in milliseconds as Grafana has it.
    Date,
    /// Memory.
    Bytes,
    /// Things per second.
    PerSecond,
    /// Text, or a number that only stands for text.
    Word,
}

impl Unit {
    /// Grafana's id.
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

    /// How many decimals are worth reading.
    pub fn decimals(self) -> Option<u8> {
        match self {
            Self::Count => Some(0),
            Self::Share | Self::Seconds => Some(1),
            Self::Date | Self::Bytes | Self::PerSecond | Self::Word => None,
        }
    }
}

/// At which value which colour begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Thresholds {
    /// No value is better than another.
    Neutral,
    /// Somebody should act from this value on.
    AttentionFrom(f64),
    /// An outage or blindness from this value on.
    AlarmFrom(f64),
    /// Good from this value on, somebody should act below.
    GoodFrom(f64),
    /// Good from this value on, an outage or blindness below.
    AlarmBelow(f64),
}

impl Thresholds {
    /// As Grafana has it.
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
