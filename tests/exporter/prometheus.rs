//! A real Prometheus scrapes the demo.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::golden::promtool_finds_nothing;
use crate::support::binary::{Running, nectar_exporter};
use crate::support::scrape::Scrape;

/// Ends with the test.
struct Prometheus {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn scraping(target: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 2s, scrape_timeout: 2s}}\nscrape_configs:\n- job_name: nectar\n  static_configs:\n  - targets: ['{target}']\n"
        );
        std::fs::write(&config, text).unwrap();
        let address = free_address();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus is needed: install Debian's package prometheus");
        Self { child, url: format!("http://{address}"), _folder: folder }
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let answer = reqwest::get(format!("{}{path}", self.url)).await.ok()?.text().await.ok()?;
        serde_json::from_str(&answer).ok()
    }

    /// The value of an instant query that gives one sample.
    async fn query(&self, query: &str) -> Option<f64> {
        let url = reqwest::Url::parse_with_params(&format!("{}/api/v1/query", self.url), [("query", query)]);
        let answer = reqwest::get(url.unwrap()).await.ok()?.text().await.ok()?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[tokio::test]
async fn a_real_prometheus_scrapes_the_demo_cleanly() {
    let mut demo = Running::start(&mut nectar_exporter(&[
        "demo",
        "--web.listen-address=127.0.0.1:0",
        "--metrics.detail=accounts",
        "--sim.speed=0",
        "--sim.companies=4",
        "--sim.connections=20",
    ]));
    let address = demo.address();
    demo.wait_for("Poll finished");
    let text = reqwest::get(format!("http://{address}/metrics")).await.unwrap().text().await.unwrap();
    promtool_finds_nothing("the demo", &text);

    let prometheus = Prometheus::scraping(&address);
    let until = Instant::now() + Duration::from_secs(60);
    while prometheus.query("count_over_time(up[1m]) > 2").await.is_none() {
        assert!(Instant::now() < until, "Prometheus did not scrape in time");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(prometheus.query("min_over_time(up[1m])").await, Some(1.0), "every scrape succeeded");
    let targets = prometheus.get("/api/v1/targets").await.unwrap();
    assert_eq!(targets["data"]["activeTargets"][0]["lastError"], "");

    // What was ingested is what was served: no sample was dropped as a duplicate or out of order.
    let scraped = prometheus.query("scrape_samples_scraped").await.unwrap();
    let kept = prometheus.query("scrape_samples_post_metric_relabeling").await.unwrap();
    let stored =
        prometheus.query(r#"count({job="nectar", __name__=~"nectar_.*|process_.*"})"#).await.unwrap();
    assert_eq!(scraped, kept);
    assert_eq!(stored, scraped, "series stored, samples scraped");
    assert_eq!(
        prometheus.query("sum(nectar_connections)").await,
        prometheus.query("count(nectar_connection_info)").await
    );
    assert_eq!(prometheus.query("nectar_up").await, Some(1.0));
}

/// At a speed, the fleet lives: checks come, statuses change, and the exporter counts it.
#[test]
fn the_demo_is_lively() {
    let flags =
        ["demo", "--web.listen-address=127.0.0.1:0", "--sim.speed=20000", "--nectar.poll-interval=1s"];
    let mut demo = Running::start(&mut nectar_exporter(&flags));
    let address = demo.address();
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        demo.wait_for("Poll finished");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let text = runtime.block_on(async {
            reqwest::get(format!("http://{address}/metrics")).await.unwrap().text().await.unwrap()
        });
        let scrape = Scrape::read(&text);
        if scrape.sum("nectar_connection_status_changes_total", &[]) > 0.0
            && scrape.sum("nectar_account_status_changes_total", &[]) > 0.0
        {
            return;
        }
        assert!(Instant::now() < until, "nothing changed");
    }
}
