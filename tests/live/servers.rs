//! Prometheus and Alertmanager, started for one test with the shipped files and stopped with it. Only times and addresses in the files
//! are changed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Time between evaluations, and between messages to the same receivers.
pub const ROUND: Duration = Duration::from_millis(500);
/// The same, in configurations.
const ROUND_TEXT: &str = "500ms";
/// Time between scrapes, and the timeout of one: an exporter that takes longer, on a busy machine, would count as down.
const SCRAPES: &str = "2s";
/// As in reality, far longer than an exporter may be silent before it counts as down.
const KEPT_FIRING: &str = "6s";

/// A server, which ends with the test.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Its base URL.
    pub url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts it on a port that it chooses, which is read from its log.
    fn start(program: &str, arguments: &[String]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .arg("--web.listen-address=127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} is needed: {error}"));
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = log.by_ref().find_map(|line| {
            let is_it = line.contains("\"Listening on\"");
            line.rsplit_once("address=").filter(|_| is_it).map(|(_, address)| address.trim().to_owned())
        });
        let url = format!("http://{}", address.unwrap_or_else(|| panic!("{program} does not listen")));
        // Its log must be read further, or it could not write any more.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, url }
    }

    /// `GET path`, as JSON; null while the server does not respond.
    pub async fn get(&self, path: &str) -> Value {
        match reqwest::get(format!("{}{path}", self.url)).await {
            Ok(answer) => {
                let text = answer.text().await.unwrap_or_default();
                serde_json::from_str(&text).unwrap_or_default()
            }
            Err(_) => Value::Null,
        }
    }

    /// The alerts in Alertmanager that have these labels, including muted ones.
    pub async fn alerts(&self, labels: &[(&str, &str)]) -> Vec<Value> {
        // Quoted as in Go, which is the same as in Rust for our names.
        let filters = labels.iter().map(|(name, value)| ("filter", format!("{name}={value:?}")));
        let url = reqwest::Url::parse_with_params(&format!("{}/api/v2/alerts", self.url), filters).unwrap();
        let answer = reqwest::get(url).await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer.as_array().unwrap_or_else(|| panic!("no list of alerts: {answer}")).clone()
    }

    /// Waits until it says that it is ready.
    pub async fn ready(&self) {
        let began = Instant::now();
        loop {
            let answer = reqwest::get(format!("{}/-/ready", self.url)).await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{} is not ready", self.url);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Prometheus with the shipped rules, in which only `for` and `keep_firing_for` are shortened.
pub fn prometheus(folder: &Path, targets: &[String], alertmanager: &Server) -> Server {
    for name in ["nectar-recording.yml", "nectar-alerts.yml"] {
        let rules = std::fs::read_to_string(in_checkout(&format!("alerts/{name}"))).unwrap();
        let short: Vec<String> = rules.lines().map(shortened).collect();
        std::fs::write(folder.join(name), short.join("\n") + "\n").unwrap();
    }
    let config = format!(
        "global: {{scrape_interval: {SCRAPES}, evaluation_interval: {ROUND_TEXT}}}
rule_files: [nectar-recording.yml, nectar-alerts.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}
scrape_configs: [{{job_name: any, static_configs: [{{targets: {targets:?}}}]}}]
",
        alertmanager.url.trim_start_matches("http://")
    );
    let file = folder.join("prometheus.yml");
    std::fs::write(&file, config).unwrap();
    let arguments = [
        format!("--config.file={}", file.display()),
        format!("--storage.tsdb.path={}", folder.join("data").display()),
        // Alertmanager considers an alert ended if it has not heard of it for four times this long, and a busy machine may be late by
        // some seconds. What is new or over is sent at once.
        "--rules.alert.resend-delay=2s".to_owned(),
        // Those that do not know it say so in their log.
        "--enable-feature=created-timestamp-zero-ingestion".to_owned(),
    ];
    Server::start("prometheus", &arguments)
}

fn shortened(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    match line.trim_start().split_once(": ") {
        Some(("for", _)) => format!("{:indent$}for: {ROUND_TEXT}", ""),
        Some(("keep_firing_for", _)) => format!("{:indent$}keep_firing_for: {KEPT_FIRING}", ""),
        _ => line.to_owned(),
    }
}

/// Alertmanager with the shipped configuration, in which times are shortened, chat and pager are at `receiver`, and mail goes to
/// `mail`.
pub fn alertmanager(folder: &Path, receiver: &str, mail: &str) -> Server {
    let config = std::fs::read_to_string(in_checkout("alerts/alertmanager.yml")).unwrap();
    let config: Vec<String> = config.lines().map(|line| adapted(line, receiver, mail)).collect();
    let file = folder.join("alertmanager.yml");
    std::fs::write(&file, config.join("\n") + "\n").unwrap();
    std::fs::copy(in_checkout("alerts/nectar.tmpl"), folder.join("nectar.tmpl")).unwrap();
    let arguments = [
        format!("--config.file={}", file.display()),
        format!("--storage.path={}", folder.join("alertmanager").display()),
        "--cluster.listen-address=".to_owned(),
    ];
    Server::start("prometheus-alertmanager", &arguments)
}

fn adapted(line: &str, receiver: &str, mail: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    match line.trim_start().split_once(": ") {
        Some((key @ ("group_wait" | "group_interval"), _)) => format!("{:indent$}{key}: {ROUND_TEXT}", ""),
        Some(("smtp_smarthost", _)) => {
            format!("{:indent$}smtp_smarthost: {mail}\n{:indent$}smtp_require_tls: false", "", "")
        }
        _ => line
            .replace("https://hooks.slack.com/services/PLACEHOLDER", &format!("http://{receiver}/chat"))
            .replace("https://pager.PLACEHOLDER.example", &format!("http://{receiver}")),
    }
}

pub fn in_checkout(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
