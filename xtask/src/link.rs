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
    link(to.uid(), title, sets, keeps)
}

fn link(uid: &str, title: &str, sets: &[(&str, &str)], keeps: &[&str]) -> Value {
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
    json!({"title": title, "url": format!("/d/{uid}?{kept}{set}"), "targetBlank": false})
}

/// A link from a row to Nectar's page of its connection. `scripts/set-link-base` sets where Nectar's dashboard is.
pub fn at_nectar() -> Value {
    json!({
        "title": "Open in Nectar: select the company there first",
        "url": "https://dash.nectarclimate.com/data-input/connections/${__data.fields.connection_id:percentencode}",
        "targetBlank": true,
    })
}

/// A link from a row about an alert to its board, whose id the row has.
pub fn to_board_of_alert(sets: &[(&str, &str)]) -> Value {
    link("${__data.fields.board}", "Open its board", sets, &[])
}

/// A link from a row about an alert to its runbook. It leads nowhere until `scripts/set-runbook-base` sets where the runbooks are.
pub fn runbook() -> Value {
    json!({"title": "Open its runbook", "url": "#${__data.fields.alertname}", "targetBlank": false})
}

/// The links at the top of the board `from` to every other board. They keep variables and time range.
pub fn top(from: To) -> Vec<Value> {
    let top = |to: To| {
        json!({
            "type": "link", "title": to.title(), "url": format!("/d/{}", to.uid()), "icon": "dashboard",
            "tooltip": "", "tags": [], "asDropdown": false, "targetBlank": false, "includeVars": true, "keepTime": true,
        })
    };
    To::ALL.into_iter().filter(|to| *to != from).map(top).collect()
}
