//! What boards say of weeks, by promtool over a history that is known: a login breaks and one is mended each day, each after one to two
//! days, and there is one connection more each day.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use xtask::{boards, queries};

/// Days of history.
const DAYS: u32 = 70;

/// Series without job and instance, their first value, and by how much it grows each day.
const HISTORY: &[(&str, u32, u32)] = &[
    ("nectar_exporter_build_info{version='1', revision='r', rustc='c'}", 1, 0),
    ("nectar_up{}", 1, 0),
    ("nectar_company_up{company_id='c', company='C'}", 1, 0),
    ("nectar_connections{company_id='c', company='C', status='CONNECTED', category='standard'}", 100, 1),
    (
        "nectar_datasource_connections{company_id='c', company='C', datasource='U', status='CONNECTED', category='standard'}",
        100,
        0,
    ),
    (
        "nectar_connection_status_changes_total{company_id='c', status='PASSWORD_INCORRECT', category='intervention_needed'}",
        0,
        1,
    ),
    ("nectar_company_status_durations_total{company_id='c', category='intervention_needed'}", 0, 1),
    (
        "nectar_connection_status_duration_seconds_bucket{status='PASSWORD_INCORRECT', category='intervention_needed', le='86400'}",
        0,
        0,
    ),
    (
        "nectar_connection_status_duration_seconds_bucket{status='PASSWORD_INCORRECT', category='intervention_needed', le='172800'}",
        0,
        1,
    ),
    (
        "nectar_connection_status_duration_seconds_bucket{status='PASSWORD_INCORRECT', category='intervention_needed', le='+Inf'}",
        0,
        1,
    ),
    (
        "nectar_connection_status_duration_seconds_count{status='PASSWORD_INCORRECT', category='intervention_needed'}",
        0,
        1,
    ),
    // Always broken since just now.
    (
        "nectar_connection_not_connected_since_timestamp_seconds{company_id='c', connection_id='x', datasource='U', status='PASSWORD_INCORRECT', category='intervention_needed'}",
        0,
        86_400,
    ),
];

/// Board, panel, letter, day, labels, and the value; none where there is nothing to compare with.
type Expected = (&'static str, &'static str, &'static str, u32, &'static str, Option<f64>);

const TREND: &str = "nectar-trend";
const OVERVIEW: &str = "nectar-overview";

#[rustfmt::skip]
const EXPECTED: &[Expected] = &[
    (TREND, "New in a week", "A", 40, "{}", Some(7.0)),
    (TREND, "New in a week", "B", 40, "{}", Some(7.0)),
    // A part of a week is no week.
    (TREND, "New in a week", "B", 8, "{}", None),
    (TREND, "Mended in a week", "A", 40, "{}", Some(7.0)),
    (TREND, "Mended in a week", "B", 15, "{}", Some(7.0)),
    (TREND, "Mended in a week", "B", 12, "{}", None),
    (TREND, "Half were mended within", "A", 40, "{}", Some(1.5)),
    (TREND, "Half were mended within", "B", 40, "{}", None),
    (TREND, "Half were mended within", "B", 60, "{}", Some(1.5)),
    (TREND, "Nine of ten within", "B", 60, "{}", Some(1.9)),
    // With less than a month, at the rate of the days that there are.
    (TREND, "Utilities that break most", "A", 15, "{datasource=\"U\"}", Some(30.0)),
    (TREND, "Utilities that break most", "A", 60, "{datasource=\"U\"}", Some(30.0)),
    (OVERVIEW, "Connections", "B", 20, "{}", Some(7.0)),
    (OVERVIEW, "Connections", "C", 20, "{}", None),
    (OVERVIEW, "Connections", "B", 5, "{}", None),
    (OVERVIEW, "Suspected outages", "C", 20, "{}", Some(0.0)),
];

#[test]
fn weeks_are_compared_with_weeks() {
    let queries: Vec<_> = boards::all()
        .iter()
        .flat_map(|(_, board)| {
            queries::of_board(board, &[("company".to_owned(), "c".to_owned())].into()).unwrap()
        })
        .collect();
    let check = |(board, panel, letter, day, labels, value): &Expected| {
        let query = queries.iter().find(|query| query.is(board, panel, letter));
        let query = query.unwrap_or_else(|| panic!("{board} has no {panel} {letter}"));
        let samples: Vec<Value> =
            value.iter().map(|value| json!({"labels": labels, "value": (value * 1000.0).round()})).collect();
        let expression = format!("round(({}) * 1000)", query.expression);
        json!({"expr": expression, "eval_time": format!("{day}d"), "exp_samples": samples})
    };
    let series = |(series, first, growth): &(&str, u32, u32)| {
        let series = series.replace('\'', "\"").replace("{}", "{job=\"j\", instance=\"i\"}");
        let series = if series.contains("job=") {
            series
        } else {
            series.replace('{', "{job=\"j\", instance=\"i\", ")
        };
        json!({"series": series, "values": format!("{first}+{growth}x{DAYS}")})
    };
    let test = json!({
        "evaluation_interval": "1d",
        "tests": [{
            "interval": "1d",
            "input_series": HISTORY.iter().map(series).collect::<Vec<_>>(),
            "promql_expr_test": EXPECTED.iter().map(check).collect::<Vec<_>>(),
        }],
    });
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("weeks.yml");
    fs::write(&file, test.to_string()).unwrap();
    let output =
        Command::new("promtool").args(["test", "rules"]).arg(&file).output().expect("cannot run promtool");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
