//! The shipped rules and routes with every wait divided by one number, and nothing else changed.

use std::time::Duration;

/// Keys whose value is a wait.
const KEYS: [&str; 6] =
    ["for", "keep_firing_for", "interval", "group_wait", "group_interval", "repeat_interval"];
/// What comes before a wait within a line.
const MARKS: [&str; 2] = ["[", "offset "];
/// Numbers of seconds, as the rules write them.
const SECONDS: [&str; 2] = ["3600", "86400"];

/// The text with every wait divided by `scale`.
pub fn scaled(text: &str, scale: u32) -> String {
    let lines =
        text.lines().map(|line| if is_remark(line) { line.to_owned() } else { scaled_line(line, scale) });
    lines.map(|line| line + "\n").collect()
}

fn is_remark(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

fn scaled_line(line: &str, scale: u32) -> String {
    let (key, value) = line.split_once(": ").unwrap_or((line, ""));
    let word = key.trim_start();
    if KEYS.contains(&word) {
        return format!("{key}: {}", shorter(value, scale));
    }
    let line = MARKS.iter().fold(line.to_owned(), |line, mark| scaled_behind(&line, mark, scale));
    SECONDS.iter().fold(line, |line, number| divided(&line, number, scale))
}

fn shorter(wait: &str, scale: u32) -> String {
    let wait = humantime::parse_duration(wait).unwrap_or_else(|_| panic!("no wait: {wait}"));
    format!("{}ms", (wait / scale).as_millis())
}

/// The line with every wait after `mark` divided.
fn scaled_behind(line: &str, mark: &str, scale: u32) -> String {
    let mut parts = line.split(mark);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(part.len());
        let (word, rest) = part.split_at(end);
        let is_wait =
            word.starts_with(|c: char| c.is_ascii_digit()) && humantime::parse_duration(word).is_ok();
        text += mark;
        text += &if is_wait { shorter(word, scale) } else { word.to_owned() };
        text += rest;
    }
    text
}

/// The line with every `number` divided that is a word of its own.
fn divided(line: &str, number: &str, scale: u32) -> String {
    let words = words(line).map(|word| match word == number {
        true => format!("({word} / {scale})"),
        false => word.to_owned(),
    });
    words.collect()
}

/// Words, and what is between them.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = line;
    std::iter::from_fn(move || {
        let in_word = is_of_word(rest.chars().next()?);
        let end = rest.find(|c| is_of_word(c) != in_word).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        rest = behind;
        Some(word)
    })
}

/// What looks like a wait that was not divided.
fn left_over(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !is_remark(line));
    let found = code.flat_map(|line| words(line).map(move |word| (line, word)));
    let found = found.filter(|(line, word)| {
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let unit = &word[digits.len()..];
        let is_long = digits.parse::<u64>().is_ok_and(|number| number >= 1000);
        let is_undivided = unit.is_empty() && is_long && !line.contains(&format!("({word} / "));
        is_number && (is_undivided || ["s", "m", "h", "d", "w", "y"].contains(&unit))
    });
    found.map(|(line, word)| format!("{word} in: {line}")).collect()
}

/// Checks the scaling itself, and that it leaves no wait in the shipped files unchanged.
pub fn check() {
    for (text, expected) in [
        ("        for: 30m", "        for: 30000ms"),
        ("        keep_firing_for: 1h", "        keep_firing_for: 60000ms"),
        ("      group_wait: 10m", "      group_wait: 10000ms"),
        ("  repeat_interval: 3d", "  repeat_interval: 4320000ms"),
        ("last_over_time(a:b_1d:max{c=\"\"}[5h]) > 5", "last_over_time(a:b_1d:max{c=\"\"}[300000ms]) > 5"),
        ("x[1d] offset 8d) > 0", "x[1440000ms] offset 11520000ms) > 0"),
        ("max - 72 * 3600 > 0", "max - 72 * (3600 / 60) > 0"),
        ("> 14 * 86400)", "> 14 * (86400 / 60))"),
        ("  # for: 30m, in 86400 [5h]", "  # for: 30m, in 86400 [5h]"),
        ("        summary: for over 14 days.", "        summary: for over 14 days."),
        ("{{ $labels.x }}[{{ y }}] 15 minutes", "{{ $labels.x }}[{{ y }}] 15 minutes"),
    ] {
        assert_eq!(scaled(text, 60).trim_end_matches('\n'), expected);
        assert!(left_over(expected).is_empty(), "{expected}");
    }
    for text in ["  wait: 5m", "rate(x [5m])", "time() - 604800", "x > 3600", "x @ 10h"] {
        assert!(!left_over(text).is_empty(), "not noticed: {text}");
    }
    for name in SHIPPED {
        // Muting at weekends could not be scaled.
        assert!(!shipped(name).contains("time_interval"), "alerts/{name} has a calendar");
        let left = left_over(&scaled(&shipped(name), 60));
        assert!(left.is_empty(), "alerts/{name}: {left:#?}");
    }
}

/// The files that contain waits.
pub const SHIPPED: [&str; 3] = ["nectar-recording.yml", "nectar-alerts.yml", "alertmanager.yml"];

/// A shipped file.
pub fn shipped(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("alerts").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// This many minutes of the drill, in real time.
pub fn minutes(minutes: f64, scale: u32) -> Duration {
    Duration::from_secs_f64(minutes * 60.0 / f64::from(scale))
}
