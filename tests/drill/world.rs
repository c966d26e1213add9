//! Everything between Nectar and people: exporters, Prometheus, Alertmanager; how each goes away and comes back. Also what is changed
//! in the shipped files for the drill.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use clap::FromArgMatches;
use jiff::Timestamp;
use nectar_exporter::app::App;
use nectar_exporter::clock::SystemClock;
use nectar_exporter::config::{Cli, Config, command};
use nectar_exporter::nectar::Key;
use nectar_exporter::observe::DroppedLines;
use nectar_simulator::{Fault, Scope};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::nectar::{KEY, Nectar};
use crate::receiver::Receiver;
use crate::scaling::{minutes, scaled, shipped};
use crate::script::Part;
use crate::servers::Server;
use test_support::mail;

/// Alertmanager considers an alert ended if it has not heard of it for four times this long. A slow machine must not look like that
/// where nothing is measured.
const SHORTEST_RESEND: Duration = Duration::from_secs(2);

/// Minutes that Alertmanager waits after its start, as in the README.
pub const START_DELAY: f64 = 3.0;
/// Its name in Debian.
const ALERTMANAGER: &str = "prometheus-alertmanager";

/// Now, in Unix seconds.
pub fn now() -> f64 {
    Timestamp::now().as_duration().as_secs_f64()
}

/// One exporter in this process, which can be stopped and started again on the same port.
#[derive(Debug)]
struct Replica {
    address: String,
    running: Option<(CancellationToken, JoinHandle<()>)>,
}

/// A part is or was away. For the second exporter: is or was there.
#[derive(Debug, Clone)]
pub struct Away {
    pub part: Part,
    pub from: f64,
    /// Infinite until it is back.
    pub to: f64,
}

/// Exporters, Prometheus, Alertmanager and the receiver.
#[derive(Debug)]
pub struct World {
    pub scale: u32,
    pub receiver: Receiver,
    pub prometheus: Server,
    /// All outages so far.
    pub log: Vec<Away>,
    alertmanager: Server,
    /// The main exporter, and the one that comes and goes.
    replicas: [Replica; 2],
    exporter_flags: Vec<String>,
    folder: TempDir,
}

impl World {
    /// Starts everything, with its files in `folder`, and waits until Prometheus has all companies.
    pub async fn start(
        folder: TempDir,
        nectar: &Nectar,
        detail: &str,
        scale: u32,
        is_measured: bool,
    ) -> Self {
        let receiver = Receiver::default();
        let resend = minutes(1.0, scale).max(if is_measured { Duration::ZERO } else { SHORTEST_RESEND });
        let alertmanager =
            alertmanager(folder.path(), scale, resend, &receiver.listen().await, &mail::listen().await);
        let prometheus = prometheus(folder.path(), scale, resend, &alertmanager.address);
        let wait = |flag: &str, of: f64| format!("--nectar.{flag}={}ms", minutes(of, scale).as_millis());
        let exporter_flags = vec![
            "nectar-exporter".to_owned(),
            format!("--nectar.base-url={}", nectar.base_url),
            format!("--metrics.detail={detail}"),
            wait("poll-interval", 5.0),
            wait("poll-timeout", 10.0),
            wait("max-data-age", 60.0),
            "--nectar.request-timeout=5s".to_owned(),
        ];
        let replicas = [Replica::new(), Replica::new()];
        let log = Vec::new();
        let mut world =
            Self { scale, receiver, prometheus, log, alertmanager, replicas, exporter_flags, folder };
        world.start_exporter(0).await;
        world.list_exporters(1);
        world.alertmanager.start().await;
        world.prometheus.start().await;
        let all = format!("count(nectar_company_up == 1) >= {}", nectar.companies.len());
        world.until(&all).await;
        world
    }

    async fn start_exporter(&mut self, which: usize) {
        let matches = command("drill".to_owned()).try_get_matches_from(&self.exporter_flags).unwrap();
        let cli = Cli::from_arg_matches(&matches).unwrap();
        let (settings, _) =
            Config::for_api(&cli.exporter, &cli.nectar, &cli.webhook, Some(KEY.into())).unwrap();
        let app = App::new(
            settings,
            Key::fixed(KEY.into()).unwrap(),
            SystemClock::shared(),
            DroppedLines::default(),
        )
        .unwrap();
        let replica = &mut self.replicas[which];
        let listener = TcpListener::bind(&replica.address).await.unwrap();
        let stop = CancellationToken::new();
        let run = app.run(vec![listener], stop.clone());
        replica.running = Some((stop, tokio::spawn(async { run.await.unwrap() })));
    }

    async fn stop_exporter(&mut self, which: usize) {
        let Some((stop, task)) = self.replicas[which].running.take() else { return };
        stop.cancel();
        task.await.unwrap();
    }

    /// Tells Prometheus about the first `number` exporters. The file is replaced in one step, as Prometheus needs it.
    fn list_exporters(&self, number: usize) {
        let targets: Vec<&str> =
            self.replicas[..number].iter().map(|replica| replica.address.as_str()).collect();
        let new = self.folder.path().join("targets.new");
        std::fs::write(&new, serde_json::json!([{ "targets": targets }]).to_string()).unwrap();
        std::fs::rename(new, self.folder.path().join("targets.json")).unwrap();
    }

    /// A part goes away; the second exporter comes.
    pub async fn begin(&mut self, part: Part, nectar: &Nectar) {
        self.log.push(Away { part, from: now(), to: f64::INFINITY });
        match part {
            Part::Exporter => self.stop_exporter(0).await,
            Part::Prometheus => self.prometheus.stop().await,
            Part::Alertmanager => self.alertmanager.stop().await,
            Part::Api => nectar.simulator.faults().set(Scope::Everything, Fault::Status(503)),
            Part::Company(company) => {
                let scope = Scope::Company(nectar.companies[company].id.clone());
                nectar.simulator.faults().set(scope, Fault::Status(403));
            }
            Part::Replica => {
                self.start_exporter(1).await;
                self.list_exporters(2);
            }
            Part::Machine => unreachable!("nobody wills it"),
        }
    }

    /// The part comes back; the second exporter goes.
    pub async fn end(&mut self, part: Part, nectar: &Nectar) {
        match part {
            Part::Exporter => self.start_exporter(0).await,
            Part::Prometheus => self.prometheus.start().await,
            Part::Alertmanager => self.alertmanager.start().await,
            // The script has only one of these at a time.
            Part::Api | Part::Company(_) => nectar.simulator.faults().clear(),
            Part::Replica => {
                self.list_exporters(1);
                self.stop_exporter(1).await;
            }
            Part::Machine => unreachable!("nobody wills it"),
        }
        let is_open = |away: &&mut Away| away.part == part && away.to == f64::INFINITY;
        self.log.iter_mut().find(is_open).expect("it was away").to = now();
    }

    /// Waits until `query` returns something.
    pub async fn until(&self, query: &str) {
        crate::patiently(query, async || !self.prometheus.ask(query).await.is_empty()).await;
    }

    /// The time of each evaluation, and when what it had of the company was read: what Prometheus could know.
    pub async fn evaluations(&self, company_id: &str) -> Vec<(f64, f64)> {
        let query = format!(
            "company_id:nectar_company_last_success_timestamp_seconds:max{{company_id={company_id:?}}}[30d]"
        );
        let series = self.prometheus.ask(&query).await;
        let samples = series.iter().flat_map(|series| series["values"].as_array().into_iter().flatten());
        samples.map(|pair| (pair[0].as_f64().unwrap(), pair[1].as_str().unwrap().parse().unwrap())).collect()
    }

    /// When the rules about customers were not evaluated for three minutes of the drill, although Prometheus was there.
    pub async fn stalls(&self) -> Vec<Away> {
        let series = self.prometheus.ask("company_id:nectar_interventions_watched:group[30d]").await;
        let samples = series.iter().flat_map(|series| series["values"].as_array().into_iter().flatten());
        let mut ticks: Vec<f64> = samples.map(|pair| pair[0].as_f64().unwrap()).collect();
        ticks.sort_by(f64::total_cmp);
        let prometheus: Vec<&Away> = self.log.iter().filter(|away| away.part == Part::Prometheus).collect();
        let is_explained = |at: f64| prometheus.iter().any(|away| away.from < at && at < away.to);
        let gaps = ticks.windows(2).map(|pair| Away { part: Part::Machine, from: pair[0], to: pair[1] });
        gaps.filter(|gap| gap.to - gap.from > minutes(3.0, self.scale).as_secs_f64())
            .filter(|gap| !is_explained((gap.from + gap.to) / 2.0))
            .collect()
    }
}

impl Replica {
    fn new() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Self { address: listener.local_addr().unwrap().to_string(), running: None }
    }
}

/// Prometheus with the shipped rules. All of their waits and its own are scaled.
fn prometheus(folder: &Path, scale: u32, resend: Duration, alertmanager: &str) -> Server {
    for name in ["nectar-recording.yml", "nectar-alerts.yml"] {
        std::fs::write(folder.join(name), scaled(&shipped(name), scale)).unwrap();
    }
    let wait = |of: f64| format!("{}ms", minutes(of, scale).as_millis());
    let minute = wait(1.0);
    let config = format!(
        "global: {{scrape_interval: {minute}, scrape_timeout: {minute}, evaluation_interval: {minute}}}
rule_files: [nectar-recording.yml, nectar-alerts.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}
scrape_configs: [{{job_name: nectar, file_sd_configs: [{{files: [targets.json], refresh_interval: {minute}}}]}}]
"
    );
    let file = folder.join("prometheus.yml");
    std::fs::write(&file, config).unwrap();
    let arguments = vec![
        format!("--config.file={}", file.display()),
        format!("--storage.tsdb.path={}", folder.join("data").display()),
        format!("--query.lookback-delta={}", wait(5.0)),
        format!("--rules.alert.resend-delay={}ms", resend.as_millis()),
        format!("--rules.alert.for-outage-tolerance={}", wait(60.0)),
        format!("--rules.alert.for-grace-period={}", wait(10.0)),
    ];
    Server::new("prometheus", folder, arguments)
}

/// Alertmanager with the shipped routes. All waits are scaled; customer care and operators are told by webhook, too. If this version
/// can wait after its start until Prometheus has sent all alerts again, it does.
fn alertmanager(folder: &Path, scale: u32, resend: Duration, receiver: &str, mail: &str) -> Server {
    let config = scaled(&shipped("alertmanager.yml"), scale);
    let config: String = config.lines().map(|line| adapted(line, receiver, mail) + "\n").collect();
    let file = folder.join("alertmanager.yml");
    std::fs::write(&file, config).unwrap();
    std::fs::write(folder.join("nectar.tmpl"), shipped("nectar.tmpl")).unwrap();
    let mut arguments = vec![
        format!("--config.file={}", file.display()),
        format!("--storage.path={}", folder.join("alertmanager").display()),
        format!("--data.retention={}ms", minutes(120.0 * 60.0, scale).as_millis()),
        format!("--alerts.gc-interval={}ms", minutes(30.0, scale).as_millis()),
        "--cluster.listen-address=".to_owned(),
    ];
    if has_start_delay() {
        let delay = resend.mul_f64(START_DELAY);
        arguments.push(format!("--dispatch.start-delay={}ms", delay.as_millis()));
        arguments.push(format!("--dispatch.maintenance-interval={}ms", minutes(0.5, scale).as_millis()));
    }
    Server::new(ALERTMANAGER, folder, arguments)
}

/// Whether Alertmanager is 0.30 or later: then it can wait after its start, and how often it looks for groups to forget can be set.
pub fn has_start_delay() -> bool {
    said(ALERTMANAGER, "--help").contains("--dispatch.start-delay")
}

/// The versions that Prometheus and Alertmanager print.
pub fn versions() -> String {
    ["prometheus", ALERTMANAGER]
        .map(|program| said(program, "--version").lines().next().unwrap_or_default().to_owned())
        .join("; ")
}

/// The output of a program for one argument.
fn said(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output().unwrap();
    [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
}

fn adapted(line: &str, receiver: &str, mail: &str) -> String {
    let indent = " ".repeat(line.len() - line.trim_start().len());
    match line.trim_start() {
        "- name: nectar-customer-care" | "- name: nectar-operators" => {
            format!(
                "{line}\n{indent}  webhook_configs: [{{url: 'http://{receiver}/', send_resolved: false}}]"
            )
        }
        text if text.starts_with("smtp_smarthost: ") => {
            format!("{indent}smtp_smarthost: {mail}\n{indent}smtp_require_tls: false")
        }
        _ => line
            .replace("https://hooks.slack.com/services/PLACEHOLDER", &format!("http://{receiver}/chat"))
            .replace("https://pager.PLACEHOLDER.example", &format!("http://{receiver}")),
    }
}
