//! What the board says of webhooks, by promtool: of an exporter that had events, of one that had none yet, of one that receives none, and of
//! one that is gone.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use xtask::link::To;
use xtask::{boards, queries};

/// Series, and their values, one a minute.
const SERIES: &[(&str, &str)] = &[
    ("nectar_exporter_build_info{instance='had', version='1', revision='r', rustc='c'}", "1x60"),
    ("nectar_exporter_build_info{instance='none', version='1', revision='r', rustc='c'}", "1x60"),
    ("nectar_exporter_build_info{instance='off', version='1', revision='r', rustc='c'}", "1x60"),
    ("nectar_exporter_build_info{instance='gone', version='1', revision='r', rustc='c'}", "1x40"),
    ("nectar_webhook_events_total{instance='had', type='connection.updated', outcome='reading'}", "5+1x60"),
    ("nectar_webhook_events_total{instance='had', type='connection.updated', outcome='duplicate'}", "5x60"),
    ("nectar_webhook_events_total{instance='had', type='unknown', outcome='malformed'}", "5+2x60"),
    ("nectar_webhook_events_total{instance='none', type='connection.updated', outcome='reading'}", "0x60"),
    ("nectar_webhook_events_total{instance='gone', type='connection.updated', outcome='reading'}", "0x40"),
    ("nectar_webhook_last_event_timestamp_seconds{instance='had'}", "600x60"),
    ("nectar_webhook_reading_delay_seconds_bucket{instance='had', le='1'}", "0x60"),
    ("nectar_webhook_reading_delay_seconds_bucket{instance='had', le='2'}", "5+1x60"),
    ("nectar_webhook_reading_delay_seconds_bucket{instance='had', le='+Inf'}", "5+1x60"),
    ("nectar_webhook_reading_delay_seconds_bucket{instance='none', le='1'}", "0x60"),
    ("nectar_webhook_reading_delay_seconds_bucket{instance='none', le='+Inf'}", "0x60"),
];

/// A panel, its letter, the instance if one is chosen, and what it shows after an hour: labels and values.
type Expected = (&'static str, &'static str, Option<&'static str>, &'static [(&'static str, f64)]);

#[rustfmt::skip]
const EXPECTED: &[Expected] = &[
    ("Since the last event", "A", None, &[
        ("{job='j', instance='had'}", 3000.0), ("{job='j', instance='none'}", -1.0), ("{job='j', instance='off'}", -2.0),
    ]),
    ("Events", "A", None, &[("{outcome='reading'}", 30.0)]),
    ("Refused requests", "A", None, &[("{outcome='malformed'}", 60.0)]),
    ("From event to reading", "A", None, &[("{}", 1.5)]),
    ("From event to reading", "B", None, &[("{}", 1.99)]),
    ("From event to reading", "A", Some("none"), &[]),
];

#[test]
fn each_state_of_webhooks_is_told_apart() {
    let (_, board) = boards::all().into_iter().find(|(which, _)| *which == To::Exporter).unwrap();
    let check = |(panel, letter, instance, rows): &Expected| {
        let instance = instance.map(|instance| ("instance", instance));
        let choices = instance.iter().chain(&[("__rate_interval", "30m")]);
        let choices = choices.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let queries = queries::of_board(&board, &choices).unwrap();
        let query = queries.iter().find(|query| query.is(To::Exporter.uid(), panel, letter));
        let expression = &query.unwrap_or_else(|| panic!("there is no {panel} {letter}")).expression;
        let samples = rows.iter().map(|(labels, value)| {
            json!({"labels": labels.replace('\'', "\""), "value": (value * 1000.0).round()})
        });
        json!({
            "expr": format!("round(({expression}) * 1000)"), "eval_time": "1h",
            "exp_samples": samples.collect::<Vec<_>>(),
        })
    };
    let series = |(series, values): &(&str, &str)| json!({"series": series.replace('{', "{job='j', ").replace('\'', "\""), "values": values});
    let test = json!({
        "tests": [{
            "interval": "1m",
            "input_series": SERIES.iter().map(series).collect::<Vec<Value>>(),
            "promql_expr_test": EXPECTED.iter().map(check).collect::<Vec<Value>>(),
        }],
    });
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("webhooks.yml");
    fs::write(&file, test.to_string()).unwrap();
    let output =
        Command::new("promtool").args(["test", "rules"]).arg(&file).output().expect("cannot run promtool");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
