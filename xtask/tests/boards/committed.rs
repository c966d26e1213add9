//! The committed boards are those that the generator writes.

use std::fs;

use xtask::boards;
use xtask::files::{file_name, folder, text};

#[test]
fn committed_boards_are_what_the_generator_writes() {
    for (which, board) in boards::all() {
        let name = file_name(which);
        let committed = fs::read_to_string(folder().join(&name)).unwrap_or_default();
        assert!(committed == text(&board), "dashboards/{name} is old: run cargo xtask dashboards");
    }
}

#[test]
fn there_are_no_other_boards() {
    let expected: Vec<String> = boards::all().into_iter().map(|(which, _)| file_name(which)).collect();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.ends_with(".json") || expected.contains(&name), "dashboards/{name} is not generated");
    }
}
