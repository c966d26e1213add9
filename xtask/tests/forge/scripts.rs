//! The scripts of a release that need no forge: `check-release`, `check-glibc` and `pack-release`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::root;

const CHANGELOG: &str = "# Changelog

## [Unreleased]

## [1.2.3] - 2026-01-31

### Added

- A thing.

## [1.2.2] - 2026-01-01

- An older thing.

[1.2.3]: https://example.org
";

/// Runs `scripts/check-release` in a checkout that has these files, and a chart if it is given.
fn check(tag: &str, changelog: &str, chart: Option<&str>) -> Output {
    check_on("", tag, changelog, chart)
}

/// The same on a forge at this address, or on none.
fn check_on(forge: &str, tag: &str, changelog: &str, chart: Option<&str>) -> Output {
    let folder = TempDir::new().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    // Another version that stands further below is not the program's.
    let manifest = "[workspace]\n[package]\nversion = \"1.2.3\"\n[package.metadata.x]\nversion = \"9.9.9\"\n";
    write("Cargo.toml", manifest);
    write("CHANGELOG.md", changelog);
    if let Some(chart) = chart {
        write("charts/nectar-exporter/Chart.yaml", chart);
    }
    fs::create_dir_all(folder.path().join("scripts")).unwrap();
    let script = folder.path().join("scripts/check-release");
    fs::copy(root().join("scripts/check-release"), &script).unwrap();
    let mut command = Command::new("bash");
    command.env("GITHUB_SERVER_URL", forge).env("GITHUB_REPOSITORY", "owner/name");
    command.arg(script).arg(tag).output().unwrap()
}

#[test]
fn a_release_says_what_the_changelog_says() {
    for chart in [
        None,
        Some("version: 9.9.9\nappVersion: 1.2.3\n"),
        Some("appVersion: \"1.2.3\" # x\nversion: 9.9.9\n"),
    ] {
        let output = check("v1.2.3", CHANGELOG, chart);
        assert!(output.status.success(), "{chart:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "### Added\n\n- A thing.\n");
    }
    // The last section, up to the links.
    let last = CHANGELOG.replace("## [1.2.2] - 2026-01-01\n\n- An older thing.\n\n", "");
    assert_eq!(check("v1.2.3", &last, None).stdout, b"### Added\n\n- A thing.\n");
}

#[test]
fn on_the_forge_links_to_files_lead_to_the_tag() {
    let links = "[a](docs/a.md#from-1) and [b](LICENSE), not [c](https://example.org/c) or [d](#d).";
    let changelog = CHANGELOG.replace("A thing.", links);
    let said = |forge: &str| String::from_utf8(check_on(forge, "v1.2.3", &changelog, None).stdout).unwrap();
    assert_eq!(said(""), format!("### Added\n\n- {links}\n"));
    let files = "https://forge.example/owner/name/blob/v1.2.3";
    let absolute =
        links.replace("(docs", &format!("({files}/docs")).replace("(LICENSE", &format!("({files}/LICENSE"));
    assert_eq!(said("https://forge.example"), format!("### Added\n\n- {absolute}\n"));
}

#[test]
fn a_tag_that_does_not_fit_is_refused() {
    let cases = [
        ("v1.2.4", "", "", None, "it must be v1.2.3"),
        ("1.2.3", "", "", None, "it must be v1.2.3"),
        ("v1.2.3", "[1.2.3] - ", "[1x2.3] - ", None, "no section [1.2.3]"),
        ("v1.2.3", " - 2026-01-31", "", None, "YEAR-MONTH-DAY"),
        ("v1.2.3", " - 2026-01-31", " - 31.1.2026", None, "YEAR-MONTH-DAY"),
        ("v1.2.3", " - 2026-01-31", " - 2026-01-31 or so", None, "YEAR-MONTH-DAY"),
        ("v1.2.3", "### Added\n\n- A thing.\n", "", None, "nothing in section [1.2.3]"),
        ("v1.2.3", "", "", Some("version: 1.2.3\nappVersion: 1.2.2\n"), "appVersion 1.2.2"),
        ("v1.2.3", "", "", Some("version: 1.2.3\n"), "appVersion unknown"),
    ];
    for (tag, text, by, chart, expected) in cases {
        let output = check(tag, &CHANGELOG.replacen(text, by, 1), chart);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(expected), "{tag} {by:?} {chart:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(output.stdout.is_empty());
    }
}

/// This test is a program that needs some glibc, from 2.2 to 98.
#[test]
fn a_program_that_needs_a_later_glibc_is_refused() {
    let program = std::env::current_exe().unwrap();
    let text = root().join("LICENSE");
    let cases = [
        ("99.0", &program, true, "needs glibc 2."),
        ("2.2", &program, false, "must not need one after 2.2:"),
        ("99.0", &text, false, "not recognized"),
    ];
    for (version, program, succeeds, expected) in cases {
        let mut command = Command::new("bash");
        let output =
            command.arg(root().join("scripts/check-glibc")).arg(version).arg(program).output().unwrap();
        let said = String::from_utf8_lossy(if succeeds { &output.stdout } else { &output.stderr });
        assert!(output.status.success() == succeeds && said.contains(expected), "{version}: {said}");
    }
}

/// Packs a program and a text that were written into `folder`.
fn packed(folder: &Path, mode: u32) -> Vec<u8> {
    let program = folder.join("program");
    fs::write(&program, "binary").unwrap();
    fs::set_permissions(&program, PermissionsExt::from_mode(mode)).unwrap();
    fs::write(folder.join("LICENSE"), "text").unwrap();
    let archive = folder.join("made/x-1.tar.gz");
    let mut command = Command::new("python3");
    command.arg(root().join("scripts/pack-release")).arg(&archive).args([program, folder.join("LICENSE")]);
    assert!(command.env("SOURCE_DATE_EPOCH", "1700000000").output().unwrap().status.success());
    fs::read(archive).unwrap()
}

#[test]
fn an_archive_depends_on_names_and_content_alone() {
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    // The rights of group and others, and the folder, are different.
    assert!(packed(one.path(), 0o700) == packed(other.path(), 0o755));
    let mut list = Command::new("tar");
    list.env("TZ", "UTC")
        .args(["--list", "--verbose", "--full-time", "--file"])
        .arg(one.path().join("made/x-1.tar.gz"));
    let listed = String::from_utf8(list.output().unwrap().stdout).unwrap();
    let words: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let expected = [
        ["-rwxr-xr-x", "root/root", "6", "2023-11-14", "22:13:20", "x-1/program"],
        ["-rw-r--r--", "root/root", "4", "2023-11-14", "22:13:20", "x-1/LICENSE"],
    ];
    assert_eq!(words, expected);
}
