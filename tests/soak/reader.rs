//! The truth: what the simulated Nectar has, read through its own API.

use std::collections::BTreeMap;

use serde_json::Value;

use test_support::expected_metrics::text;
use test_support::exporter::KEY;

/// The connections of each company, as Nectar sends them.
pub type Truth = BTreeMap<String, Vec<Value>>;

/// Reads all of it.
pub struct Reader {
    client: reqwest::Client,
    base_url: String,
    /// Requests sent so far, to be subtracted from those of the exporter.
    pub sent: u64,
}

impl Reader {
    pub fn new(base_url: &str) -> Self {
        Self { client: client(), base_url: base_url.to_owned(), sent: 0 }
    }

    /// Everything there is at this moment. Only to be called while no fault is set.
    pub async fn read(&mut self) -> Truth {
        let companies = self.get("/company").await;
        let companies = companies.as_array().unwrap();
        self.sent += 1 + companies.len() as u64;
        let mut truth = Truth::new();
        // One after the other: a varying number of connections would blur what is measured.
        for company in companies {
            let (id, rows) = self.company(text(company, "id")).await;
            truth.insert(id, rows);
        }
        truth
    }

    /// Closes its connections.
    pub fn hang_up(&mut self) {
        self.client = client();
    }

    async fn company(&self, id: &str) -> (String, Vec<Value>) {
        let mut answer = self.get(&format!("/connection/company/{id}?limit=500")).await;
        let Value::Array(rows) = answer["connections"].take() else { panic!("no rows: {answer}") };
        (id.to_owned(), rows)
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}{path}", self.base_url)).header("X-API-Key", KEY);
        let answer = request.send().await.unwrap().error_for_status().unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
