//! Rules on variables: those that every board needs, and their settings.

use serde_json::{Value, json};

/// Data source, job and instance are as Grafana's dashboard-linter requires; every variable is well-formed.
pub fn complete(board: &Value) -> Vec<String> {
    let variables = board["templating"]["list"].as_array().unwrap();
    let mut findings = Vec::new();
    let needed = [
        ("datasource", "Data source", "datasource"),
        ("job", "Job", "query"),
        ("instance", "Instance", "query"),
    ];
    for (name, label, kind) in needed {
        match variables.iter().find(|variable| variable["name"] == name) {
            Some(variable) if variable["label"] == label && variable["type"] == kind => (),
            Some(variable) if variable["label"] == label => {
                findings.push(format!("variable {name} is not of the kind {kind}"));
            }
            Some(_) => findings.push(format!("variable {name} is not called {label}")),
            None => findings.push(format!("there is no variable {name}")),
        }
    }
    let first = variables.first().map(|variable| &variable["type"]);
    if first != Some(&json!("datasource")) {
        findings.push("the first variable is not the data source".to_owned());
    }
    for variable in variables.iter().filter(|variable| variable["type"] == "query") {
        findings
            .extend(query(variable).into_iter().map(|what| format!("variable {} {what}", variable["name"])));
    }
    for variable in variables {
        if variable["name"] == "datasource" && variable["query"] != "prometheus" {
            findings.push("the data source need not be a Prometheus".to_owned());
        }
        if ["label", "description"].iter().any(|key| variable[key].as_str().is_none_or(str::is_empty)) {
            findings.push(format!("variable {} has no label or no description", variable["name"]));
        }
    }
    findings
}

fn query(variable: &Value) -> Vec<&'static str> {
    let query = variable["query"]["query"].as_str().unwrap_or_default();
    let kind = &variable["query"]["qryType"];
    let well_formed = match query.split_once('(') {
        Some(("label_values", rest)) => {
            *kind == 1
                && rest
                    .strip_suffix(')')
                    .and_then(|rest| rest.rsplit_once(", "))
                    .is_some_and(|(_, label)| is_label(label))
        }
        Some(("query_result", rest)) => {
            let regex = variable["regex"].as_str().unwrap_or_default();
            *kind == 3
                && rest.ends_with(')')
                && ["(?<text>", "(?<value>"].iter().all(|group| regex.contains(group))
        }
        _ => false,
    };
    let scope = variable["name"] == "job" || variable["name"] == "instance";
    let checks = [
        (variable["datasource"]["uid"] == "${datasource}", "does not read from the chosen data source"),
        (variable["refresh"] == 2, "is not read again when the time range changes"),
        (well_formed, "is not well-formed"),
        (variable["definition"] == variable["query"]["query"], "is defined in two ways"),
        (!scope || variable["multi"] == true, "does not take several values"),
        (variable["multi"] != true || variable["allValue"] == ".+", "has another word for all than .+"),
    ];
    checks.into_iter().filter(|(holds, _)| !holds).map(|(_, what)| what).collect()
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}
