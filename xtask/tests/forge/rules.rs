//! What must hold for each workflow: its findings are words for whoever changed it.

use std::collections::BTreeSet;

use serde_json::Value;

/// What is wrong with a workflow, `text`, in a checkout that has the `targets` of make, and the files for which `exists` is true.
pub fn findings(text: &str, targets: &BTreeSet<String>, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let workflow: Value = match serde_saphyr::from_str(text) {
        Ok(workflow) => workflow,
        Err(error) => return vec![format!("no YAML: {error}")],
    };
    let mut found = Vec::new();
    if !text.starts_with("# ") {
        found.push("the first line does not say what it is for".to_owned());
    }
    if workflow["permissions"] != serde_json::json!({}) {
        found.push("it must have `permissions: {}`, and each job its own".to_owned());
    }
    // Both run with rights, on what somebody else wrote.
    for event in ["pull_request_target", "workflow_run"] {
        if !workflow["on"][event].is_null() {
            found.push(format!("it runs on {event}"));
        }
    }
    found.extend(
        text.lines().filter_map(unpinned).map(|action| format!("{action} is not pinned by a digest")),
    );
    for (name, job) in workflow["jobs"].as_object().into_iter().flatten() {
        found.extend(
            of_job(job, targets, &exists).into_iter().map(|finding| format!("job {name}: {finding}")),
        );
    }
    found
}

/// The action that this line uses, unless it is `NAME@` and 40 hexadecimal digits, with the version for people behind it.
fn unpinned(line: &str) -> Option<&str> {
    let used = line.trim_start().trim_start_matches("- ").strip_prefix("uses: ")?;
    let pinned =
        used.split_once('@').and_then(|(_, pin)| pin.split_once(" # v")).is_some_and(|(digest, version)| {
            digest.len() == 40
                && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
                && version.split('.').count() == 3
        });
    // Of this repository, and so of the same commit.
    (!pinned && !used.starts_with("./")).then_some(used)
}

fn of_job(job: &Value, targets: &BTreeSet<String>, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    if !job["permissions"].is_object() {
        found.push("no permissions of its own".to_owned());
    }
    if job["uses"].is_null() && job["timeout-minutes"].is_null() {
        found.push("no timeout-minutes".to_owned());
    }
    let mut made: Vec<&str> = job["strategy"]["matrix"]["make"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for step in job["steps"].as_array().into_iter().flatten() {
        let uses = step["uses"].as_str().unwrap_or_default();
        if uses.starts_with("actions/checkout@") && step["with"]["persist-credentials"] != false {
            found.push("a checkout without `persist-credentials: false`".to_owned());
        }
        let run = step["run"].as_str().unwrap_or_default();
        // The forge puts in the text before the shell reads it: a title or a branch's name could be a command.
        if run.contains("${{") {
            found.push(format!("an expression in a command, where `env` is safe: {run}"));
        }
        for line in run.lines() {
            made.extend(line.trim().strip_prefix("make ").into_iter().flat_map(make_arguments));
        }
        let scripts = run.split_whitespace().filter_map(|word| word.strip_prefix("./"));
        found.extend(scripts.filter(|file| !exists(file)).map(|file| format!("./{file} does not exist")));
    }
    found
        .extend(made.iter().filter(|name| !targets.contains(**name)).map(|name| format!("no `make {name}`")));
    found
}

/// The targets in the arguments of make: not `NAME=VALUE`, and not a variable, whose values are in the matrix.
fn make_arguments(arguments: &str) -> impl Iterator<Item = &str> {
    arguments.split_whitespace().filter(|argument| !argument.contains(['=', '$']))
}
