//! The Helm chart has what is shipped elsewhere, and says what each of its values is for. Its templates are tested by `make lint-chart`,
//! which writes the renders that are read here.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use xtask::chart::{Row, folder, generated, rows};

use crate::mixin::{THRESHOLDS, comparable, mixin, root, rules};

pub(super) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(super) fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap()
}

#[test]
fn the_chart_has_what_is_generated() {
    let generated = generated().unwrap();
    for (name, text) in &generated {
        let committed = fs::read_to_string(folder().join(name)).unwrap_or_default();
        assert!(&committed == text, "charts/nectar-exporter/{name} is old: run cargo xtask chart");
    }
    for within in ["files", "files/dashboards"] {
        for entry in fs::read_dir(folder().join(within)).unwrap().map(Result::unwrap) {
            let name = format!("{within}/{}", entry.file_name().into_string().unwrap());
            let is_known = entry.path().is_dir() || generated.contains_key(&name);
            assert!(is_known, "charts/nectar-exporter/{name} is not generated");
        }
    }
}

/// The names of all values, with dots: those that have no names within them, or not in the schema.
fn names(values: &Value, at: &str, is_whole: &impl Fn(&str) -> bool, names: &mut BTreeSet<String>) {
    match values.as_object().filter(|_| at.is_empty() || !is_whole(at)) {
        Some(object) => object.iter().for_each(|(key, value)| {
            self::names(value, format!("{at}.{key}").trim_start_matches('.'), is_whole, names)
        }),
        None => assert!(names.insert(at.to_owned())),
    }
}

/// The same of a schema.
fn names_of_schema(schema: &Value, at: &str, names: &mut BTreeSet<String>) {
    let Some(properties) = schema["properties"].as_object() else {
        assert!(names.insert(at.to_owned()));
        return;
    };
    assert_eq!(schema["additionalProperties"], false, "{at} takes any name, a misspelt one, too");
    for (key, value) in properties {
        names_of_schema(value, format!("{at}.{key}").trim_start_matches('.'), names);
    }
}

/// A value that the schema does not have cannot be set, and one without a comment is not in the README.
#[test]
fn each_value_has_a_meaning_and_a_schema() {
    let mut of_schema = BTreeSet::new();
    names_of_schema(
        &serde_json::from_str(&read("charts/nectar-exporter/values.schema.json")).unwrap(),
        "",
        &mut of_schema,
    );
    // Helm gives it to a chart that is part of another one.
    assert!(of_schema.remove("global"));
    // The only one whose parts are checked although the whole is one value.
    for monitor in ["serviceMonitor", "podMonitor"] {
        assert!(of_schema.remove(&format!("{monitor}.basicAuth.username")));
        assert!(of_schema.remove(&format!("{monitor}.basicAuth.password")));
        of_schema.insert(format!("{monitor}.basicAuth"));
    }
    let mut of_values = BTreeSet::new();
    names(
        &yaml("charts/nectar-exporter/values.yaml"),
        "",
        &|name: &str| of_schema.contains(name),
        &mut of_values,
    );
    let of_comments: Vec<String> =
        rows(&read("charts/nectar-exporter/values.yaml")).into_iter().map(|row| row.path).collect();
    assert_eq!(of_schema, of_values, "the schema and values.yaml");
    assert_eq!(of_comments.into_iter().collect::<BTreeSet<_>>(), of_values, "comments and values");
}

#[test]
fn a_row_is_a_value_with_a_comment() {
    let values = "# Of the file.\n\na:\n  # One,\n  # two\n  b: 1\n  c: [x]\n# Of a group\nd:\n  # Of e\n  e:\n    f: 2\n  # Of g\n  g: {}\n";
    let row = |path: &str, meaning: &str| Row { path: path.to_owned(), meaning: meaning.to_owned() };
    assert_eq!(rows(values), [row("a.b", "One, two"), row("d.e", "Of e"), row("d.g", "Of g")]);
}

#[test]
fn thresholds_are_those_of_the_table() {
    let table: Value = serde_json::from_str(&read("mixin/thresholds.json")).unwrap();
    let values = yaml("charts/nectar-exporter/values.yaml");
    assert_eq!(
        comparable(values["prometheusRule"]["thresholds"].clone()),
        comparable(table["shipped"].clone())
    );
}

/// The objects of a render.
fn objects(name: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&read(&format!("tests/chart/{name}.yaml"))).unwrap()
}

/// With other thresholds, a link and a label. The mixin's are tested in promtool.
#[test]
fn rules_are_those_of_the_mixin() {
    let values = yaml("charts/nectar-exporter/ci/everything.yaml")["prometheusRule"].take();
    let settings =
        format!("{{ nectarRunbookUrl: {}, nectarThresholds+: {THRESHOLDS} }}", values["runbookUrl"]);
    let mut expected = mixin(&settings);
    for file in ["alerts", "recording"] {
        expected[file]["groups"].as_array_mut().unwrap().iter_mut().for_each(|group| {
            for rule in
                group["rules"].as_array_mut().unwrap().iter_mut().filter(|rule| rule["alert"].is_string())
            {
                rule["labels"]["namespace"] = values["alertLabels"]["namespace"].clone();
            }
        });
    }
    let rendered =
        objects("everything").into_iter().find(|object| object["kind"] == "PrometheusRule").unwrap();
    let rendered = comparable(rendered["spec"].clone());
    let in_chart: Vec<&Value> = rendered["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap())
        .collect();
    let in_mixin: Vec<&Value> = rules(&expected).collect();
    assert_eq!(in_chart.len(), in_mixin.len());
    for (in_chart, in_mixin) in in_chart.into_iter().zip(in_mixin) {
        assert_eq!(in_chart, in_mixin);
    }
}

/// `groupWait` is `group_wait` in Alertmanager's own configuration, and a matcher is a text there.
fn as_in_alertmanager(value: &Value) -> Value {
    if let (Some(name), Some(kind)) = (value["name"].as_str(), value["matchType"].as_str()) {
        return json!(format!("{name}{kind}{}", value["value"].as_str().unwrap()));
    }
    match value {
        Value::Array(list) => list.iter().map(as_in_alertmanager).collect(),
        Value::Object(object) => {
            let snake = |key: &str| -> String {
                let parts = key.chars().map(|c| match c.is_ascii_uppercase() {
                    true => format!("_{}", c.to_ascii_lowercase()),
                    false => c.to_string(),
                });
                parts.collect::<String>().replace("_match", "_matchers")
            };
            object.iter().map(|(key, value)| (snake(key), as_in_alertmanager(value))).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn the_example_for_alertmanager_has_the_shipped_routes() {
    let mut shipped = yaml("alerts/alertmanager.yml");
    let example = yaml("charts/nectar-exporter/examples/alertmanagerconfig.yaml")["spec"].take();
    let without_quotes: Value = serde_json::from_str(&shipped.to_string().replace(r#"\""#, "")).unwrap();
    for part in ["route", "inhibit_rules"] {
        assert_eq!(as_in_alertmanager(&example)[part], without_quotes[part], "{part}");
    }
    let receivers = |config: &Value| -> Vec<String> {
        let list = config["receivers"].as_array().unwrap();
        list.iter().map(|receiver| receiver["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(receivers(&example), receivers(&shipped));
    // Their texts, which are templates.
    let mut texts = [BTreeSet::new(), BTreeSet::new()];
    for (value, texts) in [shipped["receivers"].take(), example["receivers"].clone()].iter().zip(&mut texts) {
        let text = value.to_string();
        texts.extend(
            text.split("{{ ")
                .skip(1)
                .filter_map(|rest| rest.split_once(" }}"))
                .map(|(name, _)| name.to_owned()),
        );
    }
    assert_eq!(texts[0], texts[1]);
}
