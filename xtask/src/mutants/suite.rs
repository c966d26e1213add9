//! The unit tests in which a mutant of one rule can show, and promtool, which runs them.
//!
//! All other rules, and what the tests expect of them, are left out, which makes a run several times as fast.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::Result;
use super::rules::{Mutant, Rules, mentions, text};

/// Reads the test files in `folder` and splits them into files with one test each.
///
/// # Errors
/// When a file cannot be read or is not YAML.
pub fn read_tests(folder: &Path) -> Result<Vec<Value>> {
    let mut tests = Vec::new();
    for file in fs::read_dir(folder)? {
        let file: Value = serde_saphyr::from_str(&fs::read_to_string(file?.path())?)?;
        for test in file.get("tests").and_then(Value::as_array).into_iter().flatten() {
            tests.push(json!({
                "rule_files": ["rules.json"],
                "evaluation_interval": file.get("evaluation_interval"),
                "group_eval_order": file.get("group_eval_order"),
                "tests": [test],
            }));
        }
    }
    Ok(tests)
}

/// What the mutants of one rule are tested with.
#[derive(Debug)]
pub struct Suite {
    touched: BTreeSet<String>,
    /// First what noticed the last mutant, then what names the rule, then what is short.
    tests: Mutex<Vec<Test>>,
}

#[derive(Debug, Clone)]
struct Test {
    file: Value,
    /// Whether it is known to pass on the rules as they are.
    is_checked: bool,
}

impl Suite {
    /// The suite for mutants of `rule`.
    pub fn new(rule: &str, rules: &Rules, tests: &[Value]) -> Self {
        let touched = rules.touched_by(rule);
        let mut tests: Vec<Value> = tests.iter().filter_map(|test| pruned(test, &touched)).collect();
        tests.sort_by_cached_key(|test| (!names_any(test, &touched), test.to_string().len()));
        let tests = tests.into_iter().map(|file| Test { file, is_checked: false }).collect();
        Self { touched, tests: Mutex::new(tests) }
    }

    /// Whether all tests pass although a rule is broken: the mutant survives.
    ///
    /// # Errors
    /// When promtool cannot be run, the mutant is not valid, or a test fails on the rules as they are: then something was left out
    /// that is needed.
    pub fn passes(&self, mutant: &Mutant, rules: &Rules) -> Result<bool> {
        let broken = rules.file(&self.touched, Some(&mutant.broken));
        let tests = || self.tests.lock().unwrap_or_else(PoisonError::into_inner);
        let order = tests().clone();
        for Test { file, is_checked } in order {
            if passes(&broken, &file).map_err(|error| format!("{}: {error}", mutant.name))? {
                continue;
            }
            if !is_checked && !passes(&rules.file(&self.touched, None), &file)? {
                return Err(
                    format!("fails on the rules as they are, pruned for {}: {file}", mutant.rule).into()
                );
            }
            let mut tests = tests();
            tests.retain(|other| other.file != file);
            tests.insert(0, Test { file, is_checked: true });
            return Ok(false);
        }
        Ok(true)
    }
}

fn passes(rules: &Value, test: &Value) -> Result<bool> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("rules.json"), rules.to_string())?;
    fs::write(folder.path().join("test.json"), test.to_string())?;
    let done = Command::new("promtool").args(["test", "rules", "test.json"]).current_dir(&folder).output();
    let done = done.map_err(|error| format!("promtool: {error}"))?;
    let output = [done.stdout, done.stderr].concat();
    let output = String::from_utf8_lossy(&output);
    // Else a mutant that is no PromQL would count as noticed.
    if output.contains("parse error") {
        return Err(output.into());
    }
    Ok(done.status.success())
}

/// A test file with only what it expects of the rules in `touched`; nothing if it expects nothing of them.
fn pruned(file: &Value, touched: &BTreeSet<String>) -> Option<Value> {
    let mut file = file.clone();
    let test = file.pointer_mut("/tests/0")?;
    let mut left = 0;
    for section in ["alert_rule_test", "promql_expr_test"] {
        if let Some(items) = test.get_mut(section).and_then(Value::as_array_mut) {
            items.retain_mut(|item| prune(item, touched));
            left += items.len();
        }
    }
    (left > 0).then_some(file)
}

/// Whether `item` expects something of the rules in `touched`. Of a list of all firing alerts, only those of `touched` are left.
fn prune(item: &mut Value, touched: &BTreeSet<String>) -> bool {
    if let Some(alert) = item["alertname"].as_str() {
        return touched.contains(alert);
    }
    let lists_all = "count by (alertname) (ALERTS{alertstate";
    if item["expr"].as_str().is_some_and(|expression| expression.starts_with(lists_all)) {
        if let Some(samples) = item.get_mut("exp_samples").and_then(Value::as_array_mut) {
            samples.retain(|sample| names_any(sample, touched));
        }
        return true;
    }
    names_any(item, touched)
}

fn names_any(part: &Value, rules: &BTreeSet<String>) -> bool {
    let text = text(part);
    rules.iter().any(|rule| mentions(&text, rule))
}
