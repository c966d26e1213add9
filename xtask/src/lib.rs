//! The Grafana boards of nectar-exporter, generated from the exporter's own tables of metrics and statuses; and its reference pages
//! (`reference`), its manual pages and the completions of its flags (`manual`).
//!
//! A board is built from the bottom up: `promql` (what is asked) → `style` (colours, units, thresholds), `view`, `table` and
//! `panel` (how it is shown) → `grid` (where it is shown) → `board` (the JSON) → `boards` (all of them) → `files`.
//! `queries` reads the queries back from a finished board, as Grafana would send them. `chart` brings boards and rules into the Helm
//! chart.

pub mod board;
pub mod boards;
pub mod chart;
pub mod files;
pub mod grid;
pub mod link;
pub mod manual;
pub mod panel;
pub mod promql;
pub mod queries;
pub mod reference;
pub mod statuses;
pub mod style;
pub mod table;
pub mod variable;
pub mod view;
