//! Queries as syntax trees.

use std::time::Duration;

use promql_parser::parser::{self, Expr, VectorSelector};
use serde_json::Value;
use xtask::queries::{self, Query};

/// Replaces `$__rate_interval`, which the parser does not accept as a duration.
pub const RATE_INTERVAL: Duration = Duration::from_secs(4321);

/// Every query of a board that parses, with its syntax tree.
pub fn all(board: &Value) -> Vec<(Query, Expr)> {
    queries::written(board)
        .into_iter()
        .filter_map(|query| {
            let text = query.expression.replace("$__rate_interval", &format!("{}s", RATE_INTERVAL.as_secs()));
            parser::parse(&text).ok().map(|expr| (query, expr))
        })
        .collect()
}

/// Calls `see` with every subexpression of `expr` and the expressions that contain it, the innermost last.
pub fn walk<'a>(expr: &'a Expr, around: &mut Vec<&'a Expr>, see: &mut impl FnMut(&'a Expr, &[&'a Expr])) {
    see(expr, around);
    around.push(expr);
    match expr {
        Expr::Aggregate(aggregate) => {
            if let Some(parameter) = &aggregate.param {
                walk(parameter, around, see);
            }
            walk(&aggregate.expr, around, see);
        }
        Expr::Unary(unary) => walk(&unary.expr, around, see),
        Expr::Binary(binary) => {
            walk(&binary.lhs, around, see);
            walk(&binary.rhs, around, see);
        }
        Expr::Paren(paren) => walk(&paren.expr, around, see),
        Expr::Subquery(subquery) => walk(&subquery.expr, around, see),
        Expr::Call(call) => call.args.args.iter().for_each(|argument| walk(argument, around, see)),
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => (),
    }
    around.pop();
}

/// `expr` as a selector, with or without a range.
pub fn selector(expr: &Expr) -> Option<&VectorSelector> {
    match expr {
        Expr::VectorSelector(selector) => Some(selector),
        Expr::MatrixSelector(matrix) => Some(&matrix.vs),
        _ => None,
    }
}

/// All findings of `judge`, which is called with every selector of the board and the expressions that contain it.
pub fn judge_selectors(
    board: &Value,
    judge: impl Fn(&Query, &VectorSelector, &[&Expr]) -> Option<String>,
) -> Vec<String> {
    let mut findings = Vec::new();
    for (query, expr) in all(board) {
        walk(&expr, &mut Vec::new(), &mut |part, around| {
            if let Some(what) = selector(part).and_then(|selector| judge(&query, selector, around)) {
                findings.push(format!("{}: {what}", query.panel));
            }
        });
    }
    findings
}

/// The function that `expr` calls.
pub fn called(expr: &Expr) -> Option<&str> {
    if let Expr::Call(call) = expr { Some(call.func.name) } else { None }
}
