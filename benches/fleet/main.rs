//! `make bench`: measures a large fleet's exporter against nginx and a bare client, and prints one table. Exits with 1 when a target is missed.
//!
//! The simulated Nectar and the bare client are this program again, each in a process of its own.

// A benchmark may panic when something is unexpected.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod api;
mod bare;
mod beside;
mod child;
mod chunks;
mod exporter;
mod fleet;
mod lab;
mod memory;
mod nginx;
mod polls;
mod process;
mod prometheus;
mod recording;
mod rows;
mod scrapes;
mod series;
mod table;
mod wire;

use std::process::ExitCode;

use clap::Parser;

use lab::Lab;

/// Measures the exporter with a large fleet. Takes about twenty minutes.
#[derive(Debug, Parser)]
struct Arguments {
    /// A tenth of the fleet and fewer runs: to see that it works, not how fast
    #[arg(long)]
    quick: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
    /// Only these rows, by name; `list` names them
    rows: Vec<String>,
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some(api::ROLE) => return api::run(words),
        Some(bare::ROLE) => return bare::run(words),
        _ => {}
    }
    let arguments = Arguments::parse();
    if arguments.rows == ["list"] {
        rows::ROWS.iter().for_each(|row| println!("{:<20} {}", row.name, row.what));
        return ExitCode::SUCCESS;
    }
    let chosen = rows::chosen(&arguments.rows);
    let lab = Lab::new(arguments.quick);
    let table = table::fill(&lab, &chosen);
    println!("{}", lab.conditions());
    table.print();
    if table.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
