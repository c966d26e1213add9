//! The workflows in `.github/workflows`: what they may do, and that what they name exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::root;
use crate::rules::findings;

/// Each workflow's text, by the name of its file.
pub fn workflows() -> BTreeMap<String, String> {
    let files = fs::read_dir(root().join(".github/workflows")).unwrap().map(|entry| entry.unwrap());
    files
        .map(|file| (file.file_name().into_string().unwrap(), fs::read_to_string(file.path()).unwrap()))
        .collect()
}

fn make_targets() -> BTreeSet<String> {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let rules = makefile.lines().filter(|line| !line.starts_with(['\t', '#', '.']));
    rules.filter_map(|line| line.split_once(':').map(|(target, _)| target.to_owned())).collect()
}

#[test]
fn workflows_ask_for_little_and_name_what_exists() {
    let workflows = workflows();
    assert!(workflows.len() >= 8, "{:?}", workflows.keys());
    for (name, text) in workflows {
        let found = findings(&text, &make_targets(), |file| root().join(file).exists());
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}

/// Each right to write, by workflow and job: nothing but the publishing of a release has one.
#[test]
fn only_a_release_may_write() {
    let mut rights = Vec::new();
    for (name, text) in workflows() {
        let workflow: Value = serde_saphyr::from_str(&text).unwrap();
        for (job, settings) in workflow["jobs"].as_object().unwrap() {
            for (right, value) in settings["permissions"].as_object().unwrap() {
                if value != "read" {
                    rights.push(format!("{name} {job}: {right} {}", value.as_str().unwrap()));
                }
            }
        }
    }
    rights.sort();
    let expected =
        ["attestations", "contents", "id-token"].map(|right| format!("release.yml publish: {right} write"));
    assert_eq!(rights, expected);
}

/// What is published was built, and passed what a change must pass.
#[test]
fn a_release_waits_for_every_other_job() {
    let release: Value = serde_saphyr::from_str(&workflows()["release.yml"]).unwrap();
    let jobs = release["jobs"].as_object().unwrap();
    let waits_for: BTreeSet<&str> =
        jobs["publish"]["needs"].as_array().unwrap().iter().map(|job| job.as_str().unwrap()).collect();
    let others: BTreeSet<&str> = jobs.keys().map(String::as_str).filter(|job| *job != "publish").collect();
    assert_eq!(waits_for, others);
    let started: BTreeSet<&str> = jobs.values().filter_map(|job| job["uses"].as_str()).collect();
    let expected = ["test", "lint", "prometheus3"].map(|name| format!("./.github/workflows/{name}.yml"));
    assert_eq!(started, expected.iter().map(String::as_str).collect());
}

/// The job that may write has nobody's code: no checkout, no compiler, no make.
#[test]
fn what_may_write_builds_nothing() {
    let workflow: Value = serde_saphyr::from_str(&workflows()["release.yml"]).unwrap();
    for step in workflow["jobs"]["publish"]["steps"].as_array().unwrap() {
        let text = step.to_string();
        for builds in ["actions/checkout", "cargo", "make ", "docker build ", "./scripts"] {
            assert!(!text.contains(builds), "{builds}: {text}");
        }
    }
}

#[test]
fn an_action_has_one_digest() {
    let mut digests = BTreeMap::new();
    for line in workflows().values().flat_map(|text| text.lines()) {
        let Some((_, action)) = line.split_once("uses: ") else { continue };
        let Some((name, pin)) = action.split_once('@') else { continue };
        assert_eq!(*digests.entry(name.to_owned()).or_insert_with(|| pin.to_owned()), pin, "{name}");
    }
}

/// A workflow with nothing wrong.
const GOOD: &str = "# For a test.
on: { push: { branches: [main] } }
permissions: {}
jobs:
  one:
    timeout-minutes: 5
    permissions: { contents: read }
    strategy: { matrix: { make: [test] } }
    steps:
      - uses: actions/checkout@0123456789abcdef0123456789abcdef01234567 # v1.2.3
        with: { persist-credentials: false }
      - run: make test SECONDS=1
      - run: ./scripts/there
";

#[test]
fn each_rule_finds_what_it_is_for() {
    let cases = [
        ("# For a test.", "", "the first line"),
        ("permissions: {}", "permissions: read-all", "`permissions: {}`"),
        ("push:", "pull_request_target:", "pull_request_target"),
        ("@0123456789abcdef0123456789abcdef01234567 # v1.2.3", "@v1", "not pinned"),
        ("@0123456789abcdef0123456789abcdef01234567", "@0123456789abcdef", "not pinned"),
        (" # v1.2.3", "", "not pinned"),
        ("    timeout-minutes: 5\n", "", "timeout"),
        ("    permissions: { contents: read }\n", "", "no permissions"),
        ("persist-credentials: false", "fetch-depth: 0", "persist-credentials"),
        ("./scripts/there", "echo ${{ github.head_ref }}", "expression"),
        ("make test ", "make tset ", "no `make tset`"),
        ("make: [test]", "make: [tset]", "no `make tset`"),
        ("./scripts/there", "./scripts/gone", "./scripts/gone does not exist"),
        ("jobs:", "jobs: [", "no YAML"),
    ];
    let found = |text: &str| findings(text, &["test".to_owned()].into(), |file| file == "scripts/there");
    assert_eq!(found(GOOD), [""; 0]);
    for (good, bad, expected) in cases {
        assert!(GOOD.contains(good), "{good}");
        let found = found(&GOOD.replace(good, bad));
        assert!(found.len() == 1 && found[0].contains(expected), "{bad}: {found:?}");
    }
}
