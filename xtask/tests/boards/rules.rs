//! All rules, and the test that every board passes them. A rule takes a board and returns what is wrong with it.

use serde_json::Value;

use crate::{labels, language, legible, links, names, replicas, structure, tables, variables};

/// The name of a rule, and the function that returns its findings.
pub type Rule = (&'static str, fn(&Value) -> Vec<String>);

/// All rules.
pub const RULES: &[Rule] = &[
    ("file", structure::file),
    ("panels say what they show", structure::panels),
    ("ids are unique", structure::ids),
    ("no panels overlap", structure::overlaps),
    ("variables are complete", variables::complete),
    ("every query parses", language::parses),
    ("every selector keeps to job and instance", language::scoped),
    ("rates are over the rate interval", language::rate_interval),
    ("counters are inside rate or increase", language::counters),
    ("no zero out of nothing", language::no_vector),
    ("metrics are known", names::metrics),
    ("labels of matchers are known", names::matchers),
    ("literals are known", names::literals),
    ("labels add up", labels::add_up),
    ("legends have their labels", labels::legends),
    ("replicas do not double", replicas::once),
    ("columns exist", tables::columns),
    ("links lead somewhere", links::alive),
    ("empty cells are empty", legible::empty_cells),
    ("no data is red", legible::no_data),
    ("no data is admitted", legible::no_data_admitted),
    ("numbers are whole", legible::whole_numbers),
    ("severity is a rank", legible::sorted_by_rank),
    ("nothing is picked over time", legible::no_pick_over_time),
    ("no zeros on top", legible::no_zeros_on_top),
    ("headings fit", legible::headings_fit),
    ("titles fit", legible::titles_fit),
    ("rates span a poll", legible::rates_span_a_poll),
];

#[test]
fn every_board_keeps_every_rule() {
    let mut findings = Vec::new();
    for (_, board) in xtask::boards::all() {
        for (name, rule) in RULES {
            findings.extend(
                rule(&board).into_iter().map(|finding| format!("{name}: {}: {finding}", board["uid"])),
            );
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}
