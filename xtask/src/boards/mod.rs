//! The boards.

mod company;
mod exporter;
mod overview;
mod provider;
mod shared;
mod trend;
mod worklist;

use serde_json::Value;

use crate::link::To;

/// Every board, in the order in which they link to each other.
pub fn all() -> Vec<(To, Value)> {
    let board = |which| match which {
        To::Overview => overview::board(),
        To::Company => company::board(),
        To::Worklist => worklist::board(),
        To::Provider => provider::board(),
        To::Trend => trend::board(),
        To::Exporter => exporter::board(),
    };
    To::ALL.into_iter().map(|which| (which, board(which).json())).collect()
}
