//! The reference pages are what the code's tables say, byte for byte.

use std::time::Duration;

use nectar_exporter::config::command;
use nectar_exporter::metrics::Build;
use nectar_simulator::{Fault, Plan, Scope, Simulator};

use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::{assert_same_as_file, in_checkout};
use xtask::reference;

/// Files that are written by hand but for a part between two lines.
const PARTS: [(&str, &str, &str); 2] = [
    (
        "docs/runbooks.md",
        "<!-- words: rendered from crates/status/src/table.rs by make docs -->\n",
        "<!-- end of words -->\n",
    ),
    (
        "alerts/nectar.tmpl",
        "{{/* words: rendered from crates/status/src/table.rs by make docs; to translate them, do so in your own copy of this file */}}\n",
        "{{/* end of words */}}\n",
    ),
];

#[test]
fn reference_pages() {
    assert_same_as_file("docs/metrics.md", &reference::metrics_page());
    assert_same_as_file("docs/statuses.md", &reference::statuses_page());
    assert_same_as_file("docs/flags.md", &reference::flags_page(&command("test".to_owned())));
}

/// The landing page, whole, for a fleet in which one company fails and one was never read.
#[tokio::test]
async fn landing_page() {
    let clock = TestClock::skipping(Duration::from_secs(60));
    let plan = Plan { companies: 4, connections: 30, accounts: 2, seed: 2, speed: 0.0 };
    let simulator = Simulator::new(&plan, KEY, wall(&clock));
    let ids = simulator.companies();
    simulator.faults().set(Scope::Company(ids[0].clone()), Fault::Status(403));
    let program = Exporter::against(&simulator, &[], clock).await;
    program.after_polls(1).await;
    simulator.faults().set(Scope::Company(ids[1].clone()), Fault::Status(404));
    program.next_poll().await;
    program.clock.advance(Duration::from_secs(30));
    let page = program.get("/").await.text().await.unwrap();
    let Build { revision, version, .. } = Build::THIS;
    let page = page.replace(&format!("Version {version}, revision {revision}"), "Version V, revision R");
    assert_same_as_file("tests/landing/expected.html", &page);

    let scrape = program.scrape().await;
    let of = |category: &str| scrape.sum("nectar_connections", &[("category", category)]);
    assert!(of("intervention_needed") > 0.0);
    for category in ["standard", "website_issue", "intervention_needed", "system", "unknown"] {
        let row = page.split_once(&format!("<tr class=\"{category}")).unwrap().1;
        let cell = row.split_once("<td>").unwrap().1.split_once("</td>").unwrap().0;
        // One company has no data.
        let count = cell.strip_suffix(" known").unwrap();
        assert_eq!(count.parse::<f64>().unwrap(), of(category), "{category}");
    }
}

/// What is wrong with all companies is said once, and what to do.
#[tokio::test]
async fn landing_page_of_a_fleet_that_is_not_well() {
    let advice = "What to do: put a valid API key into the file of --nectar.api-key-file";
    for (companies, key_after, expected, not_expected) in [
        (
            25,
            KEY,
            &["Every company was read.", "<dd>25</dd>", "<dd>1,2", "intervention_needed act\""][..],
            &["Not read by the last poll", "What to do:"][..],
        ),
        (
            25,
            "another",
            &[
                "No company was read. The first cause: Nectar refuses the API key",
                advice,
                "<small class=\"bad\">25 not read",
                "<p>25 companies: Nectar refuses the API key</p>",
                "<li>and 5 more</li>",
            ],
            &["Every company was read", "Not every company"],
        ),
        (
            0,
            KEY,
            &["There is no company to read", "What to do: check at Nectar", "intervention_needed\""],
            &["Every company was read", "Not read by the last poll"],
        ),
        (0, "another", &["No company was read. The first cause: Nectar refuses", advice], &["not read by"]),
    ] {
        let plan = Plan { companies, connections: 50, accounts: 1, seed: 2, speed: 0.0 };
        let (program, simulator) = Exporter::simulated(&plan, &[]).await;
        program.after_polls(1).await;
        simulator.accept_key(key_after);
        program.next_poll().await;
        let page = program.get("/").await.text().await.unwrap();
        for part in expected {
            assert!(page.contains(part), "{companies} {key_after}: {part} is not in {page}");
        }
        for part in not_expected {
            assert!(!page.contains(part), "{companies} {key_after}: {part} is in {page}");
        }
        assert!(page.matches("Nectar refuses the API key").count() <= 2, "{page}");
    }
}

#[test]
fn parts_of_pages() {
    let requests = format!("\n{}\n", reference::requests_list());
    let parts = [requests, reference::message_words()];
    for ((file, begin, end), part) in PARTS.iter().zip(parts) {
        let page = std::fs::read_to_string(in_checkout(file)).unwrap();
        let (before, rest) = page.split_once(begin).unwrap_or_else(|| panic!("{file} lacks {begin}"));
        let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("{file} lacks {end}"));
        assert_same_as_file(file, &format!("{before}{begin}{part}{end}{after}"));
    }
}

/// Commands can be pasted a block at a time. An interactive zsh takes a comment for arguments, and what reads from the terminal takes
/// the lines below it.
#[test]
fn commands_can_be_pasted() {
    let folders = ["", "docs", "dashboards", "charts/nectar-exporter", "deploy/compose"]
        .map(|folder| std::fs::read_dir(in_checkout(folder)).unwrap());
    let files = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut commands = 0;
    for path in files.filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let page = std::fs::read_to_string(&path).unwrap();
        let fences: Vec<&str> = page.split("```").collect();
        // Commands, and what they print, are the blocks that name no language.
        for block in fences.iter().skip(1).step_by(2).filter_map(|block| block.strip_prefix('\n')) {
            for line in block.lines().map(str::trim) {
                let is_commented = line.split_whitespace().any(|word| word.starts_with('#'));
                assert!(!is_commented, "{}: {line}", path.display());
                let is_alone = block.trim() == line;
                assert!(is_alone || !line.starts_with("cat >"), "{}: {line}", path.display());
                commands += 1;
            }
        }
    }
    assert!(commands > 30, "{commands} lines of commands");
}

/// Each link between the pages leads to a file, and to a heading in it.
#[test]
fn links_between_pages_lead_somewhere() {
    let folders = ["", "docs", "dashboards", "charts/nectar-exporter", "deploy/compose"];
    let listed = |folder| std::fs::read_dir(in_checkout(folder)).unwrap().map(|entry| entry.unwrap().path());
    let pages = folders.into_iter().flat_map(listed);
    let mut links = 0;
    for path in pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let page = std::fs::read_to_string(&path).unwrap();
        let targets = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let to = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(to.exists(), "{}: {target}", path.display());
            if !heading.is_empty() {
                let headings = std::fs::read_to_string(to).unwrap();
                let mut headings = headings.lines().filter(|line| line.starts_with('#')).map(anchor);
                assert!(headings.any(|anchor| anchor == heading), "{}: {target}", path.display());
            }
            links += 1;
        }
    }
    assert!(links > 50, "{links} links");
}

/// How forges name a heading in a link.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    words.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

/// Each promise names a test that exists.
#[test]
fn every_promise_has_its_test() {
    let page = std::fs::read_to_string(in_checkout("docs/reliability.md")).unwrap();
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| promise");
    let named = page.lines().filter(is_row).filter_map(|line| line.strip_suffix(" |")?.rsplit_once("| "));
    let mut promises = 0;
    for (promise, test) in named {
        let (file, function) = test.split_once(": ").unwrap_or_else(|| panic!("{promise} names no function"));
        let source = std::fs::read_to_string(in_checkout(file)).unwrap();
        assert!(source.contains(&format!("fn {function}(")), "there is no {function} in {file}");
        promises += 1;
    }
    let rows = page.lines().filter(is_row).count();
    assert!(promises == rows && rows > 20, "{rows} promises, {promises} of them with a test");
}
