//! The reference pages are what the code's tables say, byte for byte.

use nectar_exporter::config::command;
use nectar_exporter::reference;

use crate::support::{assert_same_as_file, in_checkout};

const BEGIN: &str = "<!-- flags: rendered from the code by `make docs` -->\n";
const END: &str = "<!-- end of flags -->\n";

#[test]
fn reference_pages() {
    assert_same_as_file("docs/metrics.md", &reference::metrics_page());
    assert_same_as_file("docs/statuses.md", &reference::statuses_page());
    assert_same_as_file("docs/flags.md", &reference::flags_page(&command("test".to_owned())));
}

#[test]
fn table_of_flags_in_the_readme() {
    let readme = std::fs::read_to_string(in_checkout("README.md")).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the README has a place for the flags");
    let (_, after) = rest.split_once(END).expect("the README's flags have an end");
    let table = reference::flags_table(&command("test".to_owned()));
    assert_same_as_file("README.md", &format!("{before}{BEGIN}\n{table}\n{END}{after}"));
}
