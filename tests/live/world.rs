//! Everything running together, and what a test can do to it.

use std::sync::Arc;
use std::time::{Duration, Instant};
use test_support::clock::wall;

use clap::FromArgMatches;
use jiff::Timestamp;
use nectar_exporter::app::App;
use nectar_exporter::clock::SystemClock;
use nectar_exporter::config::{Cli, Config, command};
use nectar_exporter::nectar::Key;
use nectar_exporter::observe::DroppedLines;
use nectar_simulator::{Fault, Plan, Scope, Simulator};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use xtask::queries::Query;

use crate::ask::Series;
use crate::fleet::Login;
use crate::haste::{Haste, POLL_INTERVAL};
use crate::receiver::Receiver;
use crate::servers::{ROUND, Server, alertmanager, prometheus};
use crate::trend::in_a_young_world;
use test_support::mail;

const KEY: &str = "simulated";

/// A small fleet, in which one company is switched off.
pub const SMALL: Plan = Plan { companies: 8, connections: 14, accounts: 2, seed: 1, speed: 0.0 };

/// How long a condition may take, in real time, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// Time between two checks of a condition.
const GLANCE: Duration = Duration::from_millis(50);
/// If no message comes for this many evaluations, and as many chances to send one, none is to come any more: the longest way from a
/// poll to a message takes fewer. Only the end of an alert takes longer, because it is kept firing; tests wait for that by itself.
const SETTLING: u32 = 16;

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
    /// Starts all of them over a small fleet, in which one company is switched off, and waits until Prometheus has it.
    pub async fn start(detail: &str) -> Self {
        let detail = format!("--metrics.detail={detail}");
        Self::over(&SMALL, &[&detail], None, "count(nectar_company_up)").await
    }

    /// Starts everything over the fleet of `plan`, the exporter with `flags`, with a `fault` at Nectar from the start, and waits until
    /// `query` returns something.
    pub async fn over(plan: &Plan, flags: &[&str], fault: Option<Fault>, query: &str) -> Self {
        Self::seen_as(&["127.0.0.1"], plan, flags, fault, query).await
    }

    /// Like `over`, but Prometheus knows the exporter by several names of this machine, as if these were replicas.
    pub async fn seen_as(
        names: &[&str],
        plan: &Plan,
        flags: &[&str],
        fault: Option<Fault>,
        query: &str,
    ) -> Self {
        let simulator = Simulator::new(plan, KEY, wall(&SystemClock::shared()));
        if let Some(fault) = fault {
            simulator.faults().set(Scope::Everything, fault);
        }
        let (nectar, listener) = free_listener().await;
        tokio::spawn(simulator.clone().serve(vec![listener], CancellationToken::new()));

        let (target, listener) = free_listener().await;
        let exporter = start_exporter(&nectar, flags, listener);
        let port = target.rsplit_once(':').unwrap().1;
        let targets: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
        let world = Self::watching(&targets, simulator, nectar, exporter).await;
        world.until(query).await;
        world
    }

    /// Like `over`, but the companies are shared by `shards` exporters. Prometheus also knows the address of one more, which is not
    /// there yet.
    pub async fn sharded(plan: &Plan, shards: usize, flags: &[&str]) -> (Self, Vec<Shard>) {
        let simulator = Simulator::new(plan, KEY, wall(&SystemClock::shared()));
        let (nectar, listener) = free_listener().await;
        tokio::spawn(simulator.clone().serve(vec![listener], CancellationToken::new()));
        let mut all = Vec::new();
        for number in 0..shards {
            let (address, listener) = free_listener().await;
            all.push(Shard { number, address, stop: CancellationToken::new() });
            all[number].start(&nectar, shards, flags, listener);
        }
        // Taken, and free again: nobody else gets it so soon.
        let (address, _) = free_listener().await;
        all.push(Shard { number: shards, address, stop: CancellationToken::new() });
        let targets: Vec<String> = all.iter().map(|shard| shard.address.clone()).collect();
        let world = Self::watching(&targets, simulator, nectar, CancellationToken::new()).await;
        (world, all)
    }

    /// Prometheus and Alertmanager for these targets.
    async fn watching(
        targets: &[String],
        simulator: Simulator,
        nectar: String,
        exporter: CancellationToken,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let receiver = Receiver::default();
        let alertmanager = alertmanager(folder.path(), &receiver.listen().await, &mail::listen().await);
        alertmanager.ready().await;
        let prometheus = prometheus(folder.path(), targets, &alertmanager);
        prometheus.ready().await;
        Self { simulator, receiver, nectar, exporter, prometheus, alertmanager, _folder: folder }
    }

    /// Starts a shard anew, as one of so many. Waits until its address is free.
    pub async fn restart(&self, shard: &mut Shard, of: usize) {
        shard.stop.cancel();
        let began = Instant::now();
        let listener = loop {
            match TcpListener::bind(&shard.address).await {
                Ok(listener) => break listener,
                Err(error) => assert!(began.elapsed() < PATIENCE, "{}: {error}", shard.address),
            }
            tokio::time::sleep(GLANCE).await;
        };
        shard.stop = CancellationToken::new();
        shard.start(&self.nectar, of, &[], listener);
    }

    /// All connections of the simulated Nectar.
    pub async fn fleet(&self) -> Vec<Login> {
        let mut fleet = Vec::new();
        for id in self.simulator.companies() {
            let url = format!("http://{}/connection/company/{id}?limit=500", self.nectar);
            let answer = reqwest::Client::new().get(url).header("X-API-Key", KEY).send().await.unwrap();
            let page: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            fleet.extend(page["connections"].as_array().unwrap().iter().map(Login::read));
        }
        fleet
    }

    /// Stops the exporter.
    pub fn kill_exporter(&self) {
        self.exporter.cancel();
    }

    /// Waits until Alertmanager has at least `enough` alerts that match `matcher`, and mutes all of them because a more severe one is
    /// firing.
    pub async fn muted(&self, matcher: &[(&str, &str)], enough: usize) {
        let began = Instant::now();
        loop {
            let alerts = self.alertmanager.alerts(matcher).await;
            let is_muted = |alert: &&Value| {
                let inhibitors = alert["status"]["inhibitedBy"].as_array().map_or(0, Vec::len);
                alert["status"]["state"] == "suppressed" && inhibitors > 0
            };
            let muted = alerts.iter().filter(is_muted).count();
            if muted >= enough && muted == alerts.len() {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{muted} of {} are muted, of {matcher:?}", alerts.len());
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Waits until no messages come any more; returns how many there were by then. Alertmanager sends to the same receivers as often as
    /// rules are evaluated, so time is counted in evaluations.
    pub async fn settled(&self) -> usize {
        let began = Instant::now();
        let mut known = self.receiver.all().len();
        let mut since = self.last_evaluation().await;
        while self.last_evaluation().await - since < f64::from(SETTLING) * ROUND.as_secs_f64() {
            assert!(began.elapsed() < PATIENCE, "there is no end of it: {:#?}", self.receiver.all());
            tokio::time::sleep(GLANCE).await;
            let told = self.receiver.all().len();
            if told != known {
                (known, since) = (told, self.last_evaluation().await);
            }
        }
        known
    }

    /// When the rules were last evaluated, in seconds.
    async fn last_evaluation(&self) -> f64 {
        let groups = self.prometheus.get("/api/v1/rules").await;
        let groups = groups["data"]["groups"].as_array().cloned().unwrap_or_default();
        let times = groups.iter().filter_map(|group| group["lastEvaluation"].as_str());
        let times = times.filter_map(|time| time.parse::<Timestamp>().ok());
        times.map(|time| time.as_duration().as_secs_f64()).fold(f64::MAX, f64::min)
    }

    /// Waits until Prometheus has what Nectar says now, for every company.
    pub async fn read_again(&self) {
        let now = Timestamp::now().as_duration().as_secs_f64();
        self.until(&format!("min(nectar_company_last_success_timestamp_seconds) > {now}")).await;
    }

    /// Waits until `query` returns something.
    pub async fn until(&self, query: &str) {
        let began = Instant::now();
        while self.ask(query).await.is_empty() {
            assert!(began.elapsed() < PATIENCE, "waited in vain for {query}");
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Queries Prometheus, for now.
    pub async fn ask(&self, query: &str) -> Vec<Series> {
        self.prometheus.ask(query, false).await
    }

    /// Queries Prometheus as a board does: for now or over time.
    pub async fn ask_as_board(&self, query: &Query) -> Vec<Series> {
        self.prometheus.ask(&in_a_young_world(&query.expression), query.over_time).await
    }
}

/// One of several exporters that share the companies.
pub struct Shard {
    number: usize,
    /// Where it serves, which Prometheus calls its instance.
    pub address: String,
    /// Ends it.
    pub stop: CancellationToken,
}

impl Shard {
    fn start(&mut self, nectar: &str, of: usize, flags: &[&str], listener: TcpListener) {
        let own = [&*format!("--shard={}", self.number), &*format!("--total-shards={of}")];
        self.stop = start_exporter(nectar, &[&own, flags].concat(), listener);
    }
}

/// Starts an exporter in this process. The token ends it.
fn start_exporter(nectar: &str, flags: &[&str], listener: TcpListener) -> CancellationToken {
    let base_url = format!("http://{nectar}/v2.2");
    let interval = format!("--nectar.poll-interval={}s", POLL_INTERVAL.as_secs());
    let own = ["nectar-exporter", "--nectar.base-url", &base_url, &interval];
    let matches = command("test".to_owned()).try_get_matches_from([&own, flags].concat()).unwrap();
    let cli = Cli::from_arg_matches(&matches).unwrap();
    let (settings, _) = Config::for_api(&cli.exporter, &cli.nectar, &cli.webhook, Some(KEY.into())).unwrap();
    let (key, clock) = (Key::fixed(KEY.into()).unwrap(), Arc::new(Haste(SystemClock::shared())));
    let app = App::new(settings, key, clock, DroppedLines::default()).unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(app.run(vec![listener], stop.clone()));
    stop
}

async fn free_listener() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (listener.local_addr().unwrap().to_string(), listener)
}
