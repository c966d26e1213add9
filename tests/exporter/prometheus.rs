//! A real Prometheus scrapes the demo.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::golden::promtool_finds_nothing;
use test_support::PATIENCE;
use test_support::exporter_process::{Running, nectar_exporter};
use test_support::scrape::Scrape;

/// Ends with the test.
struct Prometheus {
    _running: Running,
    url: String,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn scraping(target: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n- job_name: nectar\n  static_configs:\n  - targets: ['{target}']\n"
        );
        std::fs::write(&config, text).unwrap();
        // Debian's package prometheus.
        let mut running = Running::start(
            Command::new("prometheus")
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
                .arg("--web.listen-address=127.0.0.1:0"),
        );
        let url = format!("http://{}", running.address());
        Self { _running: running, url, _folder: folder }
    }

    /// The value of an instant query that gives one sample, as of `at`, or of now.
    async fn query(&self, query: &str, at: Option<f64>) -> Option<f64> {
        let at = at.map(|at| ("time", at.to_string()));
        let parameters = [("query", query.to_owned())].into_iter().chain(at);
        let url = reqwest::Url::parse_with_params(&format!("{}/api/v1/query", self.url), parameters);
        let answer = reqwest::get(url.unwrap()).await.ok()?.text().await.ok()?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }
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
    // The time of a scrape that succeeded, after another that did. On a busy machine one may take too long now and then.
    let until = Instant::now() + PATIENCE;
    let at = loop {
        let scraped = prometheus.query("timestamp(up == 1) and sum_over_time(up[5m]) > 1", None).await;
        if scraped.is_some() {
            break scraped;
        }
        assert!(Instant::now() < until, "Prometheus did not scrape in time");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };

    // What was ingested is what was served: no sample was dropped as a duplicate or out of order.
    let scraped = prometheus.query("scrape_samples_scraped", at).await.unwrap();
    let kept = prometheus.query("scrape_samples_post_metric_relabeling", at).await.unwrap();
    let stored =
        prometheus.query(r#"count({job="nectar", __name__=~"nectar_.*|process_.*"})"#, at).await.unwrap();
    assert_eq!(scraped, kept);
    assert_eq!(stored, scraped, "series stored, samples scraped");
    assert_eq!(
        prometheus.query("sum(nectar_connections)", at).await,
        prometheus.query("count(nectar_connection_info)", at).await
    );
    assert_eq!(prometheus.query("nectar_up", at).await, Some(1.0));
}

/// At a speed, the fleet lives: checks come, statuses change, and the exporter counts it.
#[test]
fn the_demo_is_lively() {
    let flags =
        ["demo", "--web.listen-address=127.0.0.1:0", "--sim.speed=50000", "--nectar.poll-interval=500ms"];
    let mut demo = Running::start(&mut nectar_exporter(&flags));
    let address = demo.address();
    let until = Instant::now() + PATIENCE;
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
