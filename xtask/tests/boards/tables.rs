//! Rules on tables: the columns, links and sort order refer to something that is there.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{labels, parsed, structure};

/// Every column that a table orders, formats, sorts by or links with is a label or the values of one of its queries, and every such
/// label and value has its column.
pub fn columns(board: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    for panel in structure::asking(board).filter(|panel| panel["type"] == "table") {
        let title = panel["title"].as_str().unwrap();
        let there = there(board, panel);
        let organize = panel["transformations"].as_array().unwrap().last().unwrap();
        let arranged: BTreeSet<String> = ["indexByName", "excludeByName"]
            .iter()
            .flat_map(|key| organize["options"][key].as_object().unwrap().keys().cloned())
            .collect();
        findings.extend(
            arranged
                .symmetric_difference(&there)
                .map(|name| format!("{title}: the column {name} is not there, or not arranged")),
        );
        let overrides = panel["fieldConfig"]["overrides"].as_array().unwrap().iter();
        let overrides: Vec<_> = overrides.filter(|each| each["matcher"]["id"] == "byName").collect();
        for name in overrides.iter().map(|each| each["matcher"]["options"].as_str().unwrap()) {
            if !there.contains(name) {
                findings.push(format!("{title}: the column {name} is dressed and not there"));
            }
        }
        for name in linked_columns(panel).into_iter().filter(|name| !there.contains(name)) {
            findings.push(format!("{title}: a link needs the column {name}"));
        }
        for sorted in panel["options"]["sortBy"].as_array().unwrap().iter().map(|by| &by["displayName"]) {
            if !overrides.iter().any(|each| headings(each).any(|heading| heading == sorted)) {
                findings.push(format!("{title}: there is no column {sorted} to sort by"));
            }
        }
    }
    findings
}

/// The columns that Grafana derives from the panel's queries.
fn there(board: &Value, panel: &Value) -> BTreeSet<String> {
    let queries = parsed::all(board);
    let queries: Vec<_> =
        queries.iter().filter(|(query, _)| panel["title"] == *query.panel && query.kind == "table").collect();
    let labels = queries.iter().filter_map(|(_, expr)| labels::of(expr).ok().flatten()).flatten();
    let values = queries.iter().map(|(query, _)| match queries.len() {
        1 => "Value".to_owned(),
        _ => format!("Value #{}", query.reference),
    });
    labels.chain(values).chain(["Time".to_owned()]).collect()
}

fn headings(each: &Value) -> impl Iterator<Item = &Value> {
    let properties = each["properties"].as_array().unwrap().iter();
    properties.filter(|property| property["id"] == "displayName").map(|property| &property["value"])
}

/// The columns that links of the panel take values from.
fn linked_columns(panel: &Value) -> Vec<String> {
    let text = panel.to_string();
    let uses = text.split("${__data.fields.").skip(1);
    uses.map(|rest| rest.split([':', '}']).next().unwrap().to_owned()).collect()
}
