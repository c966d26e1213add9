//! Parses exposition text, independently of the code that writes it.

use std::collections::BTreeMap;

/// Label names and values of one series.
pub type Labels = BTreeMap<String, String>;

/// The samples of one scrape.
#[derive(Debug, Default)]
pub struct Scrape {
    /// Family name, labels, value, in the order of the text.
    pub samples: Vec<(String, Labels, f64)>,
    /// Name and type of each family.
    pub types: BTreeMap<String, String>,
}

impl Scrape {
    /// Parses the text; panics if it is not in the format, or has a series twice.
    pub fn read(text: &str) -> Self {
        let mut scrape = Self::default();
        let mut seen = std::collections::BTreeSet::new();
        assert!(text.ends_with('\n'), "the last line has no end");
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                let again = scrape.types.insert(name.to_owned(), kind.to_owned());
                assert!(again.is_none(), "family {name} stands twice");
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').unwrap();
                assert!(seen.insert(series.to_owned()), "series twice: {series}");
                let (name, labels) = split_series(series);
                scrape.samples.push((name, labels, value.parse().unwrap()));
            }
        }
        scrape
    }

    /// All samples of one family.
    pub fn family<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a Labels, f64)> {
        self.samples.iter().filter(move |sample| sample.0 == name).map(|(_, labels, value)| (labels, *value))
    }

    /// The one sample of `name` that has these labels; none if there is none. Panics if there are several.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let fits = |have: &Labels| labels.iter().all(|(k, v)| have.get(*k).is_some_and(|value| value == v));
        let mut found = self.family(name).filter(|(have, _)| fits(have));
        let first = found.next().map(|(_, value)| value);
        assert!(found.next().is_none(), "{name}{labels:?} is more than one series");
        first
    }

    /// The sum over all samples of `name` that have these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |have: &Labels| labels.iter().all(|(k, v)| have.get(*k).is_some_and(|value| value == v));
        self.family(name).filter(|(have, _)| fits(have)).map(|(_, value)| value).sum()
    }

    /// Whether there is any sample of `name`.
    pub fn has(&self, name: &str) -> bool {
        self.family(name).next().is_some()
    }
}

fn split_series(series: &str) -> (String, Labels) {
    let Some((name, rest)) = series.split_once('{') else { return (series.to_owned(), Labels::new()) };
    let mut rest = rest.strip_suffix('}').unwrap();
    let mut labels = Labels::new();
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").unwrap();
        let (value, length) = unescape(after);
        labels.insert(label.to_owned(), value);
        rest = &after[length..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    (name.to_owned(), labels)
}

/// A label value up to its closing quote, and its length in bytes, the quote included.
fn unescape(text: &str) -> (String, usize) {
    let mut value = String::new();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        // Most values have no backslash: whole stretches are copied, and not each character.
        let end = rest.find('"').expect("a label value has no end");
        let Some(escape) = rest[..end].find('\\') else {
            value.push_str(&rest[..end]);
            return (value, at + end + 1);
        };
        value.push_str(&rest[..escape]);
        match rest.as_bytes()[escape + 1] {
            b'n' => value.push('\n'),
            c @ (b'\\' | b'"') => value.push(char::from(c)),
            other => panic!("no such escape: {}", char::from(other)),
        }
        at += escape + 2;
    }
}
