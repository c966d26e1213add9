//! What every value about the fleet must be: the truth at each company's last good reading.
//!
//! It is counted independently, from what Nectar sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::reader::Truth;
use test_support::expected_metrics::{Expected, compare, count, text};
use test_support::scrape::Scrape;

/// Statuses by ids: those of connections by one id, those of accounts by two.
type Statuses = BTreeMap<Vec<String>, String>;

/// A company at its last good reading.
struct Reading {
    begun: f64,
    /// How far the wall clock was ahead of the monotonic one.
    ahead: f64,
    expected: Expected,
    statuses: Statuses,
}

/// Everything that the exporter must know.
pub struct Ledger {
    max_age: f64,
    /// How far the wall clock was ahead of the monotonic one at the last poll.
    ahead: f64,
    readings: BTreeMap<String, Reading>,
    /// Changes of status by family, company and status.
    changes: BTreeMap<(&'static str, String, String), f64>,
    /// Values compared with the truth so far.
    pub compared: u64,
    /// Scrapes in which a company was withdrawn.
    pub withdrawn: u64,
}

impl Ledger {
    pub fn new(max_age: Duration) -> Self {
        Self {
            max_age: max_age.as_secs_f64(),
            ahead: 0.0,
            readings: BTreeMap::new(),
            changes: BTreeMap::new(),
            compared: 0,
            withdrawn: 0,
        }
    }

    /// How many changes of status there were.
    pub fn changes(&self) -> f64 {
        self.changes.values().sum()
    }

    /// A poll that began at `now`, when the wall clock was `ahead` of the monotonic one, has read the companies that `scrape` says are
    /// up, and no others.
    pub fn polled(&mut self, scrape: &Scrape, truth: &Truth, now: f64, ahead: f64) {
        self.ahead = ahead;
        let listed: BTreeSet<&String> =
            scrape.family("nectar_company_info").map(|(l, _)| &l["company_id"]).collect();
        assert_eq!(listed, truth.keys().collect(), "the companies are those of the list");
        for (labels, up) in scrape.family("nectar_company_up") {
            let id = &labels["company_id"];
            if up == 1.0 {
                self.read(id, &truth[id], now);
            }
        }
        let failures = scrape.family("nectar_company_last_failure").count();
        let up = scrape.sum("nectar_company_up", &[]);
        assert_eq!(failures as f64 + up, truth.len() as f64, "each company is up or says why not");
    }

    fn read(&mut self, id: &str, connections: &[Value], now: f64) {
        let mut expected = Expected::default();
        count(&mut expected, id, connections, now);
        let statuses = statuses(connections);
        let before = self.readings.remove(id).map(|reading| reading.statuses).unwrap_or_default();
        for (ids, status) in &statuses {
            if before.get(ids).is_some_and(|before| before != status) {
                let name = match ids.len() {
                    1 => "nectar_connection_status_changes_total",
                    _ => "nectar_account_status_changes_total",
                };
                *self.changes.entry((name, id.to_owned(), status.clone())).or_default() += 1.0;
            }
        }
        self.readings.insert(id.to_owned(), Reading { begun: now, ahead: self.ahead, expected, statuses });
    }

    /// Checks every value of a scrape at `now`.
    pub fn check(&mut self, scrape: &Scrape, now: f64) {
        let mut all = Expected::default();
        let mut served = BTreeSet::new();
        for (id, reading) in &self.readings {
            let labels = [("company_id", id.as_str())];
            let begun = scrape.value("nectar_company_last_success_timestamp_seconds", &labels);
            assert_eq!(begun, Some(reading.begun), "when {id} was read");
            let age = now - reading.begun;
            // From the next poll on, what the clock was set back by is part of the age.
            let set_back = reading.ahead - self.ahead;
            if age + if set_back > 1.0 { set_back } else { 0.0 } <= self.max_age {
                served.insert(id);
                all.0.extend(
                    reading.expected.0.iter().map(|(key, value)| (key.clone(), aged(&key.0, *value, age))),
                );
            }
        }
        self.withdrawn += u64::from(served.len() < self.readings.len());
        for name in ["nectar_connections", "nectar_accounts", "nectar_connection_info", "nectar_account_info"]
        {
            let shown = scrape.family(name).map(|(labels, _)| &labels["company_id"]);
            assert!(shown.into_iter().all(|id| served.contains(id)), "{name} shows what is withdrawn");
        }
        self.compared += u64::try_from(compare(scrape, &all)).unwrap();
        self.check_changes(scrape);
    }

    /// Documented statuses only: others lose their counter when nothing has them any more.
    fn check_changes(&mut self, scrape: &Scrape) {
        for name in ["nectar_connection_status_changes_total", "nectar_account_status_changes_total"] {
            for (labels, value) in scrape.family(name).filter(|(labels, _)| labels["category"] != "unknown") {
                let key = (name, labels["company_id"].clone(), labels["status"].clone());
                let wanted = self.changes.get(&key).copied().unwrap_or_default();
                assert_eq!(value, wanted, "{key:?}");
                self.compared += 1;
            }
        }
    }
}

/// Ages grow with time, and are kept negative; see `count.rs` in `test-support`.
fn aged(name: &str, value: f64, by: f64) -> f64 {
    if name.ends_with("max_staleness_seconds") { value - by } else { value }
}

fn statuses(connections: &[Value]) -> Statuses {
    let mut statuses = Statuses::new();
    for connection in connections {
        let id = text(connection, "id").to_owned();
        for account in connection["accounts"].as_array().unwrap() {
            let ids = vec![id.clone(), text(account, "id").to_owned()];
            statuses.insert(ids, text(account, "status").to_owned());
        }
        statuses.insert(vec![id], text(connection, "status").to_owned());
    }
    statuses
}
