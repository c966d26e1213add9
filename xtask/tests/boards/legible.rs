//! Rules on what a reader sees: each is a fault that a board had once.

use std::collections::BTreeSet;

use clap::CommandFactory;
use nectar_exporter::config::Cli;
use promql_parser::parser::Expr;
use promql_parser::parser::token::{T_BOTTOMK, T_GTR, T_TOPK};
use serde_json::{Value, json};
use xtask::style::ALARM;

use crate::parsed::{self, called};
use crate::structure::asking;

fn title(panel: &Value) -> &str {
    panel["title"].as_str().unwrap()
}

fn tables(board: &Value) -> impl Iterator<Item = &Value> {
    asking(board).filter(|panel| panel["type"] == "table")
}

/// The overrides of a panel that are for one column.
fn columns(panel: &Value) -> impl Iterator<Item = &Value> {
    let overrides = panel["fieldConfig"]["overrides"].as_array().unwrap().iter();
    overrides.filter(|each| each["matcher"]["id"] == "byName")
}

/// The value of a property of an override.
pub fn property<'a>(each: &'a Value, id: &str) -> Option<&'a Value> {
    let properties = each["properties"].as_array().unwrap();
    properties.iter().find(|property| property["id"] == id).map(|property| &property["value"])
}

/// The text for a table without rows is not in every empty cell as well.
pub fn empty_cells(board: &Value) -> Vec<String> {
    let cells = json!({"id": "byRegexp", "options": "/.*/"});
    let is_overridden = |panel: &&Value| {
        let mut overrides = panel["fieldConfig"]["overrides"].as_array().unwrap().iter();
        overrides.any(|each| each["matcher"] == cells && property(each, "noValue") == Some(&json!("")))
    };
    let shown = tables(board).filter(|panel| !is_overridden(panel));
    shown.map(|panel| format!("{}: an empty cell has the text for no rows", title(panel))).collect()
}

/// A stat without data is red, and says so.
pub fn no_data(board: &Value) -> Vec<String> {
    let says = |mapping: &Value| {
        let options = &mapping["options"];
        options["match"] == "null+nan"
            && options["result"]["text"] == "No data"
            && options["result"]["color"] == ALARM
    };
    let is_silent =
        |panel: &&Value| !panel["fieldConfig"]["defaults"]["mappings"].as_array().unwrap().iter().any(says);
    let silent = asking(board).filter(|panel| panel["type"] == "stat").filter(is_silent);
    silent.map(|panel| format!("{}: no data is not red", title(panel))).collect()
}

/// What a table or graph says when it is empty admits that there may be no data: no trouble is not the only cause.
pub fn no_data_admitted(board: &Value) -> Vec<String> {
    let text = |panel: &Value| panel["fieldConfig"]["defaults"]["noValue"].as_str().unwrap().to_lowercase();
    let silent = asking(board).filter(|panel| !text(panel).contains("no data"));
    silent
        .map(|panel| format!("{}: empty, it does not say that there may be no data", title(panel)))
        .collect()
}

/// Numbers are not shortened: 1,200 would be 1 K, and a whole axis 1 K, 1 K, 1 K.
pub fn whole_numbers(board: &Value) -> Vec<String> {
    let is_short = |panel: &&Value| {
        let mut columns = columns(panel);
        panel["fieldConfig"]["defaults"]["unit"] == "short"
            || columns.any(|each| property(each, "unit") == Some(&json!("short")))
    };
    asking(board)
        .filter(is_short)
        .map(|panel| format!("{}: its numbers are shortened", title(panel)))
        .collect()
}

/// A table is not sorted by words that stand for something else, such as a severity: the alphabet is no order of urgency.
pub fn sorted_by_rank(board: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    for panel in tables(board) {
        let sorted: Vec<_> =
            panel["options"]["sortBy"].as_array().unwrap().iter().map(|by| &by["displayName"]).collect();
        for each in columns(panel)
            .filter(|each| property(each, "displayName").is_some_and(|name| sorted.contains(&name)))
        {
            let name = each["matcher"]["options"].as_str().unwrap();
            if !name.starts_with("Value") && property(each, "mappings").is_some() {
                findings.push(format!("{}: sorted by the text of {name}", title(panel)));
            }
        }
    }
    findings
}

/// A range query picks no largest series: they would be others at each moment, and far more than asked for.
pub fn no_pick_over_time(board: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    for (query, expr) in parsed::all(board).iter().filter(|(query, _)| query.over_time) {
        parsed::walk(expr, &mut Vec::new(), &mut |part, _| {
            if let Expr::Aggregate(aggregate) = part
                && [T_TOPK, T_BOTTOMK].contains(&aggregate.op.id())
            {
                findings.push(format!("{} picks other series at each moment", query.panel));
            }
        });
    }
    findings
}

/// Stacked series are those above 0: the others would lie on top, and look like the cause.
pub fn no_zeros_on_top(board: &Value) -> Vec<String> {
    let is_stacked =
        |panel: &&Value| panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal";
    let stacked: BTreeSet<&str> = asking(board).filter(is_stacked).map(title).collect();
    let has_zeros = |expr: &Expr| !matches!(expr, Expr::Binary(binary) if binary.op.id() == T_GTR && binary.rhs.to_string() == "0");
    let queries = parsed::all(board).into_iter().filter(|(query, _)| stacked.contains(query.panel.as_str()));
    queries
        .filter(|(_, expr)| has_zeros(expr))
        .map(|(query, _)| format!("{} stacks zeros", query.panel))
        .collect()
}

/// The width of a heading in pixels, drawn in Grafana's font, with the sign for filter or order beside it.
fn drawn(heading: &str) -> usize {
    7 * heading.chars().count() + 36
}

/// The width in pixels of a panel in a window of 1366 pixels, without Grafana's margins.
fn narrow(panel: &Value) -> usize {
    1334 * usize::try_from(panel["gridPos"]["w"].as_u64().unwrap()).unwrap() / 24
}

/// No title is wider than its panel.
pub fn titles_fit(board: &Value) -> Vec<String> {
    let is_cut = |panel: &&Value| drawn(title(panel)) + 32 > narrow(panel);
    asking(board).filter(is_cut).map(|panel| format!("{}: the title is cut", title(panel))).collect()
}

/// No column is narrower than its heading, and together they fit into a narrow window.
pub fn headings_fit(board: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    for panel in tables(board) {
        let mut sum = 0;
        for each in columns(panel) {
            let Some(heading) = property(each, "displayName").and_then(Value::as_str) else { continue };
            let width = property(each, "custom.width").or_else(|| property(each, "custom.minWidth"));
            let width = usize::try_from(width.and_then(Value::as_u64).unwrap_or_default()).unwrap();
            if width < drawn(heading) {
                findings.push(format!("{}: {heading} is cut", title(panel)));
            }
            sum += width;
        }
        // Beside them is the bar to scroll with.
        let window = narrow(panel) - 10;
        if sum > window {
            findings.push(format!("{} is {sum} wide, and has {window}", title(panel)));
        }
    }
    findings
}

/// A rate looks back over more than one poll: otherwise it is 0 between two of them.
pub fn rates_span_a_poll(board: &Value) -> Vec<String> {
    let mut rates = BTreeSet::new();
    for (query, expr) in parsed::all(board) {
        parsed::walk(&expr, &mut Vec::new(), &mut |part, _| {
            if called(part).is_some_and(|function| ["rate", "irate", "increase"].contains(&function)) {
                rates.insert(query.panel.clone());
            }
        });
    }
    let interval = |panel: &Value| minutes(panel["interval"].as_str().unwrap_or("0m"));
    let short =
        asking(board).filter(|panel| rates.contains(title(panel)) && interval(panel) < 2 * poll_interval());
    short.map(|panel| format!("{}: a rate is shorter than two polls", title(panel))).collect()
}

/// The default interval between polls, in minutes.
fn poll_interval() -> u32 {
    let command = Cli::command();
    let flag = command.get_arguments().find(|flag| flag.get_id() == "poll_interval").unwrap();
    minutes(flag.get_default_values()[0].to_str().unwrap())
}

fn minutes(text: &str) -> u32 {
    text.strip_suffix('m').unwrap().parse().unwrap()
}
