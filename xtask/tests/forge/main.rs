//! Tests of what the forge runs: its workflows ask for no more than they need and name what exists, and a tag is checked before it is
//! released. `make lint-workflows` has the linters, which need more than Rust.

// Tests may stop at the first surprise.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod fitting;
mod rules;
mod scripts;
mod workflows;

use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
