//! The exporter in this process, on real sockets, with a clock that the test moves.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::FromArgMatches;
use flate2::read::GzDecoder;
use nectar_exporter::app::App;
use nectar_exporter::config::{Cli, Config, command};
use nectar_exporter::http::web_config::ConfigReloader;
use nectar_exporter::nectar::{Certificates, Key};
use nectar_exporter::observe::DroppedLines;
use nectar_simulator::{Plan, Simulator};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::PATIENCE;
use super::clock::{TestClock, wall};
use super::scrape::Scrape;
use super::scripted::Bodies;
use super::sockets;

/// The key that the exporter sends in these tests.
pub const KEY: &str = "sim-secret-api-key";

/// A running exporter. Stops with the test.
pub struct Program {
    /// Where it serves, without a slash at the end.
    pub url: String,
    /// The clock that it uses.
    pub clock: Arc<TestClock>,
    http: reqwest::Client,
    _stop: DropGuard,
}

impl Program {
    /// Starts it against `base_url` with further flags.
    pub async fn start(base_url: &str, flags: &[&str], clock: Arc<TestClock>) -> Self {
        let mut arguments = vec!["nectar-exporter", "--nectar.base-url", base_url];
        arguments.extend(flags);
        // No request times out by itself: a busy machine must not change the outcome.
        if !flags.iter().any(|flag| flag.starts_with("--nectar.request-timeout=")) {
            arguments.push("--nectar.request-timeout=1h");
        }
        let matches = command("test".to_owned()).try_get_matches_from(arguments).unwrap();
        let cli = Cli::from_arg_matches(&matches).unwrap();
        let given = cli.nectar.api_key_file.is_none().then(|| KEY.into());
        let (mut settings, _) = Config::for_api(&cli.exporter, &cli.nectar, given).unwrap();
        if let Some(path) = cli.nectar.ca_file.clone() {
            let pem = std::fs::read(&path).unwrap();
            settings.nectar.extra_certificates = Some(Certificates { path, pem });
        }
        let key = match &cli.nectar.api_key_file {
            Some(file) => Key::from_file(file.clone()).await.unwrap(),
            None => Key::fixed(KEY.into()).unwrap(),
        };
        let listener = sockets::listener();
        let keeper = match settings.web.config_file.clone() {
            Some(file) => Some(ConfigReloader::load(file).await.unwrap()),
            None => None,
        };
        let address = listener.local_addr().unwrap();
        let url = match &keeper {
            Some(keeper) if keeper.has_tls() => format!("https://localhost:{}", address.port()),
            _ => format!("http://{address}"),
        };
        let stop = CancellationToken::new();
        let app =
            App::new(settings, key, clock.clone(), DroppedLines::default()).unwrap().protected_by(keeper);
        tokio::spawn(app.run(vec![listener], stop.clone()));
        // One client for all scrapes, without trusted certificates: reading the system's for each one costs more than the scrape.
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).pool_max_idle_per_host(0);
        Self { url, clock, http: http.build().unwrap(), _stop: stop.drop_guard() }
    }

    /// Starts it against these bodies.
    pub async fn scripted(bodies: Bodies, flags: &[&str]) -> Self {
        let base_url = bodies.serve(CancellationToken::new()).await;
        Self::start(&base_url, flags, TestClock::new()).await
    }

    /// Starts it against a simulated Nectar whose fleet does not change; waits between attempts are skipped.
    pub async fn simulated(plan: &Plan, flags: &[&str]) -> (Self, Simulator) {
        let clock = TestClock::skipping(Duration::from_secs(5 * 60 - 1));
        let simulator = Simulator::new(plan, KEY, wall(&clock));
        let program = Self::against(&simulator, flags, clock).await;
        (program, simulator)
    }

    /// Starts it against `simulator`, which is served here.
    pub async fn against(simulator: &Simulator, flags: &[&str], clock: Arc<TestClock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v2.2", listener.local_addr().unwrap());
        tokio::spawn(simulator.clone().serve(vec![listener], CancellationToken::new()));
        Self::start(&base_url, flags, clock).await
    }

    /// `GET path`
    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// The metrics as text, sent with gzip as Prometheus asks for it.
    pub async fn text(&self) -> String {
        let request = self.http.get(format!("{}/metrics", self.url)).header("accept-encoding", "gzip");
        let packed = request.send().await.unwrap().bytes().await.unwrap();
        let mut text = String::new();
        GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
        text
    }

    /// The metrics, parsed.
    pub async fn scrape(&self) -> Scrape {
        Scrape::read(&self.text().await)
    }

    /// Scrapes until `polls` polls have ended.
    pub async fn after_polls(&self, polls: u32) -> Scrape {
        self.until(&format!("{polls} polls"), |scrape| {
            scrape.value("nectar_exporter_polls_total", &[]) >= Some(f64::from(polls))
        })
        .await
    }

    /// Lets a poll interval of five minutes pass, and scrapes after the next poll has ended.
    pub async fn next_poll(&self) -> Scrape {
        let before = self.scrape().await.value("nectar_exporter_polls_total", &[]).unwrap();
        self.clock.advance(Duration::from_secs(5 * 60));
        self.until("the next poll", |scrape| {
            scrape.value("nectar_exporter_polls_total", &[]).unwrap() > before
        })
        .await
    }

    /// Scrapes until `condition` holds.
    pub async fn until(&self, what: &str, condition: impl Fn(&Scrape) -> bool) -> Scrape {
        let began = Instant::now();
        loop {
            let scrape = self.scrape().await;
            if condition(&scrape) {
                return scrape;
            }
            assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
