//! The alert rules as data: which rule needs which, and the mutants of each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Result, expression};

/// One rule, broken in one way.
#[derive(Debug)]
pub struct Mutant {
    /// The rule's name, and what was done to it.
    pub name: String,
    /// The rule's name.
    pub rule: String,
    /// The broken rule.
    pub broken: Value,
}

/// All rules.
#[derive(Debug)]
pub struct Rules {
    groups: Vec<Value>,
    needs: BTreeMap<String, BTreeSet<String>>,
}

impl Rules {
    /// Reads the rules in `folder`.
    ///
    /// # Errors
    /// When a file cannot be read or is not YAML.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut groups = Vec::new();
        for file in ["nectar-recording.yml", "nectar-alerts.yml"] {
            let content: Value = serde_saphyr::from_str(&fs::read_to_string(folder.join(file))?)?;
            groups.extend(content.get("groups").and_then(Value::as_array).cloned().unwrap_or_default());
        }
        Ok(Self::new(groups))
    }

    fn new(groups: Vec<Value>) -> Self {
        let needs = needs(&rules_of(&groups).collect::<Vec<_>>());
        Self { groups, needs }
    }

    /// Every mutant of every rule. No two have the same name.
    pub fn mutants(&self) -> Vec<Mutant> {
        rules_of(&self.groups).flat_map(mutants_of).collect()
    }

    /// The rules in which a change of `rule` can show.
    pub fn touched_by(&self, rule: &str) -> BTreeSet<String> {
        let touched = self.needs.iter().filter(|(_, needs)| needs.contains(rule));
        touched.map(|(name, _)| name.clone()).collect()
    }

    /// A rule file with nothing but `rules` and what they need. `broken`, if given, is in the place of the rule that has its name.
    pub fn file(&self, rules: &BTreeSet<String>, broken: Option<&Value>) -> Value {
        let kept: BTreeSet<&String> =
            rules.iter().filter_map(|rule| self.needs.get(rule)).flatten().collect();
        let is_kept = |rule: &&Value| kept.iter().any(|kept| *kept == name(rule));
        let or_broken = |rule| broken.filter(|broken| name(broken) == name(rule)).unwrap_or(rule);
        let rules = |group| rules_of([group]).filter(is_kept).map(or_broken).collect::<Vec<_>>();
        let groups: Vec<Value> =
            self.groups.iter().map(|group| json!({"name": group["name"], "rules": rules(group)})).collect();
        json!({ "groups": groups })
    }
}

fn rules_of<'a>(groups: impl IntoIterator<Item = &'a Value>) -> impl Iterator<Item = &'a Value> {
    groups.into_iter().filter_map(|group| group["rules"].as_array()).flatten()
}

fn name(rule: &Value) -> &str {
    rule["alert"].as_str().or(rule["record"].as_str()).unwrap_or_default()
}

/// A part of a rule or test as text, in which `mentions` can search.
pub fn text(part: &Value) -> String {
    // The n of a line break would be taken for a part of the name after it.
    part.to_string().replace("\\n", " ")
}

/// Whether `text` has `name` as a word of its own.
pub fn mentions(text: &str, name: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = text.split_at(at);
        !before.ends_with(is_of_name) && !after.split_at(name.len()).1.starts_with(is_of_name)
    })
}

/// Of each rule: the rules that it names, and those that these name, and so on; itself too.
fn needs(rules: &[&Value]) -> BTreeMap<String, BTreeSet<String>> {
    let mut named: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for rule in rules {
        let text = text(rule);
        let others = rules.iter().map(|other| name(other));
        named.insert(name(rule), others.filter(|other| mentions(&text, other)).collect());
    }
    let needed_by = |rule: &str| {
        let (mut needed, mut found) = (BTreeSet::new(), vec![rule]);
        while let Some(rule) = found.pop() {
            if needed.insert(rule.to_owned()) {
                found.extend(named.get(rule).into_iter().flatten());
            }
        }
        needed
    };
    named.keys().map(|rule| ((*rule).to_owned(), needed_by(rule))).collect()
}

fn mutants_of(rule: &Value) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut add = |what: &str, broken: Value| {
        let mut full = format!("{}: {what}", name(rule));
        let times = seen.entry(what.to_owned()).or_default();
        *times += 1;
        if *times > 1 {
            full = format!("{full} #{times}");
        }
        mutants.push(Mutant { name: full, rule: name(rule).to_owned(), broken });
    };
    for (what, expression) in expression::mutants(rule["expr"].as_str().unwrap_or_default()) {
        add(&what, with(rule, "expr", &expression));
    }
    for key in ["for", "keep_firing_for"].into_iter().filter(|key| rule[key].is_string()) {
        add(&format!("drop {key}"), without(rule, "", key));
        add(&format!("{key} 12h"), with(rule, key, "12h"));
    }
    for section in ["/labels", "/annotations"] {
        for key in
            rule.pointer(section).and_then(Value::as_object).into_iter().flat_map(|section| section.keys())
        {
            add(&format!("drop {key}"), without(rule, section, key));
        }
    }
    mutants
}

fn with(rule: &Value, key: &str, value: &str) -> Value {
    let mut rule = rule.clone();
    rule.as_object_mut().and_then(|rule| rule.insert(key.to_owned(), json!(value)));
    rule
}

fn without(rule: &Value, section: &str, key: &str) -> Value {
    let mut rule = rule.clone();
    rule.pointer_mut(section).and_then(Value::as_object_mut).and_then(|section| section.remove(key));
    rule
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::{Rules, mutants_of, name, rules_of};

    #[test]
    fn a_whole_rule() {
        let rule = json!({
            "alert": "Slow", "expr": "a > 0 or a > 0", "for": "5m",
            "labels": {"severity": "info"}, "annotations": {"summary": "Slow."},
        });
        let expected = [
            ("Slow: flip >", "/expr", Some("a <= 0 or a > 0")),
            ("Slow: drop `or a > 0`", "/expr", Some("a > 0  ")),
            ("Slow: flip > #2", "/expr", Some("a > 0 or a <= 0")),
            ("Slow: drop for", "/for", None),
            ("Slow: for 12h", "/for", Some("12h")),
            ("Slow: drop severity", "/labels/severity", None),
            ("Slow: drop summary", "/annotations/summary", None),
        ];
        let mutants = mutants_of(&rule);
        assert_eq!(mutants.len(), expected.len());
        for (mutant, (name, changed, value)) in mutants.iter().zip(expected) {
            assert_eq!(mutant.name, name);
            assert_eq!(mutant.broken.pointer(changed).and_then(Value::as_str), value, "{name}");
        }
    }

    /// `b` is made from `a`, `c` from `b`, `a:b` from nothing.
    #[test]
    fn what_a_change_touches_and_what_that_needs() {
        let rule = |name: &str, expression: &str| json!({"record": name, "expr": expression});
        let group = json!({"name": "all", "rules": [rule("a", "x"), rule("b", "a"), rule("c", "1 +\nb"), rule("a:b", "ab")]});
        let rules = Rules::new(vec![group]);
        let cases =
            [("a", "a b c", "a b c"), ("b", "b c", "a b c"), ("c", "c", "a b c"), ("a:b", "a:b", "a:b")];
        for (rule, touched, kept) in cases {
            let touched_by = rules.touched_by(rule);
            assert_eq!(Vec::from_iter(touched_by.iter().map(String::as_str)).join(" "), touched, "{rule}");
            let file = rules.file(&touched_by, Some(&json!({"record": rule, "expr": "broken"})));
            let names =
                BTreeSet::from_iter(rules_of(file["groups"].as_array().into_iter().flatten()).map(name));
            assert_eq!(Vec::from_iter(names).join(" "), kept, "{rule}");
            assert_eq!(file.to_string().matches("broken").count(), 1, "{rule}");
        }
    }
}
