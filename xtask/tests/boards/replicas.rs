//! Replicas are not counted twice: the innermost aggregation of every metric of the fleet takes one value per company, whichever
//! replica serves it.

use nectar_exporter::metrics::metric::Group;
use promql_parser::parser::token::{T_LAND, T_LUNLESS, T_MAX, T_MIN};
use promql_parser::parser::{Expr, LabelModifier, VectorSelector};
use serde_json::Value;

use crate::names;
use crate::parsed::{self, judge_selectors};

/// The innermost aggregation of every metric of the fleet is a maximum or minimum: by company, of all, or by exporter.
pub fn once(board: &Value) -> Vec<String> {
    judge_selectors(board, |query, selector, around| {
        let name = selector.name.as_deref()?;
        let fleet = names::part(name)?
            .group()
            .is_some_and(|group| !matches!(group, Group::Exporter | Group::Storage | Group::Webhook));
        if !fleet || query.kind == "variable" && !around.iter().any(|part| matches!(part, Expr::Aggregate(_)))
        {
            return None;
        }
        if is_condition(selector, around) || is_in_shares(around) {
            return None;
        }
        let aggregate = around.iter().rev().find_map(|part| match part {
            Expr::Aggregate(aggregate) => Some(aggregate),
            _ => None,
        });
        let Some(aggregate) = aggregate else { return Some(format!("{name} is not aggregated")) };
        let largest = [T_MAX, T_MIN].contains(&aggregate.op.id());
        let by = match &aggregate.modifier {
            None => true,
            Some(LabelModifier::Include(labels)) => {
                let has = |label: &str| labels.labels.iter().any(|found| found == label);
                has("company_id") || has("job") && has("instance")
            }
            Some(LabelModifier::Exclude(_)) => false,
        };
        (!(largest && by)).then(|| format!("replicas double {name}"))
    })
}

/// Whether only the shares of a histogram's buckets are taken, which replicas do not change.
fn is_in_shares(around: &[&Expr]) -> bool {
    around.iter().any(|part| matches!(part, Expr::Call(call) if call.func.name == "histogram_quantile"))
}

/// Whether it is on the right of `and` or `unless`, where it only matters whether there is a series, not how many.
fn is_condition(selector: &VectorSelector, around: &[&Expr]) -> bool {
    let Some(Expr::Binary(binary)) = around.last() else { return false };
    let after = parsed::selector(&binary.rhs).is_some_and(|found| std::ptr::eq(found, selector));
    after && [T_LAND, T_LUNLESS].contains(&binary.op.id())
}
