//! Seconds from a change at Nectar to `/metrics`, in real time: with polls alone, and with webhooks. `make bench-webhooks`.

// What goes wrong here may stop the measurement.
#![allow(
    missing_docs,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::collections::HashMap;
use std::time::Duration;

use clap::FromArgMatches;
use jiff::Timestamp;
use nectar_exporter::app::{App, Webhooks};
use nectar_exporter::clock::SystemClock;
use nectar_exporter::config::{Cli, Config, command};
use nectar_exporter::nectar::Key;
use nectar_exporter::observe::DroppedLines;
use nectar_exporter::secret_file::Secret;
use nectar_simulator::{Endpoint, Plan, Simulator, WEBHOOK_SECRET};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use test_support::scrape::Scrape;

const COMPANIES: u32 = 100;
/// Several changes a minute, but rarely two in one company within a minute.
const PLAN: Plan = Plan { companies: COMPANIES, connections: 12, accounts: 2, seed: 1, speed: 150.0 };
const KEY: &str = "bench";
const STATUS: &str = "nectar_connection_status";

/// Name, seconds between two polls, and whether events are received.
const WAYS: [(&str, u32, bool); 3] = [
    ("polls each 5 minutes", 300, false),
    ("the same, and webhooks", 300, true),
    ("polls each 30 minutes, and webhooks", 1800, true),
];

/// An exporter, and what was seen of it.
struct Observed {
    url: String,
    /// The status of each connection as it was shown last.
    shown: HashMap<String, String>,
    delays: Vec<f64>,
    /// Requests before the measurement.
    requests: f64,
}

impl Observed {
    async fn start(nectar: &str, simulator: &Simulator, interval: u32, receives: bool) -> Self {
        let interval = format!("--nectar.poll-interval={interval}s");
        let flags = ["nectar-exporter", "--nectar.base-url", nectar, &interval, "--nectar.max-data-age=2h"];
        let cli = Cli::from_arg_matches(&command(String::new()).get_matches_from(flags)).unwrap();
        let (mut settings, _) =
            Config::for_api(&cli.exporter, &cli.nectar, &cli.webhook, Some(KEY.into())).unwrap();
        let (web, events) = (listener().await, listener().await);
        let url = format!("http://{}/metrics", web.local_addr().unwrap());
        let mut webhooks = None;
        if receives {
            // As in the demo, which has no file with a secret.
            settings.webhook = Config::for_simulator(&cli.exporter).unwrap().webhook;
            let path = settings.webhook.as_ref().unwrap().path.clone();
            let endpoint = format!("http://{}{path}", events.local_addr().unwrap());
            let endpoint = Endpoint::new(&endpoint, WEBHOOK_SECRET).unwrap();
            tokio::spawn(simulator.send_events(endpoint, CancellationToken::new()));
            let secrets = Secret::Fixed(WEBHOOK_SECRET.into()).into();
            webhooks = Some(Webhooks { path, secrets, web_config: None });
        }
        let key = Key::fixed(KEY.into()).unwrap();
        let app = App::new(settings, key, SystemClock::shared(), DroppedLines::default()).unwrap();
        let app = app.receiving(webhooks, vec![events]);
        tokio::spawn(app.run(vec![web], CancellationToken::new()));
        let (shown, delays, requests) = Default::default();
        Self { url, shown, delays, requests }
    }

    async fn scrape(&self) -> Scrape {
        Scrape::read(&reqwest::get(&self.url).await.unwrap().text().await.unwrap())
    }

    /// Notes how long ago what is shown for the first time has changed.
    fn look(&mut self, scrape: &Scrape, simulator: &Simulator) {
        let now = Timestamp::now();
        for (labels, _) in scrape.family(STATUS) {
            let (id, status) = (&labels["connection_id"], &labels["status"]);
            if self.shown.insert(id.clone(), status.clone()).is_none_or(|before| before == *status) {
                continue;
            }
            let record = simulator.statuses(id).into_iter().rfind(|record| record.0 == *status);
            self.delays
                .extend(record.and_then(|record| record.1).map(|at| now.duration_since(at).as_secs_f64()));
        }
    }

    fn quantile(&mut self, quantile: f64) -> f64 {
        self.delays.sort_by(f64::total_cmp);
        let place = (self.delays.len() as f64 - 1.0) * quantile;
        self.delays.get(place.round() as usize).copied().unwrap_or(f64::NAN)
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

#[tokio::main]
async fn main() {
    let minutes: u32 = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(20);
    let simulator = Simulator::new(&PLAN, KEY, Timestamp::now);
    let listener = listener().await;
    let nectar = format!("http://{}/v2.2", listener.local_addr().unwrap());
    tokio::spawn(simulator.clone().serve(vec![listener], CancellationToken::new()));
    let mut observed = Vec::new();
    for (_, interval, receives) in WAYS {
        observed.push(Observed::start(&nectar, &simulator, interval, receives).await);
    }
    let (mut ticks, began) = (tokio::time::interval(Duration::from_millis(500)), Timestamp::now());
    let mut last = Vec::new();
    while Timestamp::now().duration_since(began).as_secs() < i64::from(minutes) * 60 {
        ticks.tick().await;
        last.clear();
        for exporter in &mut observed {
            let scrape = exporter.scrape().await;
            exporter.look(&scrape, &simulator);
            if exporter.requests == 0.0 && scrape.value("nectar_exporter_polls_total", &[]) == Some(1.0) {
                exporter.requests = scrape.sum("nectar_api_requests_total", &[]);
            }
            last.push(scrape);
        }
    }
    println!(
        "{COMPANIES} companies with {} connections each, {minutes} minutes, a scrape each half second.\n",
        PLAN.connections
    );
    println!("| | changes seen | median | 99th percentile | requests, without the first poll |");
    println!("|---|---|---|---|---|");
    for (((name, _, _), exporter), scrape) in WAYS.iter().zip(&mut observed).zip(&last) {
        let requests = scrape.sum("nectar_api_requests_total", &[]) - exporter.requests;
        let [median, high] = [0.5, 0.99].map(|quantile| exporter.quantile(quantile));
        println!("| {name} | {} | {median:.1} s | {high:.1} s | {requests} |", exporter.delays.len());
    }
}
