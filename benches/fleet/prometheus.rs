//! What one scrape costs a real Prometheus: of the series of today, and of those that revision 67333a3 had.

use std::collections::HashSet;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::nginx::Nginx;
use super::process::Process;
use super::wire::Wire;

/// The variable with the path of the program; without it, `prometheus` from the search path.
const PROGRAM: &str = "BENCH_PROMETHEUS";
/// Longer than a scrape of the large fleet takes.
const INTERVAL: Duration = Duration::from_secs(10);
/// Scrapes that are not counted: the first ones create the series.
const WARMING: usize = 3;
const COUNTED: usize = 6;

/// The CPU of one scrape in the mean, and how many series it had.
pub struct Cost {
    pub cpu: Duration,
    pub series: usize,
}

/// Of the series in `text`, and of those of revision 67333a3.
pub fn measure(text: &[u8]) -> [Cost; 2] {
    let text = std::str::from_utf8(text).unwrap();
    [cost(text), cost(&with_earlier_series(text))]
}

/// That revision had a time of the next check for each connection that Nectar checks by itself, and a time of creation for all; and no
/// time since when a connection has not been connected.
fn with_earlier_series(text: &str) -> String {
    let of = |name: &'static str| text.lines().filter_map(move |line| line.strip_prefix(name));
    let labels = |line: &str| line.split_inclusive("\",").take(2).collect::<String>();
    let waits =
        of("nectar_connection_status{").filter(|line| line.contains("category=\"intervention_needed\""));
    let waiting: HashSet<String> = waits.map(labels).collect();
    let is_new = |line: &&str| line.contains("nectar_connection_not_connected_since_timestamp_seconds");
    let mut earlier: String =
        text.lines().filter(|line| !is_new(line)).flat_map(|line| [line, "\n"]).collect();
    for line in of("nectar_connection_status_last_update_timestamp_seconds{") {
        let (series, updated) = line.rsplit_once(' ').unwrap();
        let ids = series.trim_end_matches('}');
        if !waiting.contains(&format!("{ids},")) {
            let due = updated.parse::<f64>().unwrap() + 604_800.0;
            earlier += &format!("nectar_connection_check_due_timestamp_seconds{{{ids}}} {due}\n");
        }
        earlier += &format!("nectar_connection_created_timestamp_seconds{{{ids}}} {updated}\n");
    }
    earlier
}

fn cost(text: &str) -> Cost {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    let nginx = Nginx::serve(text.as_bytes(), &encoder.finish().unwrap());
    let prometheus = Prometheus::scraping(nginx.address);
    prometheus.wait_for_scrapes(WARMING);
    let before = prometheus.process().cpu();
    prometheus.wait_for_scrapes(WARMING + COUNTED);
    let cpu = (prometheus.process().cpu() - before) / u32::try_from(COUNTED).unwrap();
    Cost { cpu, series: text.lines().filter(|line| !line.starts_with('#')).count() }
}

/// A running Prometheus. It ends with this.
struct Prometheus {
    child: Child,
    address: SocketAddr,
    _place: TempDir,
}

impl Prometheus {
    fn scraping(target: SocketAddr) -> Self {
        let place = tempfile::tempdir().unwrap();
        let config = place.path().join("prometheus.yml");
        let seconds = INTERVAL.as_secs();
        let text = format!(
            "global: {{scrape_interval: {seconds}s, scrape_timeout: {seconds}s}}\nscrape_configs:\n\
             - {{job_name: fleet, metrics_path: /packed, static_configs: [{{targets: [\"{target}\"]}}]}}\n"
        );
        std::fs::write(&config, text).unwrap();
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let program = std::env::var(PROGRAM).unwrap_or_else(|_| "prometheus".to_owned());
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", place.path().join("data").display()));
        command.arg(format!("--web.listen-address={address}"));
        let child =
            command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("prometheus: make tools");
        Self { child, address, _place: place }
    }

    fn process(&self) -> Process {
        Process::of(self.child.id())
    }

    /// Waits until so many scrapes were stored.
    fn wait_for_scrapes(&self, scrapes: usize) {
        for _ in 0..scrapes as u64 * INTERVAL.as_secs() * 4 {
            if self.scrapes() >= scrapes {
                return;
            }
            sleep(Duration::from_secs(1));
        }
        panic!("Prometheus has stored {} scrapes and not {scrapes}", self.scrapes())
    }

    fn scrapes(&self) -> usize {
        if TcpStream::connect(self.address).is_err() {
            return 0;
        }
        let query = "/api/v1/query?query=count_over_time(scrape_samples_scraped%5B1h%5D)";
        let body = String::from_utf8(Wire::to(self.address, query, false).body()).unwrap();
        // {"status":"success","data":{…,"value":[1764425060.1,"3"]}]}}
        body.rsplit('"').nth(1).and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
