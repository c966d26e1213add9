//! Rules on the JSON of a board: those of Grafana's dashboard-linter, and some more.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// The panels that have queries.
pub fn asking(board: &Value) -> impl Iterator<Item = &Value> {
    board["panels"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|panel| panel["type"] != "row" && panel["type"] != "text")
}

/// The board can be provisioned from a file or imported by hand, and cannot be edited in the browser.
pub fn file(board: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            findings.push(what.to_owned());
        }
    };
    check(board.get("id").is_none(), "has an id");
    check(board.get("__inputs").is_none(), "has __inputs");
    check(board["schemaVersion"] == 42, "is not of schema version 42");
    check(board["editable"] == false, "is editable");
    check(board["uid"].as_str().is_some_and(|uid| !uid.is_empty() && uid.len() <= 40), "has no uid");
    check(filled(&board["title"]), "has no title");
    check(filled(&board["description"]), "has no description");
    findings
}

/// Title, description, unit, text for no data, data source and queries of every panel.
pub fn panels(board: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    for panel in board["panels"].as_array().unwrap() {
        let mut check = |holds: bool, what: &str| {
            if !holds {
                findings.push(format!("panel {} ({}) {what}", panel["id"], panel["title"]));
            }
        };
        check(filled(&panel["title"]), "has no title");
        let kinds = ["row", "text", "stat", "timeseries", "table", "bargauge", "state-timeline"];
        check(kinds.iter().any(|kind| panel["type"] == *kind), "is of a kind that no rule knows");
        if panel["type"] != "row" {
            check(filled(&panel["description"]), "has no description");
        }
    }
    for panel in asking(board) {
        let mut check = |holds: bool, what: &str| {
            if !holds {
                findings.push(format!("panel {} ({}) {what}", panel["id"], panel["title"]));
            }
        };
        let datasource = json!({"type": "prometheus", "uid": "${datasource}"});
        let defaults = &panel["fieldConfig"]["defaults"];
        check(panel["datasource"] == datasource, "does not read from the chosen data source");
        check(filled(&defaults["unit"]), "has no unit");
        check(filled(&defaults["noValue"]), "has no text for no data");
        let targets = panel["targets"].as_array().unwrap();
        check(!targets.is_empty(), "asks nothing");
        check(targets.iter().all(|target| filled(&target["expr"])), "has an empty query");
        check(
            targets.iter().all(|target| target["datasource"] == datasource),
            "has a query to another data source",
        );
        let references: BTreeSet<_> = targets.iter().map(|target| target["refId"].as_str()).collect();
        check(references.len() == targets.len(), "has two queries of one name");
    }
    findings
}

/// No two panels have the same id.
pub fn ids(board: &Value) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let panels = board["panels"].as_array().unwrap();
    panels
        .iter()
        .filter(|panel| !panel["id"].as_u64().is_some_and(|id| id > 0 && seen.insert(id)))
        .map(|panel| format!("the id {} occurs twice", panel["id"]))
        .collect()
}

/// Panels do not overlap, none reaches beyond the edge of the grid, and none is empty.
pub fn overlaps(board: &Value) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut findings = Vec::new();
    for panel in board["panels"].as_array().unwrap() {
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
        if w == 0 || h == 0 || x + w > 24 {
            findings.push(format!("panel {} is over the edge or too small", panel["id"]));
        }
        let free =
            (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))).filter(|cell| taken.insert(*cell));
        if free.count() as u64 != w * h {
            findings.push(format!("panel {} overlaps another", panel["id"]));
        }
    }
    findings
}

fn filled(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}
