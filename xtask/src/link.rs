//! Links from board to board, with what was chosen kept.
//!
//! Knows the boards' ids and how Grafana passes variables.

use serde_json::{Value, json};

/// The boards, by the ids that stand in their addresses.
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
    /// The exporter itself.
    Exporter,
}

impl To {
    /// Every board, in the order in which they link to each other.
    pub const ALL: [Self; 5] =
        [Self::Overview, Self::Company, Self::Worklist, Self::Provider, Self::Exporter];

    /// The board's stable id.
    pub fn uid(self) -> &'static str {
        match self {
            Self::Overview => "nectar-overview",
            Self::Company => "nectar-company",
            Self::Worklist => "nectar-worklist",
            Self::Provider => "nectar-provider",
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
            Self::Exporter => "Nectar / Exporter",
        }
    }
}

/// A click on a row leads to `to`, with each variable set to the value of a column of that row. Data source, job,
/// instance and time are kept.
pub fn from_row(to: To, title: &str, sets: &[(&str, &str)]) -> Value {
    from_row_keeping(to, title, sets, &[])
}

/// As `from_row`; the variables `keeps` of this board are kept too.
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

/// The links at the top of the board `from`: every other board, with variables and time kept.
pub fn top(from: To) -> Vec<Value> {
    let link = |to: To| {
        json!({
            "type": "link", "title": to.title(), "url": format!("/d/{}", to.uid()), "icon": "dashboard",
            "tooltip": "", "tags": [], "asDropdown": false, "targetBlank": false, "includeVars": true, "keepTime": true,
        })
    };
    To::ALL.into_iter().filter(|to| *to != from).map(link).collect()
}
