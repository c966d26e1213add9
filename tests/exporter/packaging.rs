//! What packages hold: units and settings that fit the program, files that exist, pages and completions made from the flags.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use nectar_exporter::config::command;
use nectar_exporter::config::flags::{env_var, is_setting};
use nectar_exporter::config::unknown_variables;
use serde_json::Value;
use xtask::manual;

use test_support::in_checkout;

fn text(path: &str) -> String {
    fs::read_to_string(in_checkout(path)).unwrap()
}

/// The words that begin like a variable of ours.
fn variables(text: &str) -> Vec<String> {
    let words = text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    words.filter(|word| word.starts_with("NECTAR_EXPORTER_")).map(str::to_owned).collect()
}

/// A variable that is none of ours would do nothing, and the exporter would warn of it.
#[test]
fn units_and_settings_name_variables_of_flags() {
    let files = [
        "nectar-exporter.env",
        "systemd/nectar-exporter.service",
        "systemd/nectar-exporter@.service",
        "systemd/nectar-exporter.socket",
    ];
    for file in files {
        let variables = variables(&text(&format!("packaging/{file}")));
        assert!(!variables.is_empty(), "{file}");
        assert_eq!(unknown_variables(&command("test".to_owned()), variables.into_iter()), [""; 0], "{file}");
    }
}

/// But for the comment at the top, and the places of each instance.
#[test]
fn the_unit_for_several_keys_is_that_for_one() {
    let body = |file| {
        let unit = text(file);
        let (_, body) = unit.split_once("[Unit]\n").unwrap();
        body.to_owned()
    };
    let several = body("packaging/systemd/nectar-exporter@.service");
    assert!(
        several.contains("EnvironmentFile=/etc"),
        "without settings, two instances would serve on one port"
    );
    let one =
        several.replace(", %i", "").replace("/%i", "").replace("EnvironmentFile=/", "EnvironmentFile=-/");
    assert_eq!(one, body("packaging/systemd/nectar-exporter.service"));
}

/// The tools that build the packages read these lists, and only when packages are built.
#[test]
fn both_packages_hold_the_same_files_which_exist() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "nectar-exporter").unwrap();
    let sources = |tool: &str, source: &str| -> BTreeSet<String> {
        let assets = package["metadata"][tool]["assets"].as_array().unwrap().iter();
        assets.map(|asset| asset.pointer(source).unwrap().as_str().unwrap().to_owned()).collect()
    };
    let deb = sources("deb", "/0");
    let mut rpm = sources("generate-rpm", "/source");
    assert!(rpm.remove("LICENSE"), "cargo-deb puts it in its place, and cargo-generate-rpm does not");
    assert_eq!(deb, rpm);
    for source in deb.iter().filter(|source| !source.starts_with("target/")) {
        assert!(in_checkout(source).exists(), "{source}");
    }
}

/// `make deny` and the list of licences in the packages accept the same.
#[test]
fn licences_are_accepted_in_both_places() {
    let list = |file: &str, name: &str| {
        let text = text(file);
        text.split_once(&format!("\n{name} = [")).unwrap().1.split_once(']').unwrap().0.to_owned()
    };
    assert_eq!(list("deny.toml", "allow"), list("packaging/about.toml", "accepted"));
}

#[test]
fn pages_and_completions_have_every_flag() {
    let folder = tempfile::tempdir().unwrap();
    manual::write_all(folder.path()).unwrap();
    let written = |file: &str| fs::read_to_string(Path::new(folder.path()).join(file)).unwrap();
    let command = command("test".to_owned());
    let subcommands = command
        .get_subcommands()
        .map(|command| (format!("man/nectar-exporter-{}.1", command.get_name()), command));
    let completions = ["nectar-exporter.bash", "_nectar-exporter", "nectar-exporter.fish"].map(written);
    for (page, command) in subcommands.chain([("man/nectar-exporter.1".to_owned(), &command)]) {
        // Pages write a minus as `\-`.
        let text = written(&page).replace("\\-", "-");
        for flag in command.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(clap::Arg::get_long) {
            assert!(text.contains(&format!("--{flag}")), "{page}: {flag}");
            if is_setting(flag) {
                assert!(text.contains(&env_var(flag)), "{page}: {flag}");
                assert!(completions.iter().all(|text| text.contains(flag)), "{flag}");
            }
        }
    }
}
