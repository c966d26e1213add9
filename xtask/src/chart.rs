//! What in `charts/nectar-exporter` is written from other places: boards, rules, thresholds, versions, and the README's table of values.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nectar_exporter::metrics::Build;
use serde_json::Value;

use crate::{boards, files};

/// What is copied as it is.
const COPIES: [(&str, &str); 3] = [
    ("files/nectar-alerts.yml", "alerts/nectar-alerts.yml"),
    ("files/nectar-recording.yml", "alerts/nectar-recording.yml"),
    ("files/thresholds.json", "mixin/thresholds.json"),
];
const TABLE_BEGINS: &str = "<!-- values: rendered from values.yaml by `cargo xtask chart` -->\n";
const TABLE_ENDS: &str = "<!-- end of values -->";

/// A value of the chart with the comment above it.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name, with dots.
    pub path: String,
    /// What it is for.
    pub meaning: String,
}

/// `charts/nectar-exporter` of the checkout.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/nectar-exporter")
}

/// All that is generated: the names of the files in the chart, and what belongs in them.
///
/// # Errors
/// When a file cannot be read, or has not the place for what is to be written.
pub fn generated() -> io::Result<BTreeMap<String, String>> {
    let mut generated = BTreeMap::new();
    for (copy, source) in COPIES {
        generated.insert(copy.to_owned(), fs::read_to_string(folder().join("../..").join(source))?);
    }
    for (which, board) in boards::all() {
        generated.insert(format!("files/dashboards/{}", files::file_name(which)), files::text(&board));
    }
    let read = |name: &str| fs::read_to_string(folder().join(name));
    generated.insert("Chart.yaml".to_owned(), with_versions(&read("Chart.yaml")?));
    let readme = with_table(&read("README.md")?, &read("values.yaml")?).map_err(io::Error::other)?;
    generated.insert("README.md".to_owned(), with_version_in_commands(&readme));
    Ok(generated)
}

/// Writes all that is generated.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write_all() -> io::Result<()> {
    fs::create_dir_all(folder().join("files/dashboards"))?;
    for (name, text) in generated()? {
        fs::write(folder().join(name), text)?;
    }
    Ok(())
}

/// The chart has the version of the program that it installs.
fn with_versions(chart: &str) -> String {
    let version = Build::THIS.version;
    let lines = chart.lines().map(|line| match line.split_once(": ") {
        Some(("version", _)) => format!("version: {version}\n"),
        Some(("appVersion", _)) => format!("appVersion: \"{version}\"\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

/// The README's commands take this version of the chart from a registry, and bring this version of the image there.
fn with_version_in_commands(readme: &str) -> String {
    ["--version ", "REGISTRY/nectar-exporter:"].into_iter().fold(readme.to_owned(), |readme, before| {
        let mut parts = readme.split(before);
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| {
            let rest = part.trim_start_matches(|letter: char| !letter.is_whitespace());
            format!("{text}{before}{}{rest}", Build::THIS.version)
        })
    })
}

fn with_table(readme: &str, values: &str) -> Result<String, String> {
    let parts = readme.split_once(TABLE_BEGINS);
    let parts = parts.and_then(|(before, rest)| Some((before, rest.split_once(TABLE_ENDS)?.1)));
    let (before, after) = parts.ok_or("the chart's README.md has no place for the table of values")?;
    let parsed: Value = serde_saphyr::from_str(values).map_err(|error| error.to_string())?;
    let mut table = "\n| value | default | meaning |\n|---|---|---|\n".to_owned();
    for Row { path, meaning } in rows(values) {
        let default = parsed.pointer(&format!("/{}", path.replace('.', "/"))).unwrap_or(&Value::Null);
        table += &format!("| `{path}` | `{default}` | {meaning} |\n");
    }
    Ok(format!("{before}{TABLE_BEGINS}{table}\n{TABLE_ENDS}{after}"))
}

/// The values with a comment right above them. What has such values within it is no row of its own.
pub fn rows(values: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    // The keys that the line is within, with their indentation.
    let mut within: Vec<(usize, &str)> = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in values.lines() {
        let text = line.trim_start();
        let indentation = line.len() - text.len();
        if let Some(words) = text.strip_prefix('#') {
            comment.push(words.trim());
            continue;
        }
        if let Some((key, _)) = text.split_once(':').filter(|_| !text.starts_with('-')) {
            within.retain(|(outer, _)| *outer < indentation);
            within.push((indentation, key));
            let path = within.iter().map(|(_, key)| *key).collect::<Vec<_>>().join(".");
            if !comment.is_empty() {
                rows.retain(|row| !path.starts_with(&format!("{}.", row.path)));
                rows.push(Row { path, meaning: comment.join(" ") });
            }
        }
        comment.clear();
    }
    rows
}
