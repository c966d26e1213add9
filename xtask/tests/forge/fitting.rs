//! What workflows and the update bot say of other files fits these: paths that start a workflow, arguments of the image, folders with
//! manifests, names of packages.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::root;
use crate::workflows::workflows;

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

fn workflow(name: &str) -> Value {
    serde_saphyr::from_str(&workflows()[name]).unwrap()
}

/// The paths of which a change starts the workflow.
fn paths(name: &str) -> BTreeSet<String> {
    let workflow = workflow(name);
    let paths = workflow["on"]["pull_request"]["paths"].as_array().unwrap();
    paths.iter().map(|path| path.as_str().unwrap().to_owned()).collect()
}

/// The words of a text that begin with `before`, without it, up to what belongs to no name.
fn named<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    let is_other = |c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c);
    text.split(before).skip(1).map(move |rest| rest.split(is_other).next().unwrap())
}

#[test]
fn the_image_is_given_each_argument_that_it_has() {
    let script = read("scripts/build-image");
    let given: BTreeSet<String> = named(&script, "--build-arg ").map(str::to_owned).collect();
    let dockerfile = read("Dockerfile");
    let mut expected: BTreeSet<String> = named(&dockerfile, "\nARG ").map(str::to_owned).collect();
    // For a build without a registry.
    assert!(expected.remove("PREBUILT"));
    assert_eq!(given, expected);
}

#[test]
fn the_image_and_the_archives_have_the_same_compiler() {
    let of = |text: &str, before: &str| {
        let (_, version) = text.split_once(before).unwrap();
        let mut numbers = version.split(|c: char| !c.is_ascii_digit());
        [numbers.next().unwrap().to_owned(), numbers.next().unwrap().to_owned()]
    };
    let image = of(&read("Dockerfile"), "rust:");
    assert_eq!(image[0], "1");
    assert_eq!(image, of(&workflows()["release.yml"], "RUSTUP_TOOLCHAIN: "));
}

/// What readers of the pages copy: names of packages, and the tag with the rules.
#[test]
fn pages_name_the_version_of_the_program() {
    let manifest = read("Cargo.toml");
    let (_, package) = manifest.split_once("\n[package]\n").unwrap();
    let version = package.split_once("\nversion = \"").unwrap().1.split('"').next().unwrap();
    // As the release names them, where it is one with a hyphen.
    let in_names = version.replace('-', ".");
    let cases = [
        ("install", "/nectar-exporter_", format!("{in_names}-1_amd64.deb\n")),
        ("install", "/nectar-exporter-", format!("{in_names}-1.x86_64.rpm\n")),
        ("alerts", "`git clone --branch ", format!("v{version}` ")),
        ("upgrading", "`git clone --branch ", format!("v{version}` ")),
    ];
    for (page, before, expected) in cases {
        let text = read(&format!("docs/{page}.md"));
        let versions: Vec<&str> = text.split(before).skip(1).collect();
        assert!(!versions.is_empty(), "{page}: {before}");
        for found in versions {
            let line = found.lines().next().unwrap();
            assert!(
                found.starts_with(&expected),
                "docs/{page}.md: {before}{line} must be {before}{expected}"
            );
        }
    }
}

/// The scripts that build what is released, and those which they start.
#[test]
fn a_change_to_what_builds_a_release_tries_it() {
    let makefile = read("Makefile");
    let (_, packages) = makefile.split_once("\npackages:\n").unwrap();
    let recipe = packages.split("\n\n").next().unwrap();
    let mut texts = vec![workflows()["release.yml"].clone(), recipe.to_owned(), read("Dockerfile")];
    let mut started = BTreeSet::new();
    while let Some(text) = texts.pop() {
        for script in named(&text, "./scripts/").map(|name| format!("scripts/{name}")) {
            if started.insert(script.clone()) {
                texts.push(read(&script));
            }
        }
    }
    assert!(started.len() >= 5, "{started:?}");
    let read_by_cargo = ["build.rs", "Cargo.lock", "**/Cargo.toml", "packaging/**", "charts/**"];
    started.extend(read_by_cargo.map(str::to_owned));
    assert!(paths("release.yml").is_superset(&started), "{started:?}");
}

#[test]
fn a_change_to_what_a_fuzz_target_uses_runs_it() {
    let makefile = read("Makefile");
    let (_, rest) = makefile.split_once("@for target in ").unwrap();
    let targets: BTreeSet<&str> = rest.split(';').next().unwrap().split_whitespace().collect();
    let files = fs::read_dir(root().join("fuzz/fuzz_targets")).unwrap();
    let files: BTreeSet<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap().replace(".rs", "")).collect();
    assert_eq!(targets, files.iter().map(String::as_str).collect());

    let paths = paths("fuzz.yml");
    // `src/http/web_config/**` is `http::web_config::`; the modules of a crate are the program's, too.
    let folders = paths.iter().filter_map(|path| path.strip_prefix("src/").or(path.strip_prefix("crates/")));
    let modules: Vec<String> = folders
        .map(|path| format!("{}::", path.trim_end_matches("/**").trim_end_matches(".rs").replace('/', "::")))
        .collect();
    for target in targets {
        let code = read(&format!("fuzz/fuzz_targets/{target}.rs"));
        for used in code.lines().filter_map(|line| line.strip_prefix("use nectar_exporter::")) {
            assert!(modules.iter().any(|module| used.starts_with(module)), "{target}: {used}");
        }
    }
}

/// Each manifest in the checkout, with the kind of its packages and its folder.
fn manifests() -> BTreeSet<(&'static str, String)> {
    let listed = Command::new("git").arg("-C").arg(root()).arg("ls-files").output().unwrap();
    assert!(listed.status.success());
    let files = String::from_utf8(listed.stdout).unwrap();
    let of_file = |file: &str| {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        let kind = match name {
            _ if folder == ".github/workflows" => return Some(("github-actions", "/".to_owned())),
            "Cargo.lock" => "cargo",
            "go.mod" => "gomod",
            "package.json" => "npm",
            "requirements.txt" => "pip",
            "Dockerfile" => "docker",
            "compose.yaml" => "docker-compose",
            _ => return None,
        };
        Some((kind, format!("/{folder}")))
    };
    files.lines().filter_map(of_file).collect()
}

#[test]
fn the_update_bot_looks_at_each_manifest_and_nowhere_else() {
    let settings: Value = serde_saphyr::from_str(&read(".github/dependabot.yml")).unwrap();
    let mut looked_at = BTreeSet::new();
    for update in settings["updates"].as_array().unwrap() {
        let kind = update["package-ecosystem"].as_str().unwrap();
        let several = update["directories"].as_array().into_iter().flatten();
        for folder in several.chain(update.get("directory")).map(|folder| folder.as_str().unwrap()) {
            assert!(looked_at.insert((kind, folder.to_owned())), "{kind} {folder} twice");
        }
    }
    assert_eq!(looked_at, manifests());
}

/// The forge changes other names when a file is published, and a sum would name none.
#[test]
fn sums_are_made_of_names_that_the_forge_keeps() {
    let workflow = workflow("release.yml");
    let steps = workflow["jobs"]["publish"]["steps"].as_array().unwrap();
    let sums = steps.iter().find(|step| step["name"] == "Sums").unwrap()["run"].as_str().unwrap();
    for (made, published) in [
        ("nectar-exporter_1.2.3~rc.1-1_amd64.deb", "nectar-exporter_1.2.3.rc.1-1_amd64.deb"),
        ("nectar-exporter-1.2.3-1.x86_64.rpm", "nectar-exporter-1.2.3-1.x86_64.rpm"),
    ] {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("files")).unwrap();
        fs::write(folder.path().join("files").join(made), "").unwrap();
        let output = Command::new("bash").args(["-eo", "pipefail", "-c", sums]).current_dir(&folder).output();
        assert!(output.unwrap().status.success());
        let written = fs::read_to_string(folder.path().join("files/SHA256SUMS")).unwrap();
        assert!(written.ends_with(&format!("  {published}\n")), "{written}");
        assert!(folder.path().join("files").join(published).exists());
    }
}
