//! The usual way, to compare with: the `prometheus` crate holds every series, and each scrape gathers, encodes and
//! compresses them all.
//!
//! Knows the text format well enough to fill a registry from a scrape.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use prometheus::{GaugeVec, Opts, Registry, TextEncoder};

use super::scrapes::compress;

/// How long each of `runs` scrapes of the series in `text` takes, without sending it.
pub fn measure(text: &[u8], runs: usize) -> Vec<Duration> {
    let text = String::from_utf8_lossy(text);
    let registry = fill(&text);
    let expected = text.lines().filter(|line| !line.starts_with('#')).count();
    let times = (0..runs).map(|_| {
        let began = Instant::now();
        let encoded = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let packed = compress(encoded.as_bytes());
        let took = began.elapsed();
        assert!(!packed.is_empty());
        assert_eq!(encoded.lines().filter(|line| !line.starts_with('#')).count(), expected);
        took
    });
    times.collect()
}

/// A registry of gauges with exactly these series.
fn fill(text: &str) -> Registry {
    let registry = Registry::new();
    let mut help = HashMap::new();
    let mut families: HashMap<&str, GaugeVec> = HashMap::new();
    for line in text.lines() {
        if let Some((name, words)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            help.insert(name, words);
        }
        let Some(sample) = Sample::read(line) else { continue };
        let family = families.entry(sample.name).or_insert_with(|| {
            let names: Vec<&str> = sample.labels.iter().map(|(name, _)| *name).collect();
            let words = help.get(sample.name).unwrap_or(&"Part of a histogram");
            let family = GaugeVec::new(Opts::new(sample.name, *words), &names).unwrap();
            registry.register(Box::new(family.clone())).unwrap();
            family
        });
        let values: Vec<&str> = sample.labels.iter().map(|(_, value)| value.as_str()).collect();
        family.with_label_values(&values).set(sample.value);
    }
    registry
}

struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, String)>,
    value: f64,
}

impl<'a> Sample<'a> {
    fn read(line: &'a str) -> Option<Self> {
        if line.starts_with('#') {
            return None;
        }
        let (series, value) = line.rsplit_once(' ')?;
        let (name, mut rest) = series.split_once('{').unwrap_or((series, ""));
        let mut labels = Vec::new();
        while let Some((label, after)) = rest.split_once("=\"") {
            let (value, end) = unescape(after);
            labels.push((label.trim_start_matches(','), value));
            rest = &after[end..];
        }
        Some(Self { name, labels, value: value.parse().unwrap() })
    }
}

/// A label's value, and how many bytes it took, its closing quote included.
fn unescape(text: &str) -> (String, usize) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, at + 1),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, c)) => value.push(c),
                None => break,
            },
            c => value.push(c),
        }
    }
    panic!("a label without an end: {text}")
}
