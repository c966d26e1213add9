//! The boards' JSON files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::boards;
use crate::link::To;

/// `dashboards/` of the checkout.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards")
}

/// The name of a board's file.
pub fn file_name(which: To) -> String {
    format!("{}.json", which.uid())
}

/// The content of a board's file.
pub fn text(board: &Value) -> String {
    format!("{board:#}\n")
}

/// Writes every board into `folder`.
///
/// # Errors
/// When a file cannot be written.
pub fn write_all(folder: &Path) -> io::Result<()> {
    for (which, board) in boards::all() {
        fs::write(folder.join(file_name(which)), text(&board))?;
    }
    Ok(())
}
