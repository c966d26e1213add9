//! Everything running together, and what a test can do to it.
//!
//! Knows the simulator's hands and the servers' interfaces. Must not know what a test expects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::FromArgMatches;
use nectar_exporter::app::App;
use nectar_exporter::clock::SystemClock;
use nectar_exporter::config::{Cli, Exporter, command};
use nectar_exporter::nectar::Key;
use nectar_exporter::simulator::{Fault, Plan, Scope, Simulator};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::receiver::Receiver;
use crate::servers::{Server, alertmanager, prometheus};

const KEY: &str = "simulated";

/// A connection that is CONNECTED, of a company in which nobody has to act.
#[derive(Debug)]
pub struct Victim {
    /// The company's name.
    pub company: String,
    /// The connection's id.
    pub connection: String,
    /// The utility's name.
    pub utility: String,
}

/// A simulated Nectar, the exporter, Prometheus, Alertmanager and a receiver.
pub struct World {
    /// The simulated Nectar.
    pub simulator: Simulator,
    /// What people are told.
    pub receiver: Receiver,
    nectar: String,
    exporter: CancellationToken,
    prometheus: Server,
    alertmanager: Server,
    _folder: tempfile::TempDir,
}

impl World {
    /// Starts all of them over a small fleet, and waits until Prometheus has it.
    pub async fn start(detail: &str) -> Self {
        let plan = Plan { companies: 7, connections: 14, accounts: 2, seed: 4, speed: 0.0 };
        Self::over(&plan, detail, None, "count(nectar_company_up)").await
    }

    /// Starts all of them over the fleet of `plan`, with what goes wrong at Nectar from the start, and waits until
    /// `query` finds something.
    pub async fn over(plan: &Plan, detail: &str, fault: Option<Fault>, query: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = SystemClock::shared();
        let simulator = Simulator::new(plan, KEY, Arc::clone(&clock));
        if let Some(fault) = fault {
            simulator.faults().set(Scope::Everything, fault);
        }
        let (nectar, listener) = free_listener().await;
        tokio::spawn(simulator.clone().serve(vec![listener], CancellationToken::new()));

        let base_url = format!("http://{nectar}/v2.2");
        let detail = format!("--metrics.detail={detail}");
        let flags = ["nectar-exporter", "--nectar.base-url", &base_url, "--nectar.poll-interval=1s", &detail];
        let matches = command("test".to_owned()).try_get_matches_from(flags).unwrap();
        let cli = Cli::from_arg_matches(&matches).unwrap();
        let (settings, _) = Exporter::against_nectar(&cli.exporter, &cli.nectar, Some(KEY.into())).unwrap();
        let app = App::new(settings, Key::fixed(KEY.into()).unwrap(), clock).unwrap();
        let (target, listener) = free_listener().await;
        let exporter = CancellationToken::new();
        tokio::spawn(app.run(vec![listener], exporter.clone()));

        let receiver = Receiver::default();
        let alertmanager = alertmanager(folder.path(), &receiver.listen().await);
        alertmanager.ready().await;
        let prometheus = prometheus(folder.path(), &target, &alertmanager);
        prometheus.ready().await;
        let world = Self { simulator, receiver, nectar, exporter, prometheus, alertmanager, _folder: folder };
        world.until(query).await;
        world
    }

    /// All connections of the simulated Nectar, with their company's name.
    pub async fn connections(&self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        for id in self.simulator.companies() {
            let url = format!("http://{}/connection/company/{id}?limit=500", self.nectar);
            let answer = reqwest::Client::new().get(url).header("X-API-Key", KEY).send().await.unwrap();
            let page: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            for connection in page["connections"].as_array().unwrap() {
                let company = connection["company"]["name"].as_str().unwrap().to_owned();
                all.push((company, connection.clone()));
            }
        }
        all
    }

    /// A connection whose company has nobody who must act.
    pub async fn a_quiet_connection(&self) -> Victim {
        let waiting = [
            "MFA_TOKEN_EXPIRED",
            "PASSWORD_INCORRECT",
            "NEW_PASSWORD_NEEDED",
            "ADDITIONAL_CREDENTIALS_NEEDED",
        ];
        let all = self.connections().await;
        let status = |connection: &Value| connection["status"].as_str().unwrap().to_owned();
        let busy: BTreeSet<&String> = all
            .iter()
            .filter(|(_, connection)| waiting.contains(&status(connection).as_str()))
            .map(|(company, _)| company)
            .collect();
        let quiet = all.iter().find(|(company, c)| !busy.contains(company) && status(c) == "CONNECTED");
        let (company, connection) = quiet.expect("a quiet company");
        Victim {
            company: company.clone(),
            connection: connection["id"].as_str().unwrap().to_owned(),
            utility: connection["datasource"]["name"].as_str().unwrap().to_owned(),
        }
    }

    /// A utility at which at least three companies have logins, and these companies.
    pub async fn a_utility_of_three_companies(&self) -> (String, Vec<String>) {
        let mut companies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (_, connection) in self.connections().await {
            let utility = connection["datasource"]["name"].as_str().unwrap().to_owned();
            companies
                .entry(utility)
                .or_default()
                .insert(connection["company"]["id"].as_str().unwrap().to_owned());
        }
        let found = companies.into_iter().find(|(_, companies)| companies.len() >= 3);
        let (utility, companies) = found.expect("a utility of three companies");
        (utility, companies.into_iter().collect())
    }

    /// Ends the exporter.
    pub fn kill_exporter(&self) {
        self.exporter.cancel();
    }

    /// How many alerts about the fleet Alertmanager mutes; waits until there are some and no others are left.
    pub async fn muted_fleet_alerts(&self, patience: Duration) -> usize {
        let began = Instant::now();
        loop {
            let alerts = self.alertmanager.get("/api/v2/alerts?filter=nectar_scope%3D%22fleet%22").await;
            let alerts = alerts.as_array().cloned().unwrap_or_default();
            let muted = alerts.iter().filter(|alert| alert["status"]["state"] == "suppressed").count();
            if muted > 0 && muted == alerts.len() {
                return muted;
            }
            assert!(began.elapsed() < patience, "{muted} of {} are muted", alerts.len());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the rules were evaluated `count` more times, so that what was to be sent was sent.
    pub async fn rounds(&self, count: u32) {
        let began = Instant::now();
        let first = self.last_evaluation().await;
        while self.last_evaluation().await - first < f64::from(count) {
            assert!(began.elapsed() < Duration::from_secs(60), "rules are not evaluated");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// When the rules were last evaluated, in seconds.
    async fn last_evaluation(&self) -> f64 {
        let groups = self.prometheus.get("/api/v1/rules").await;
        let groups = groups["data"]["groups"].as_array().cloned().unwrap_or_default();
        let times = groups.iter().filter_map(|group| group["lastEvaluation"].as_str());
        let times = times.filter_map(|time| time.parse::<jiff::Timestamp>().ok());
        times.map(|time| time.as_duration().as_secs_f64()).fold(f64::MAX, f64::min)
    }

    /// Waits until `query` finds something.
    pub async fn until(&self, query: &str) {
        let began = Instant::now();
        while self.ask(query, false).await.is_empty() {
            assert!(began.elapsed() < Duration::from_secs(90), "waited in vain for {query}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Asks Prometheus, for now or for the last half minute; what comes back must be without error, warning or a
    /// value that is no number.
    pub async fn ask(&self, query: &str, over_time: bool) -> Vec<Series> {
        let now = jiff::Timestamp::now().as_second();
        let (start, end) = ((now - 30).to_string(), now.to_string());
        let (path, times) = if over_time {
            ("query_range", vec![("start", start.as_str()), ("end", &end), ("step", "1")])
        } else {
            ("query", vec![])
        };
        let parameters = [("query", query)].into_iter().chain(times);
        let url = format!("{}/api/v1/{path}", self.prometheus.url);
        let url = reqwest::Url::parse_with_params(&url, parameters).unwrap();
        let answer = reqwest::get(url).await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        assert!(answer["warnings"].is_null(), "{query}: {answer}");
        answer["data"]["result"]
            .as_array()
            .unwrap()
            .iter()
            .map(|series| Series::read(query, series))
            .collect()
    }
}

/// A series of an answer.
#[derive(Debug)]
pub struct Series {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its last value.
    pub value: f64,
}

impl Series {
    fn read(query: &str, series: &Value) -> Self {
        let single = [series["value"].clone()];
        let samples = series["values"].as_array().map_or(&single[..], Vec::as_slice);
        let values: Vec<f64> =
            samples.iter().map(|sample| sample[1].as_str().unwrap().parse().unwrap()).collect();
        assert!(values.iter().all(|value| value.is_finite()), "{query}: {values:?}");
        let labels = series["metric"].as_object().unwrap().iter();
        let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        Self { labels, value: values[values.len() - 1] }
    }
}

async fn free_listener() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (listener.local_addr().unwrap().to_string(), listener)
}
