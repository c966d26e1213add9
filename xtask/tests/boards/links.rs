//! Rules on links: they lead to one of the boards, and pass on only variables that both boards have.

use serde_json::Value;
use xtask::link::To;

/// Links that lead elsewhere: to Nectar's page of a connection, and to a runbook. Scripts change what they begin with.
const OUTSIDE: [&str; 2] = [
    "https://dash.nectarclimate.com/data-input/connections/${__data.fields.connection_id:percentencode}",
    "#${__data.fields.alertname}",
];

/// Every link leads to an existing board and keeps the time range. The target has every variable that it sets, and both boards have
/// every variable that it keeps.
pub fn alive(board: &Value) -> Vec<String> {
    let boards = xtask::boards::all();
    let mut findings = Vec::new();
    for link in links(board) {
        let url = link["url"].as_str().unwrap_or_default();
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        if OUTSIDE.contains(&url) {
            continue;
        }
        // The board of an alert, which can be any of them.
        let is_target =
            |to: &To| [format!("/d/{}", to.uid()).as_str(), "/d/${__data.fields.board}"].contains(&address);
        let targets: Vec<&Value> =
            boards.iter().filter(|(to, _)| is_target(to)).map(|(_, board)| board).collect();
        if targets.is_empty() {
            findings.push(format!("{url} leads nowhere"));
            continue;
        }
        let keeps_all = link["keepTime"] == true && link["includeVars"] == true;
        if !keeps_all && !query.contains("${__url_time_range}") {
            findings.push(format!("{url} loses the time"));
        }
        for name in query.split("var-").skip(1).filter_map(|rest| rest.split('=').next()) {
            if !targets.iter().any(|target| has_variable(target, name)) {
                findings.push(format!("{url} sets {name}, which that board does not have"));
            }
        }
        let kept = query.split("${").skip(1).filter_map(|rest| rest.split_once(":queryparam}"));
        for (name, _) in kept.filter(|(name, _)| !name.contains('}')) {
            if !has_variable(board, name) || !targets.iter().all(|target| has_variable(target, name)) {
                findings.push(format!("{url} keeps {name}, which one of the boards does not have"));
            }
        }
        let needed = ["datasource", "job", "instance"];
        if !keeps_all && needed.iter().any(|name| !query.contains(&format!("${{{name}:queryparam}}"))) {
            findings.push(format!("{url} loses the data source, the job or the instance"));
        }
    }
    findings
}

fn has_variable(board: &Value, name: &str) -> bool {
    board["templating"]["list"].as_array().unwrap().iter().any(|variable| variable["name"] == name)
}

/// Every link of the board: every object with a `url`.
fn links(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(object) => {
            let own = object.contains_key("url").then_some(value);
            own.into_iter().chain(object.values().flat_map(links)).collect()
        }
        Value::Array(array) => array.iter().flat_map(links).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_board_can_be_reached_from_every_other() {
    let boards = xtask::boards::all();
    for (from, board) in &boards {
        for (to, _) in boards.iter().filter(|(to, _)| to != from) {
            let url = format!("/d/{}", to.uid());
            assert!(
                links(board).iter().any(|link| link["url"] == *url),
                "{} does not link {url}",
                from.uid()
            );
        }
    }
}
