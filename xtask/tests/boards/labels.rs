//! Rules on labels: those that a query groups by, joins on, or has in its legend must be there.
//!
//! The labels of each expression are derived from those of its operands, starting with the selectors.

use std::collections::BTreeSet;

use promql_parser::parser::token::{T_BOTTOMK, T_GROUP, T_LAND, T_LOR, T_LUNLESS, T_TOPK};
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Expr, LabelModifier, NumberLiteral, VectorMatchCardinality,
};
use serde_json::Value;

use crate::{names, parsed};

/// The labels of a vector; `None` for a scalar.
type Labels = Option<BTreeSet<String>>;

/// Every grouping and join names labels that are there, and what must be unique on one side of a join is.
pub fn add_up(board: &Value) -> Vec<String> {
    let judged = parsed::all(board).into_iter();
    judged
        .filter_map(|(query, expr)| of(&expr).err().map(|error| format!("{}: {error}", query.panel)))
        .collect()
}

/// Every label in a legend, or whose values a variable takes, is one of the result.
pub fn legends(board: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    for (query, expr) in parsed::all(board) {
        let has = of(&expr).ok().flatten().unwrap_or_default();
        for label in query.labels.iter().filter(|label| !has.contains(*label)) {
            findings.push(format!("{}: the result has no label {label}", query.panel));
        }
    }
    findings
}

/// The labels of the result of `expr`.
pub fn of(expr: &Expr) -> Result<Labels, String> {
    match expr {
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Ok(None),
        Expr::VectorSelector(_) | Expr::MatrixSelector(_) => {
            let name =
                parsed::selector(expr).and_then(|selector| selector.name.as_deref()).unwrap_or_default();
            let part = names::part(name).ok_or_else(|| format!("{name} is no metric"))?;
            Ok(Some(part.labels().into_iter().map(str::to_owned).collect()))
        }
        Expr::Paren(paren) => of(&paren.expr),
        Expr::Unary(unary) => of(&unary.expr),
        Expr::Call(call) => {
            let mut labels: Labels = None;
            for argument in &call.args.args {
                labels = labels.or(of(argument)?);
            }
            if let (Some(labels), "histogram_quantile") = (&mut labels, call.func.name)
                && !labels.remove("le")
            {
                return Err("histogram_quantile without le".to_owned());
            }
            if let (Some(labels), "label_replace") = (&mut labels, call.func.name)
                && let Some(Expr::StringLiteral(label)) = call.args.args.get(1).map(AsRef::as_ref)
            {
                labels.insert(label.val.clone());
            }
            Ok(labels)
        }
        Expr::Aggregate(aggregate) => of_aggregate(aggregate).map(Some),
        Expr::Binary(binary) => of_binary(binary),
        Expr::Subquery(subquery) => of(&subquery.expr),
        Expr::Extension(_) => Err("a form that no board uses".to_owned()),
    }
}

fn of_aggregate(aggregate: &AggregateExpr) -> Result<BTreeSet<String>, String> {
    let inner = of(&aggregate.expr)?.ok_or("a number is aggregated")?;
    let by = match &aggregate.modifier {
        None => BTreeSet::new(),
        Some(LabelModifier::Include(labels)) => labels.labels.iter().cloned().collect(),
        Some(LabelModifier::Exclude(_)) => return Err("without keeps labels that nobody named".to_owned()),
    };
    if let Some(stray) = by.difference(&inner).next() {
        return Err(format!("is grouped by {stray}, which is not there"));
    }
    let picks = [T_TOPK, T_BOTTOMK].contains(&aggregate.op.id());
    Ok(if picks { inner } else { by })
}

fn of_binary(binary: &BinaryExpr) -> Result<Labels, String> {
    let (left, right) = match (of(&binary.lhs)?, of(&binary.rhs)?) {
        (Some(left), Some(right)) => (left, right),
        (left, right) => return Ok(left.or(right)),
    };
    let on = match binary.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref()) {
        Some(LabelModifier::Include(labels)) => Some(labels.labels.iter().cloned().collect::<BTreeSet<_>>()),
        Some(LabelModifier::Exclude(_)) => {
            return Err("ignoring joins on labels that nobody named".to_owned());
        }
        None => None,
    };
    let both: BTreeSet<String> = left.intersection(&right).cloned().collect();
    if let Some(stray) = on.iter().flatten().find(|label| !both.contains(*label)) {
        return Err(format!("is joined on {stray}, which is not on both sides"));
    }
    if on.is_none() && left != right {
        return Err(format!("joins {left:?} with {right:?}: they can never match"));
    }
    let on = on.unwrap_or(both.clone());
    let card = binary.modifier.as_ref().map(|modifier| &modifier.card);
    match binary.op.id() {
        // The result has series of either side.
        T_LOR => Ok(Some(both)),
        T_LAND | T_LUNLESS => Ok(Some(left)),
        _ => match card {
            Some(VectorMatchCardinality::ManyToOne(include)) => {
                joined(left, (right, &binary.rhs), &on, &include.labels)
            }
            Some(VectorMatchCardinality::OneToMany(include)) => {
                joined(right, (left, &binary.lhs), &on, &include.labels)
            }
            _ => {
                let single = is_one(&left, &binary.lhs, &on) && is_one(&right, &binary.rhs, &on);
                if single { Ok(Some(on)) } else { Err("joins one to one what can be several".to_owned()) }
            }
        },
    }
}

fn joined(
    many: BTreeSet<String>,
    (one, expr): (BTreeSet<String>, &Expr),
    on: &BTreeSet<String>,
    include: &[String],
) -> Result<Labels, String> {
    if let Some(stray) = include.iter().find(|label| !one.contains(*label)) {
        return Err(format!("takes over {stray}, which is not there"));
    }
    if !is_one(&one, expr, on) {
        return Err(format!("joins on {on:?} what can be several: {expr}"));
    }
    Ok(Some(many.into_iter().chain(include.iter().cloned()).collect()))
}

/// Whether there is at most one series for each value of `on`, even while replicas disagree.
fn is_one(labels: &BTreeSet<String>, expr: &Expr, on: &BTreeSet<String>) -> bool {
    if labels.is_subset(on) {
        return true;
    }
    match expr {
        Expr::Paren(paren) => is_one(labels, &paren.expr, on),
        Expr::Aggregate(aggregate) if aggregate.op.id() == T_TOPK => {
            let first = matches!(aggregate.param.as_deref(), Some(Expr::NumberLiteral(NumberLiteral { val })) if *val == 1.0);
            let by = matches!(&aggregate.modifier, Some(LabelModifier::Include(by)) if by.labels.iter().cloned().collect::<BTreeSet<_>>() == *on);
            first && by
        }
        Expr::Aggregate(aggregate) if aggregate.op.id() == T_GROUP => is_one(labels, &aggregate.expr, on),
        Expr::Binary(binary) if binary.op.id() == T_LOR => {
            let matched = matches!(
                binary.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref()),
                Some(LabelModifier::Include(by)) if by.labels.iter().cloned().collect::<BTreeSet<_>>() == *on
            );
            matched && is_one(labels, &binary.lhs, on) && is_one(labels, &binary.rhs, on)
        }
        _ => false,
    }
}
