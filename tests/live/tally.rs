//! Numbers by the values of labels, and how close a board must come to them.

use std::collections::BTreeMap;

use crate::ask::Series;

/// Shares may differ by rounding errors.
const EXACT: f64 = 1e-6;
/// Ages are those of the last reading, some seconds ago.
const SECONDS_AGO: f64 = 60.0;
const DAY: f64 = 86_400.0;

/// Rows by the values of some labels.
#[derive(Debug)]
pub struct Truth {
    /// The labels.
    pub labels: &'static [&'static str],
    /// A number for each combination of their values.
    pub rows: BTreeMap<Vec<String>, f64>,
    /// How far a board's value may be off.
    pub within: f64,
}

impl Truth {
    /// The same numbers, as ages.
    pub fn of_ages(self) -> Self {
        Self { within: SECONDS_AGO, ..self }
    }

    /// The same numbers, as ages in days.
    pub fn of_days(self) -> Self {
        let rows = self.rows.into_iter().map(|(key, seconds)| (key, seconds / DAY)).collect();
        Self { rows, within: SECONDS_AGO / DAY, ..self }
    }

    /// Compares it with what was `found`; returns what differs.
    pub fn compare(&self, found: &[Series]) -> Result<(), String> {
        let label = |series: &Series, name: &str| series.labels.get(name).cloned().unwrap_or_default();
        let key = |series: &Series| self.labels.iter().map(|name| label(series, name)).collect();
        let shown: BTreeMap<Vec<String>, f64> =
            found.iter().map(|series| (key(series), series.value)).collect();
        let is_near = |(key, value): (&Vec<String>, &f64)| {
            self.rows.get(key).is_some_and(|truth| (truth - value).abs() <= self.within)
        };
        if shown.len() == found.len() && shown.len() == self.rows.len() && shown.iter().all(is_near) {
            return Ok(());
        }
        let only = |these: &BTreeMap<Vec<String>, f64>, those: &BTreeMap<Vec<String>, f64>| {
            let differs = |(key, value): &(&Vec<String>, &f64)| {
                those.get(*key).is_none_or(|other| (other - **value).abs() > self.within)
            };
            these.iter().filter(differs).map(|(key, value)| format!("{key:?} {value}")).collect::<Vec<_>>()
        };
        let (wrong, missing) = (only(&shown, &self.rows), only(&self.rows, &shown));
        Err(format!(
            "{} series; shown, but not true: {wrong:#?}; true, but not shown: {missing:#?}",
            found.len()
        ))
    }
}

pub fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// One count.
pub fn number(count: usize) -> Truth {
    rows(&[], [(vec![], float(count))])
}

/// One age.
pub fn age(seconds: f64) -> Truth {
    rows(&[], [(vec![], seconds)]).of_ages()
}

/// These rows; no key may occur twice.
pub fn rows(labels: &'static [&'static str], rows: impl IntoIterator<Item = (Vec<String>, f64)>) -> Truth {
    let mut all = BTreeMap::new();
    for (key, value) in rows {
        assert!(all.insert(key.clone(), value).is_none(), "the truth has {key:?} twice");
    }
    Truth { labels, rows: all, within: EXACT }
}

/// How often each key occurs.
pub fn tally(labels: &'static [&'static str], keys: impl IntoIterator<Item = Vec<String>>) -> Truth {
    let mut counts: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    rows(labels, counts.into_iter().map(|(key, count)| (key, float(count))))
}

/// `part / whole` for each row of `whole`, 0 if there is no part.
pub fn share(part: &Truth, whole: Truth) -> Truth {
    let of = |key: &Vec<String>| part.rows.get(key).copied().unwrap_or(0.0);
    let shares = whole.rows.iter().map(|(key, all)| (key.clone(), of(key) / all)).collect();
    Truth { rows: shares, ..whole }
}

/// The largest of each key's values.
pub fn largest(
    labels: &'static [&'static str],
    values: impl IntoIterator<Item = (Vec<String>, f64)>,
) -> Truth {
    let mut largest: BTreeMap<Vec<String>, f64> = BTreeMap::new();
    for (key, value) in values {
        let most = largest.entry(key).or_insert(value);
        *most = most.max(value);
    }
    rows(labels, largest)
}
