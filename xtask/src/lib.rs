//! The Grafana boards of nectar-exporter, as data that shares the exporter's own tables; and its reference pages (`reference`).
//!
//! A board is put together from the bottom up: `promql` (selectors from the catalogue) → `questions`, `logins`, `providers`
//! and `own` (what is asked) → `look` (colours, units), `view`, `table` and `panel` (how it is shown) → `grid` (where) →
//! `board` (the JSON) → `boards` (which) → `files`. `queries` reads the files back, as a server is asked them.

pub mod board;
pub mod boards;
pub mod files;
pub mod grid;
pub mod link;
pub mod logins;
pub mod look;
pub mod own;
pub mod panel;
pub mod promql;
pub mod providers;
pub mod queries;
pub mod questions;
pub mod reference;
pub mod statuses;
pub mod table;
pub mod variable;
pub mod view;
