//! `cargo xtask`: generates the Grafana boards and the manual pages from the code, fills the Helm chart, and tests the tests of the alert rules.

mod mutants;

use std::process::ExitCode;

use xtask::queries::{self, Choices};
use xtask::{boards, chart, files, manual};

const USAGE: &str = "usage:
  cargo xtask dashboards            write dashboards/*.json
  cargo xtask chart                 write what the Helm chart has from elsewhere
  cargo xtask queries [NAME=VALUE]  print every query of the boards, one JSON object per line. NAME is a variable of a
                                    board (job, instance, company, provider, connection) or __rate_interval; what is
                                    not given is all. The board of one company needs company=ID
  cargo xtask manual FOLDER         write manual pages into FOLDER/man, and completions for shells into FOLDER
  cargo xtask mutants [--list] [TEXT]
                                    break the alert rules in many small ways and expect a unit test to notice each.
                                    TEXT: only mutants whose name contains it";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((command, [])) if command == "dashboards" => {
            files::write_all(&files::folder()).map_err(|error| error.to_string())
        }
        Some((command, [])) if command == "chart" => chart::write_all().map_err(|error| error.to_string()),
        Some((command, choices)) if command == "queries" => print_queries(choices),
        Some((command, [folder])) if command == "manual" => {
            manual::write_all(folder.as_ref()).map_err(|error| error.to_string())
        }
        Some((command, arguments)) if command == "mutants" => test_mutants(arguments),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn print_queries(arguments: &[String]) -> Result<(), String> {
    let mut choices = Choices::new();
    for argument in arguments {
        let (name, value) = argument.split_once('=').ok_or(USAGE)?;
        choices.insert(name.to_owned(), value.to_owned());
    }
    for (_, board) in boards::all() {
        for query in queries::of_board(&board, &choices)? {
            println!("{}", query.json());
        }
    }
    Ok(())
}

fn test_mutants(arguments: &[String]) -> Result<(), String> {
    let (list, text) = match arguments {
        [flag, rest @ ..] if flag == "--list" => (true, rest),
        _ => (false, arguments),
    };
    match text {
        [] => mutants::run(list, ""),
        [text] if !text.starts_with('-') => mutants::run(list, text),
        _ => return Err(USAGE.to_owned()),
    }
    .map_err(|error| error.to_string())
}
