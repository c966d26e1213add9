//! The boards' ids and titles, and the links between boards, which pass on the variables and the time range.

use serde_json::{Value, json};

/// A board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// Is anything wrong?
    Overview,
    /// One customer.
    Company,
    /// Which logins, and which first?
    Worklist,
    /// One utility, or all.
    Provider,
    /// Is it getting better?
    Trend,
    /// The exporter itself.
    Exporter,
}

impl To {
    /// Every board, in the order in which they link to each other.
    pub const ALL: [Self; 6] =
        [Self::Overview, Self::Company, Self::Worklist, Self::Provider, Self::Trend, Self::Exporter];

    /// The board's id, which is part of its address and must not change.
    pub fn uid(self) -> &'static str {
        match self {
            Self::Overview => "nectar-overview",
            Self::Company => "nectar-company",
            Self::Worklist => "nectar-worklist",
            Self::Provider => "nectar-provider",
            Self::Trend => "nectar-trend",
            Self::Exporter => "nectar-exporter",
        }
    }

    /// The board's title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Nectar / Overview",
            Self::Company => "Nectar / Company",
            Self::Worklist => "Nectar / Worklist",
            Self::Provider => "Nectar / Provider",
            Self::Trend => "Nectar / Trend",
            Self::Exporter => "Nectar / Exporter",
        }
    }
}

/// A link from a row of a table to the board `to`. It sets each variable in `sets` to the value of a column, and keeps the data
/// source, job, instance and time range.
pub fn from_row(to: To, title: &str, sets: &[(&str, &str)]) -> Value {
    from_row_keeping(to, title, sets, &[])
}

/// As `from_row`, and keeps the variables in `keeps` too.
pub fn from_row_keeping(to: To, title: &str, sets: &[(&str, &str)], keeps: &[&str]) -> Value {
    let kept: Vec<String> = ["datasource", "job", "instance"]
        .iter()
        .chain(keeps)
        .map(|name| format!("${{{name}:queryparam}}"))
        .collect();
    let kept = format!("{}&${{__url_time_range}}", kept.join("&"));
    let set: String = sets
        .iter()
        .map(|(variable, column)| format!("&var-{variable}=${{__data.fields.{column}:percentencode}}"))
        .collect();
    json!({"title": title, "url": format!("/d/{}?{kept}{set}", to.uid()), "targetBlank": false})
}

/// The links at the top of the board `from` to every other board. They keep variables and time range.
pub fn top(from: To) -> Vec<Value> {
    let link = |to: To| {
        json!({
            "type": "link", "title": to.title(), "url": format!("/d/{}", to.uid()), "icon": "dashboard",
            "tooltip": "", "tags": [], "asDropdown": false, "targetBlank": false, "includeVars": true, "keepTime": true,
        })
    };
    To::ALL.into_iter().filter(|to| *to != from).map(link).collect()
}
