//! OpenMetrics: who gets it, that an independent parser takes it, and that it says what the text format says.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use nectar_simulator::Plan;
use serde_json::Value;

use test_support::clock::START;
use test_support::exporter::Exporter;
use test_support::in_checkout;
use test_support::scrape::Scrape;

const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

/// Reads OpenMetrics with the parser of Prometheus' client library for Python, and writes each family: its name, type, and samples.
const PARSER: &str = r#"
import json, sys
sys.path.insert(0, sys.argv[1])
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
json.dump([[f.name, f.type, [[s.name, s.labels, s.value] for s in f.samples]] for f in parse(sys.stdin.read())], sys.stdout)
"#;

/// Series, and their values.
type Series = BTreeMap<(String, BTreeMap<String, String>), f64>;

fn parsed(text: &str) -> Vec<Value> {
    let mut command = Command::new("python3");
    command.args(["-c", PARSER]).arg(in_checkout("target/tools/prometheus_client"));
    let mut parser = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = parser.stdin.take().unwrap();
    let text = text.to_owned();
    let writing = std::thread::spawn(move || input.write_all(text.as_bytes()).unwrap());
    let output = parser.wait_with_output().unwrap();
    assert!(output.status.success(), "the parser refuses it");
    writing.join().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn scraped(program: &Exporter, accept: &str) -> (String, String) {
    let request = reqwest::Client::new().get(format!("{}/metrics", program.url)).header("accept", accept);
    let answer = request.send().await.unwrap();
    let content_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (content_type, answer.text().await.unwrap())
}

/// Bucket limits are written in another way in each format.
fn same_limit(mut labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    if let Some(limit) = labels.get_mut("le") {
        *limit = limit.trim_end_matches(".0").to_owned();
    }
    labels
}

#[tokio::test]
async fn both_formats_say_the_same() {
    let plan = Plan { companies: 5, connections: 20, accounts: 2, ..Plan::default() };
    let (program, simulator) = Exporter::simulated(&plan, &["--metrics.detail=accounts"]).await;
    program.after_polls(1).await;
    let company = simulator.companies()[0].clone();
    let connection = simulator.connections(&company)[0].clone();
    for status in ["PASSWORD_INCORRECT", "CONNECTED"] {
        assert!(simulator.set_connection_status(&connection, status));
        program.next_poll().await;
    }
    let (content_type, text) = scraped(&program, PROMETHEUS).await;
    assert_eq!(content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(text.ends_with("\n# EOF\n") && text.matches("# EOF").count() == 1);
    let families = parsed(&text);
    let (content_type, text) = scraped(&program, "*/*").await;
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    assert!(!text.contains("# EOF") && !text.contains("_changes_created"));
    let scrape = Scrape::read(&text);

    let mut in_openmetrics = Series::new();
    let mut created = Series::new();
    for family in &families {
        let [name, kind, samples] = [0, 1, 2].map(|place| &family[place]);
        let in_text = format!("{}{}", name.as_str().unwrap(), if kind == "counter" { "_total" } else { "" });
        assert_eq!(kind.as_str(), scrape.types.get(&in_text).map(String::as_str), "{in_text}");
        for sample in samples.as_array().unwrap() {
            let sample_name = sample[0].as_str().unwrap().to_owned();
            let labels = serde_json::from_value(sample[1].clone()).unwrap();
            let all = if sample_name.ends_with("_created") && kind != "gauge" {
                &mut created
            } else {
                &mut in_openmetrics
            };
            all.insert((sample_name, same_limit(labels)), sample[2].as_f64().unwrap());
        }
    }
    assert_eq!(families.len(), scrape.types.len(), "no family has two names");
    let in_text: Series = scrape
        .samples
        .into_iter()
        .filter(|(name, ..)| !name.starts_with("process_"))
        .map(|(name, labels, value)| ((name, same_limit(labels)), value))
        .collect();
    in_openmetrics.retain(|(name, _), _| !name.starts_with("process_"));
    assert!(in_text == in_openmetrics, "the samples differ");
    since_when(&created, &company);
}

/// The clock stood at the start of the test when the process was started and each company was first read.
fn since_when(created: &Series, company: &str) {
    let began = START.parse::<jiff::Timestamp>().unwrap().as_second() as f64;
    let of = |name: &str, labels: &[(&str, &str)]| {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        created.get(&(name.to_owned(), labels)).copied()
    };
    for (name, labels) in [
        ("nectar_exporter_polls_created", &[][..]),
        ("nectar_api_requests_created", &[("endpoint", "company"), ("code", "200")]),
        ("nectar_exporter_poll_duration_seconds_created", &[]),
        (
            "nectar_connection_status_changes_created",
            &[("company_id", company), ("status", "CONNECTED"), ("category", "standard")],
        ),
        (
            "nectar_company_status_durations_created",
            &[("company_id", company), ("category", "intervention_needed")],
        ),
        (
            "nectar_connection_status_duration_seconds_created",
            &[("status", "PASSWORD_INCORRECT"), ("category", "intervention_needed")],
        ),
    ] {
        assert_eq!(of(name, labels), Some(began), "{name}");
    }
}

/// Which forms of `Accept` ask for it stands beside the rule, in src/http/accept.rs.
#[tokio::test]
async fn it_is_sent_with_gzip_as_well_and_before_the_first_poll() {
    let (program, _simulator) = Exporter::simulated(&Plan { companies: 2, ..Plan::default() }, &[]).await;
    for _ in 0..2 {
        let request = reqwest::Client::new().get(format!("{}/metrics", program.url));
        let request = request.header("accept", PROMETHEUS).header("accept-encoding", "gzip");
        let packed = request.send().await.unwrap().bytes().await.unwrap();
        let text = std::io::read_to_string(flate2::read::GzDecoder::new(&packed[..])).unwrap();
        assert!(!parsed(&text).is_empty());
        program.after_polls(1).await;
    }
}
