//! The manual pages, and the completions of the flags for shells: for packages.

use std::fs;
use std::io;
use std::path::Path;

use clap_complete::Shell;
use nectar_exporter::config::command;
use nectar_exporter::metrics::Build;

/// The program's name.
const NAME: &str = "nectar-exporter";

/// Writes a page for each command into `folder`/man, and what Bash, fish and Zsh read into `folder`.
///
/// # Errors
/// When a file cannot be written.
pub fn write_all(folder: &Path) -> io::Result<()> {
    let pages = folder.join("man");
    fs::create_dir_all(&pages)?;
    let mut command = command(Build::THIS.version.to_owned());
    // First, since completions add the command `help`, which needs no page.
    clap_mangen::generate_to(command.clone(), pages)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut command, NAME, folder)?;
    }
    Ok(())
}
