//! A simulator on a real socket, a client for it, and a clock that only the test moves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use nectar_simulator::{Plan, Simulator};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub const KEY: &str = "test-key";

/// A clock that only the test moves.
#[derive(Debug)]
pub struct Hand(Mutex<Timestamp>);

impl Hand {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new("2026-11-22T10:00:00.123456789Z".parse().unwrap())))
    }

    pub fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    pub fn pass(&self, hours: i64) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(SignedDuration::from_hours(hours)).unwrap();
    }
}

/// A running simulator, which stops when this is dropped.
pub struct Api {
    pub simulator: Simulator,
    pub clock: Arc<Hand>,
    pub client: reqwest::Client,
    pub base: String,
    _stop: DropGuard,
}

pub async fn open(plan: &Plan) -> Api {
    let clock = Hand::new();
    let simulator = Simulator::new(plan, KEY, {
        let clock = Arc::clone(&clock);
        move || clock.now()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/some/base", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(simulator.clone().serve(vec![listener], stop.clone()));
    // Compressing takes long in a debug build.
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    Api { simulator, clock, client, base, _stop: stop.drop_guard() }
}

impl Api {
    pub async fn send(&self, path: &str) -> reqwest::Result<Response> {
        self.client.get(format!("{}{path}", self.base)).header("X-API-Key", KEY).send().await
    }

    pub async fn text(&self, path: &str) -> String {
        self.send(path).await.unwrap().text().await.unwrap()
    }

    pub async fn json(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.send(path).await.unwrap();
        (answer.status(), serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }

    pub fn company(&self, index: usize) -> String {
        self.simulator.companies()[index].clone()
    }

    /// One page of a company's connections.
    pub async fn page(&self, company: &str, query: &str) -> Value {
        let (status, body) = self.json(&format!("/connection/company/{company}{query}")).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    /// Every connection of every company.
    pub async fn everything(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        for company in self.simulator.companies() {
            let first = self.page(&company, "?limit=500").await;
            assert_eq!(first["hasNext"], false);
            rows.extend(first["connections"].as_array().unwrap().clone());
        }
        rows
    }
}

/// The ids on a page, in order.
pub fn ids(page: &Value) -> Vec<String> {
    page["connections"].as_array().unwrap().iter().map(|row| text(row, "id")).collect()
}

pub fn text(row: &Value, field: &str) -> String {
    row[field].as_str().unwrap_or_else(|| panic!("{field} is no text in {row}")).to_owned()
}

/// All accounts of these connections.
pub fn accounts(connections: &[Value]) -> Vec<&Value> {
    connections.iter().flat_map(|row| row["accounts"].as_array().unwrap()).collect()
}

/// How many rows have which status.
pub fn mix<'a>(rows: impl IntoIterator<Item = &'a Value>) -> BTreeMap<String, usize> {
    let mut mix = BTreeMap::new();
    for row in rows {
        *mix.entry(text(row, "status")).or_default() += 1;
    }
    mix
}

/// A time in any of the formats.
pub fn time(row: &Value, field: &str) -> Option<Timestamp> {
    let text = row[field].as_str()?;
    Some(text.parse().unwrap_or_else(|_| format!("{text}Z").parse().unwrap()))
}
