//! Passes the commit and the compiler's version to the program, for `nectar_exporter_build_info`.
//!
//! Outside a checkout, in a package for instance, the commit is taken from `NECTAR_EXPORTER_REVISION`, or is `unknown`. If the source
//! was unpacked inside another repository, that repository's commit is not used.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=NECTAR_EXPORTER_REVISION");
    println!("cargo::rerun-if-changed=build.rs");
    // Cargo runs this script in the package's folder. Git's prefix is empty only if that folder is the root of a repository.
    let is_own = first_line("git", &["rev-parse", "--show-prefix"]).is_some_and(|prefix| prefix.is_empty());
    let git = |arguments: &[&str]| is_own.then(|| first_line("git", arguments)).flatten();
    for name in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", name]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let given = env::var("NECTAR_EXPORTER_REVISION").ok().filter(|revision| !revision.trim().is_empty());
    let revision = given.or_else(|| git(&["rev-parse", "--short=12", "HEAD"]));
    let rustc = env::var("RUSTC").ok().and_then(|rustc| first_line(&rustc, &["--version"]));
    // "rustc 1.89.0 (29483883e 2025-08-04)": the second word is the version.
    let rustc = rustc.and_then(|line| line.split_whitespace().nth(1).map(str::to_owned));
    let unknown = || "unknown".to_owned();
    // `cargo run` hands these to the program, which warns of variables that look like those of its flags: they have another prefix.
    println!("cargo::rustc-env=BUILD_REVISION={}", revision.unwrap_or_else(unknown).trim());
    println!("cargo::rustc-env=BUILD_RUSTC={}", rustc.unwrap_or_else(unknown));
}

fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(str::to_owned)
}
