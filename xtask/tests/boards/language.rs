//! Rules on PromQL.

use std::time::Duration;

use promql_parser::parser::{self, Expr};
use serde_json::Value;
use xtask::queries::{self, Choices};

use crate::names::{self, Part};
use crate::parsed::{self, RATE_INTERVAL, called, judge_selectors};

/// A range that no panel's resolution can be coarser than in the months that a board shows.
const DAY: Duration = Duration::from_secs(86_400);

/// Every query parses with its variables filled in: with only those chosen that must be, and with names full of special characters.
pub fn parses(board: &Value) -> Vec<String> {
    let plain = Choices::from([("company".to_owned(), "00000000-0000-0000-0000-000000000000".to_owned())]);
    let odd = ["job", "instance", "company", "provider", "connection"]
        .map(|name| (name.to_owned(), "A \"B\" (C) [D] \\ $ é\nF|.*".to_owned()));
    let mut findings = Vec::new();
    for choices in [plain, Choices::from(odd)] {
        match queries::of_board(board, &choices) {
            Err(error) => findings.push(error),
            Ok(queries) => findings.extend(queries.iter().filter_map(|query| {
                let error = parser::parse(&query.expression).err()?;
                Some(format!("{} {}: {error}", query.panel, query.reference))
            })),
        }
    }
    findings
}

/// Every selector is of the chosen jobs and instances. Alerts on the fleet have neither label; the variables
/// themselves cannot.
pub fn scoped(board: &Value) -> Vec<String> {
    judge_selectors(board, |query, selector, _| {
        let wanted: &[&str] = match (query.kind.as_str(), query.panel.as_str(), selector.name.as_deref()) {
            (_, _, Some("ALERTS")) | ("variable", "job", _) => &[],
            ("variable", "instance", _) => &["job"],
            _ => &["job", "instance"],
        };
        let missing = wanted.iter().find(|label| {
            let matcher = format!("{label}=~\"${label}\"");
            !selector.matchers.matchers.iter().any(|found| found.to_string() == matcher)
        })?;
        Some(format!("{:?} is not limited to the chosen {missing}", selector.name))
    })
}

/// `rate`, `irate` and `increase` have the range `$__rate_interval`, and nothing else has. What is counted over days has a range of days.
pub fn rate_interval(board: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    for (query, expr) in parsed::all(board) {
        parsed::walk(&expr, &mut Vec::new(), &mut |part, around| {
            let Expr::MatrixSelector(matrix) = part else { return };
            let function = around.last().and_then(|part| called(part)).unwrap_or_default();
            let counts = ["rate", "irate", "increase"].contains(&function);
            if counts != (matrix.range == RATE_INTERVAL) && !(counts && matrix.range >= DAY) {
                findings.push(format!("{}: {function} looks back over a range of its own", query.panel));
            }
        });
    }
    findings
}

/// A counter is only used inside of `rate` or `increase`, whatever its matchers.
pub fn counters(board: &Value) -> Vec<String> {
    judge_selectors(board, |_, selector, around| {
        let name = selector.name.as_deref().unwrap_or_default();
        let counter = names::part(name).is_some_and(Part::is_counter);
        let grows = around.last().and_then(|part| called(part));
        let grows = grows.is_some_and(|function| ["rate", "irate", "increase"].contains(&function));
        (counter != grows).then(|| format!("{name} is a counter and not read as one, or the reverse"))
    })
}

/// No query has `vector(0)`, which would show a green 0 while the exporter is down.
pub fn no_vector(board: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    for (query, expr) in parsed::all(board) {
        parsed::walk(&expr, &mut Vec::new(), &mut |part, _| {
            if called(part) == Some("vector") {
                findings.push(format!("{} makes a value out of nothing", query.panel));
            }
        });
    }
    findings
}
