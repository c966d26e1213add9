//! The exporter in this process, on real sockets, with a clock that the test turns.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::FromArgMatches;
use flate2::read::GzDecoder;
use nectar_exporter::app::{App, AppError, Webhooks};
use nectar_exporter::config::{Cli, Config, WebhookSecrets, command};
use nectar_exporter::http::web_config::ConfigReloader;
use nectar_exporter::nectar::{Certificates, Key};
use nectar_exporter::observe::DroppedLines;
use nectar_exporter::webhook::signature::secrets_in;
use nectar_simulator::{Plan, Simulator};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::PATIENCE;
use super::canned_nectar::Bodies;
use super::clock::{TestClock, wall};
use super::scrape::Scrape;
use super::sockets;

/// The key that the exporter sends in these tests.
pub const KEY: &str = "sim-secret-api-key";
/// For one request, where a test says nothing else: by itself no request ends for its time, and a busy machine must not turn one
/// outcome into another.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// A request timeout for requests that are to run into it: no server here waits for so short a time.
pub const SHORT_TIMEOUT_FLAG: &str = "--nectar.request-timeout=20s";
const SHORT_TIMEOUT: Duration = Duration::from_secs(20);

/// A running exporter. Stops with the test.
pub struct Exporter {
    /// Where it serves, without a slash at the end.
    pub url: String,
    /// Where it receives events, if it does.
    pub webhook_url: Option<String>,
    /// The clock it goes by.
    pub clock: Arc<TestClock>,
    pub(super) http: reqwest::Client,
    stop: DropGuard,
    running: JoinHandle<Result<(), AppError>>,
}

impl Exporter {
    /// Starts it against `base_url` with further flags.
    pub async fn start(base_url: &str, flags: &[&str], clock: Arc<TestClock>) -> Self {
        Self::start_with(base_url, flags, clock, |_| {}).await
    }

    /// As [`start`](Self::start), with settings that do not come from flags.
    pub async fn start_with(
        base_url: &str,
        flags: &[&str],
        clock: Arc<TestClock>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut arguments = vec!["nectar-exporter", "--nectar.base-url", base_url];
        arguments.extend(flags);
        let request_timeout = format!("--nectar.request-timeout={}s", REQUEST_TIMEOUT.as_secs());
        if !flags.iter().any(|flag| flag.starts_with("--nectar.request-timeout=")) {
            arguments.push(&request_timeout);
        }
        let matches = command("test".to_owned()).try_get_matches_from(arguments).unwrap();
        let cli = Cli::from_arg_matches(&matches).unwrap();
        let given = cli.nectar.api_key_file.is_none().then(|| KEY.into());
        let (mut settings, _) = Config::for_api(&cli.exporter, &cli.nectar, &cli.webhook, given).unwrap();
        if let Some(path) = cli.nectar.ca_file.clone() {
            let pem = std::fs::read(&path).unwrap();
            settings.nectar.extra_certificates = Some(Certificates { path, pem });
        }
        change(&mut settings);
        let key = match &cli.nectar.api_key_file {
            Some(file) => Key::from_file(file.clone()).await.unwrap(),
            None => Key::fixed(KEY.into()).unwrap(),
        };
        let listener = sockets::listener();
        let web_config = match settings.web.config_file.clone() {
            Some(file) => Some(ConfigReloader::load(file).await.unwrap()),
            None => None,
        };
        let address = listener.local_addr().unwrap();
        let url = match &web_config {
            Some(web_config) if web_config.has_tls() => format!("https://localhost:{}", address.port()),
            _ => format!("http://{address}"),
        };
        let stop = CancellationToken::new();
        let (webhooks, webhook_listener) = (webhooks(&settings).await, sockets::listener());
        let webhook_url = webhooks
            .as_ref()
            .map(|webhooks| format!("http://{}{}", webhook_listener.local_addr().unwrap(), webhooks.path));
        let app = App::new(settings, key, clock.clone(), DroppedLines::default()).unwrap();
        let app = app.protected_by(web_config).receiving(webhooks, vec![webhook_listener]);
        let running = tokio::spawn(app.run(vec![listener], stop.clone()));
        // One for all scrapes, and trusting nobody: reading the system's certificates at each costs more than the scrape.
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).pool_max_idle_per_host(0);
        Self { url, webhook_url, clock, http: http.build().unwrap(), stop: stop.drop_guard(), running }
    }

    /// Starts it against given bodies.
    pub async fn scripted(bodies: Bodies, flags: &[&str]) -> Self {
        let base_url = bodies.serve(CancellationToken::new()).await;
        Self::start(&base_url, flags, TestClock::new()).await
    }

    /// Starts it against a simulated Nectar whose fleet stands still, with waits between attempts skipped.
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

    /// Stops it, as SIGTERM does, and waits until it has ended.
    pub async fn stop(self) {
        self.stop.disarm().cancel();
        self.running.await.unwrap().unwrap();
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

    /// The metrics, read.
    pub async fn scrape(&self) -> Scrape {
        Scrape::read(&self.text().await)
    }

    /// Scrapes until `polls` polls have ended.
    pub async fn after_polls(&self, polls: u32) -> Scrape {
        self.until_text(&format!("{polls} polls"), |text| polls_in(text) >= f64::from(polls)).await
    }

    /// Lets a poll interval of five minutes pass, and scrapes when the next poll has ended.
    pub async fn next_poll(&self) -> Scrape {
        let before = polls_in(&self.text().await);
        self.clock.advance(Duration::from_secs(5 * 60));
        self.until_text("the next poll", |text| polls_in(text) > before).await
    }

    /// As [`after_polls`](Self::after_polls), where requests to `simulator` hang, one at a time: each is timed out as soon as nothing
    /// else is under way. tokio's clock must stand still, see [`PausedTime`](super::paused_time::PausedTime).
    pub async fn after_polls_timed_out(&self, polls: u32, simulator: &Simulator) -> Scrape {
        let (began, mut hung, mut timed_out) = (Instant::now(), None, None);
        loop {
            let scrape = self.scrape().await;
            if scrape.sum("nectar_exporter_polls_total", &[]) >= f64::from(polls) {
                return scrape;
            }
            assert!(began.elapsed() < PATIENCE, "waited in vain for {polls} polls");
            let taken = simulator.requests();
            // One that is answered would not be there still at the second look. The simulator says so, and not the exporter: while
            // that decodes a response, which can take long on a busy machine, nothing hangs, and its next request would be cut off.
            let hangs = simulator.in_flight() == 1 && hung.replace(taken) == Some(taken);
            // Once for each: while the simulator has not noticed, the next one may be on its way, and would never arrive.
            if hangs && timed_out.replace(taken) != Some(taken) {
                // Timers are rounded up.
                tokio::time::advance(SHORT_TIMEOUT + Duration::from_secs(1)).await;
            }
        }
    }

    /// Scrapes until `condition` holds.
    pub async fn until(&self, what: &str, condition: impl Fn(&Scrape) -> bool) -> Scrape {
        self.until_text(what, |text| condition(&Scrape::read(text))).await
    }

    async fn until_text(&self, what: &str, condition: impl Fn(&str) -> bool) -> Scrape {
        let began = Instant::now();
        loop {
            // A scrape takes the processor that what is waited for needs. Not by tokio's clock, which some tests stop.
            tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(2))).await.unwrap();
            let text = self.text().await;
            if condition(&text) {
                return Scrape::read(&text);
            }
            assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        }
    }
}

async fn webhooks(settings: &Config) -> Option<Webhooks> {
    let webhook = settings.webhook.as_ref()?;
    let WebhookSecrets::File(file) = webhook.secrets.clone() else { panic!("a demo") };
    let secrets = secrets_in(file).await.unwrap();
    Some(Webhooks { path: webhook.path.clone(), secrets: secrets.into(), web_config: None })
}

/// How many polls have ended. Looks for one line only: to read all of a scrape takes longer than the poll.
fn polls_in(text: &str) -> f64 {
    let (_, rest) = text.split_once("\nnectar_exporter_polls_total ").expect("the number of polls");
    rest.lines().next().unwrap_or_default().parse().unwrap()
}
