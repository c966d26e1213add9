//! `cargo xtask`: writes what is made from the code and committed beside it.

use std::process::ExitCode;

use xtask::board;

fn main() -> ExitCode {
    match board::write_all(&board::folder()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
