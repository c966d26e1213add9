//! The mixin: without settings it is what is shipped, and each setting changes what it should and nothing else.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use promql_parser::parser;
use serde_json::{Map, Value, json};
use xtask::queries;

use crate::parsed::{selector, walk};

/// Other thresholds than those in `mixin/config.libsonnet`. `tests/alerts/thresholds.yml` has a test for each.
pub(super) const THRESHOLDS: &str = "{
    interventionOverdueDays: 7, investigationStuckDays: 9, pendingStuckDays: 3,
    accountsFailingPercent: 10, providerOutagePercent: 50, fleetShrunkPercent: 95,
}";

/// How the thresholds are written in boards and rules. None of these stands there for anything else.
const SHIPPED: [&str; 9] =
    ["14 days", "14 * 86400", "86400 > 14", "over 8 days", "25 %", ">= 0.25", "80 %", ">= 0.8", "< 0.8"];
/// The same, as numbers in the colours of a panel.
const SHIPPED_STEPS: [f64; 2] = [14.0, 0.8];

const MATCHER: &str = r#"cluster=~"a|b.\\d""#;
const NECTAR: &str = "https://dash.nectarclimate.com";

pub(super) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Evaluates `expression` in the root of the checkout, with the program that the environment's `JSONNET` names, or the one of
/// `make tools`.
fn jsonnet(expression: &str) -> Output {
    let program = std::env::var_os("JSONNET").unwrap_or_else(|| root().join("scripts/jsonnet").into());
    Command::new(program).current_dir(root()).args(["-e", expression]).output().expect("cannot run jsonnet")
}

/// The value of `expression`, with all numbers as text: 14.0 is 14, however it was written.
fn evaluated(expression: &str) -> Value {
    let output = jsonnet(expression);
    assert!(output.status.success(), "{expression}: {}", String::from_utf8_lossy(&output.stderr));
    comparable(serde_json::from_slice(&output.stdout).unwrap())
}

/// All that the mixin has, with `settings`.
pub(super) fn mixin(settings: &str) -> Value {
    evaluated(&format!(
        "local mixin = (import 'mixin.libsonnet') + {{ _config+:: {settings} }};
         {{ boards: mixin.grafanaDashboards, recording: mixin.prometheusRules, alerts: mixin.prometheusAlerts,
            templates: mixin.alertmanagerTemplates }}"
    ))
}

pub(super) fn comparable(value: Value) -> Value {
    match value {
        Value::Number(number) => format!("{:.9}", number.as_f64().unwrap()).into(),
        Value::Array(list) => list.into_iter().map(comparable).collect(),
        Value::Object(object) => object.into_iter().map(|(key, value)| (key, comparable(value))).collect(),
        other => other,
    }
}

/// Replaces every text in `value`.
fn edit(value: &mut Value, change: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(list) => list.iter_mut().for_each(|value| edit(value, change)),
        Value::Object(object) => object.values_mut().for_each(|value| edit(value, change)),
        _ => (),
    }
}

pub(super) fn rules(mixin: &Value) -> impl Iterator<Item = &Value> {
    let groups =
        ["recording", "alerts"].into_iter().flat_map(|file| mixin[file]["groups"].as_array().unwrap());
    groups.flat_map(|group| group["rules"].as_array().unwrap())
}

/// The files of `folder` that are called `*.ending`, with their names.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let matching = entries.filter(|path| path.extension().is_some_and(|found| found == ending));
    matching
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// Writes the rules of `mixin` and `tests/alerts/thresholds.yml` into a folder, and runs promtool there.
fn promtool(mixin: &Value, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    for file in ["recording", "alerts"] {
        fs::write(folder.path().join(format!("nectar-{file}.yml")), mixin[file].to_string()).unwrap();
    }
    fs::copy(root().join("tests/alerts/thresholds.yml"), folder.path().join("thresholds.yml")).unwrap();
    Command::new("promtool").current_dir(&folder).args(arguments).output().expect("cannot run promtool")
}

#[test]
fn without_settings_it_is_what_is_shipped() {
    let mixin = mixin("{}");
    let boards: Map<String, Value> = files("dashboards", "json")
        .into_iter()
        .map(|(name, text)| (name, comparable(serde_json::from_str(&text).unwrap())))
        .collect();
    assert!(
        mixin["boards"] == Value::Object(boards),
        "mixin.libsonnet does not have the boards in dashboards/"
    );
    for (name, text) in files("alerts", "yml") {
        let shipped: Value = serde_saphyr::from_str(&text).unwrap();
        let file =
            name.strip_prefix("nectar-").and_then(|name| name.strip_suffix(".yml")).unwrap_or_default();
        assert!(
            shipped.get("groups").is_none() || mixin[file] == comparable(shipped),
            "mixin.libsonnet does not have the rules in alerts/{name}"
        );
    }
    let templates = files("alerts", "tmpl").into_iter().map(|(name, text)| (name, Value::String(text)));
    assert!(mixin["templates"] == Value::Object(templates.collect()));
}

#[test]
fn the_selector_is_in_every_selector_of_scraped_series_and_changes_nothing_else() {
    let mut mixin = mixin(&format!("{{ nectarSelector: {} }}", json!(MATCHER)));
    let boards: Vec<_> = mixin["boards"].as_object().unwrap().values().flat_map(queries::written).collect();
    let boards = boards.iter().map(|query| query.expression.replace("$__rate_interval", "5m"));
    let expressions = rules(&mixin).map(|rule| rule["expr"].as_str().unwrap().to_owned());
    let texts = rules(&mixin).filter_map(|rule| rule["annotations"].as_object()).flat_map(Map::values);
    let in_texts = texts.flat_map(|text| queries_of_template(text.as_str().unwrap()));
    let mut scraped = 0;
    for expression in boards.chain(expressions).chain(in_texts) {
        let parsed = parser::parse(&expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        walk(&parsed, &mut Vec::new(), &mut |part, _| {
            let Some(selector) = selector(part) else { return };
            let name = selector.name.as_deref().unwrap_or_default();
            let is_scraped = !name.contains(':') && name != "ALERTS";
            let has_it = selector
                .matchers
                .matchers
                .iter()
                .any(|found| found.name == "cluster" && found.value == r"a|b.\d");
            assert_eq!(has_it, is_scraped, "{name} in {expression}");
            scraped += usize::from(is_scraped);
        });
    }
    assert!(scraped > 100, "{scraped}");
    assert!(
        promtool(&mixin, &["check", "rules", "nectar-recording.yml", "nectar-alerts.yml"]).status.success()
    );

    let in_template = MATCHER.replace('\\', r"\\").replace('"', r#"\""#);
    edit(&mut mixin, &|text| {
        let mut text = text.to_owned();
        for matcher in [&in_template, MATCHER] {
            text = text.replace(&format!("{{{matcher}}}"), "").replace(&format!("{matcher}, "), "");
        }
        text
    });
    assert!(mixin == self::mixin("{}"));
}

/// The queries in a template of Go: the string literals in its actions that name a metric, with an "x" for each `%q`.
fn queries_of_template(text: &str) -> Vec<String> {
    let actions = text.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
    let literals = actions.flat_map(|action| {
        let hidden = action.replace(r#"\""#, "\u{0}");
        hidden.split('"').skip(1).step_by(2).map(|text| text.replace('\u{0}', r#"""#)).collect::<Vec<_>>()
    });
    let queries = literals.filter(|literal| literal.contains("nectar_"));
    queries.map(|literal| literal.replace(r"\\", r"\").replace("%q", r#""x""#)).collect()
}

#[test]
fn the_addresses_change() {
    let mixin = mixin(
        "{ nectarRunbookUrl: 'https://wiki.test/r', nectarGrafanaUrl: 'https://grafana.test', nectarDashboardUrl: 'https://nectar.test' }",
    );
    for rule in rules(&mixin).filter(|rule| rule["alert"].is_string()) {
        let anchor = rule["alert"].as_str().unwrap().to_lowercase();
        assert_eq!(rule["annotations"]["runbook_url"], format!("https://wiki.test/r#{anchor}"));
    }
    let mut links = Vec::new();
    find(&mixin["boards"], "", &mut |key, text| {
        if key == "url" && text.contains("#${") {
            links.push(text.to_owned());
        }
    });
    assert_eq!(links, ["https://wiki.test/r#${__data.fields.alertname}"]);
    let template = mixin["templates"]["nectar.tmpl"].as_str().unwrap();
    assert!(template.contains(r#"{{ define "nectar.link.board" }}{{ with "https://grafana.test" }}"#));
    assert!(template.contains(r#"{{ define "nectar.link.login" }}{{ with "https://nectar.test" }}"#));
    assert!(!mixin.to_string().contains(NECTAR), "an address of Nectar's dashboard is left");
    let without = self::mixin("{ nectarDashboardUrl: '' }");
    assert!(!without["templates"].to_string().contains(NECTAR));
    assert!(without["boards"] == self::mixin("{}")["boards"]);
}

/// With our thresholds no test passes; with the others all do. The tests expect links as they are shipped, whatever was set since.
#[test]
fn thresholds_change_what_fires() {
    let thresholds = evaluated("(import 'mixin/config.libsonnet')._config.nectarThresholds");
    let names: Vec<&String> = thresholds.as_object().unwrap().keys().collect();
    let failed = |settings: &str| {
        let output = promtool(
            &mixin(&format!("{{ nectarRunbookUrl: 'docs/runbooks.md' }} + {settings}")),
            &["test", "rules", "thresholds.yml"],
        );
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        let mut failed: Vec<String> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("name: ")?.strip_suffix(',').map(str::to_owned))
            .collect();
        failed.sort();
        assert_eq!(output.status.success(), failed.is_empty(), "{text}");
        (failed, text)
    };
    let (ours, text) = failed("{}");
    assert!(ours.iter().eq(names), "{text}");
    let (others, text) = failed(&format!("{{ nectarThresholds+: {THRESHOLDS} }}"));
    assert!(others.is_empty(), "{text}");
}

#[test]
fn no_threshold_is_left_behind() {
    let mixin = mixin(&format!("{{ nectarThresholds+: {THRESHOLDS} }}"));
    let mut left = Vec::new();
    find(&mixin, "", &mut |key, text| {
        let step = key == "value" && SHIPPED_STEPS.iter().any(|step| text == format!("{step:.9}"));
        if step || SHIPPED.iter().any(|shipped| mentions(text, shipped)) {
            left.push(text.to_owned());
        }
    });
    assert!(left.is_empty(), "to be set in mixin/thresholds.libsonnet:\n{}", left.join("\n"));
}

/// Colours follow a threshold that is no whole number, as texts and expressions do.
#[test]
fn a_threshold_can_have_a_fraction() {
    let mixin = mixin("{ nectarThresholds+: { interventionOverdueDays: 7.5 } }");
    let mut steps = 0;
    find(&mixin["boards"], "", &mut |key, text| {
        steps += usize::from(key == "value" && text == "7.500000000")
    });
    assert_eq!(steps, 3);
    assert!(mixin["alerts"].to_string().contains("over 7.5 days"));
}

/// Whether `text` has `part`, not followed by another digit.
fn mentions(text: &str, part: &str) -> bool {
    text.match_indices(part).any(|(at, _)| !text[at + part.len()..].starts_with(|c: char| c.is_ascii_digit()))
}

/// Calls `see` with every text in `value` and the key that it has.
fn find(value: &Value, key: &str, see: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => see(key, text),
        Value::Array(list) => list.iter().for_each(|value| find(value, key, see)),
        Value::Object(object) => object.iter().for_each(|(key, value)| find(value, key, see)),
        _ => (),
    }
}

#[test]
fn the_example_in_the_readme_works() {
    let readme = fs::read_to_string(root().join("dashboards/README.md")).unwrap();
    let (_, rest) = readme.split_once("```jsonnet\n").unwrap();
    let made = evaluated(rest.split_once("```").unwrap().0);
    for file in ["nectar-recording.yml", "nectar-alerts.yml", "nectar-overview.json"] {
        assert!(made[file].is_object(), "{file}");
    }
    assert!(made.to_string().contains("over 7 days"));
}

#[test]
fn what_is_wrong_is_said() {
    let with = |settings: &str| {
        format!("((import 'mixin.libsonnet') + {{ _config+:: {settings} }}).prometheusRules")
    };
    let cases = [
        (with("{ nectarSelecter: 'a=\"b\"' }"), "no such setting in mixin/config.libsonnet: nectarSelecter"),
        (
            with("{ nectarThresholds+: { overdueDays: 7 } }"),
            "no such setting in mixin/config.libsonnet: overdueDays",
        ),
        (with("{ nectarSelector: 'a=\"%\"' }"), "nectarSelector cannot have a %"),
        (
            "(import 'mixin/text.libsonnet').replace('here', 'a b a', 'a', 'c', 1)".to_owned(),
            "here: \"a\" is there 2 times and not 1",
        ),
        (
            "(import 'mixin/text.libsonnet').replace('here', 'b', 'a', 'c', 1)".to_owned(),
            "here: \"a\" is there 0 times and not 1",
        ),
    ];
    for (expression, expected) in cases {
        let output = jsonnet(&expression);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(expected), "{expression}: {error}");
    }
}
