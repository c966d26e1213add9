//! Scrapes of an exporter that does not poll meanwhile, in turn with those of nginx, which serves the same bytes as files.

use std::io::Read;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use flate2::read::GzDecoder;
use nectar_simulator::Plan;

use super::api::Api;
use super::exporter::{Exporter, ONCE};
use super::nginx::Nginx;
use super::series::next_second;
use super::wire::Wire;

/// The times of both, taken in turn.
#[derive(Default)]
pub struct Turns {
    pub exporter: Vec<Duration>,
    pub nginx: Vec<Duration>,
}

/// What scraping one fleet cost.
pub struct Scrapes {
    pub plain: Turns,
    pub gzip: Turns,
    /// The worklist, whole, as CSV.
    pub worklist: Vec<Duration>,
    /// The body of a plain scrape.
    pub text: Vec<u8>,
    /// Size of a gzip body, in bytes.
    pub packed: usize,
}

/// Measures a fleet, `runs` times each.
pub fn measure(plan: &Plan, runs: usize) -> Scrapes {
    let api = Api::start(plan);
    let exporter = Exporter::filled(&api, ONCE);
    let text = Wire::to(exporter.address, "/metrics", false).body();
    let packed = Wire::to(exporter.address, "/metrics", true).body();
    check(&text, &packed, plan);
    let nginx = Nginx::serve(&text, &packed);
    let plain = turns(&exporter, &nginx, false, runs);
    let gzip = turns(&exporter, &nginx, true, runs);
    let mut csv = Wire::to(exporter.address, "/worklist?format=csv", false);
    let worklist = (0..WARMING + runs).map(|_| csv.time()).skip(WARMING).collect();
    Scrapes { plain, gzip, worklist, packed: packed.len(), text }
}

/// The first member of the gzip body, which is all that some clients read, must have the series of the plain one, with the same values
/// unless they change with time; and no series may be missing.
fn check(text: &[u8], packed: &[u8], plan: &Plan) {
    let mut unpacked = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut unpacked).unwrap();
    let [text, unpacked] = [text, &unpacked[..]].map(|text| std::str::from_utf8(text).unwrap());
    assert!(
        unpacked.lines().map(lasting).eq(text.lines().map(lasting)),
        "the packed body is not the plain one"
    );
    let connections = text.lines().filter(|line| line.starts_with("nectar_connection_info{")).count();
    let least = usize::try_from(plan.companies * plan.connections).unwrap();
    assert!(connections >= least, "{connections} of {least} connections are shown");
    assert!(text.contains("\nnectar_up 1\n"), "the poll was not whole");
}

/// The part of a line that is the same a second later: ages and the exporter's own counters change.
fn lasting(line: &str) -> &str {
    let own = ["process_", "nectar_api_", "nectar_exporter_"];
    let goes_on = line.contains("_max_staleness_seconds{") || own.iter().any(|own| line.starts_with(own));
    if goes_on { line.rsplit_once(' ').unwrap().0 } else { line }
}

/// Runs before those that count.
const WARMING: usize = 2;

/// Each round is in another second of the clock: first the exporter, then nginx, on connections that are kept open.
fn turns(exporter: &Exporter, nginx: &Nginx, gzip: bool, runs: usize) -> Turns {
    let mut scraped = Wire::to(exporter.address, "/metrics", gzip);
    let mut served = Wire::to(nginx.address, if gzip { "/packed" } else { "/metrics" }, gzip);
    let mut turns = Turns::default();
    for round in 0..WARMING + runs {
        next_second();
        let times = [scraped.time(), served.time()];
        if round >= WARMING {
            let Turns { exporter, nginx } = &mut turns;
            [exporter, nginx].into_iter().zip(times).for_each(|(all, time)| all.push(time));
        }
    }
    turns
}

/// The peak memory of an exporter with one scraper, and with ten at once, in MiB, with gzip. It does not poll meanwhile.
pub fn crowd(plan: &Plan) -> (f64, f64) {
    let api = Api::start(plan);
    let exporter = Exporter::filled(&api, ONCE);
    exporter.process().forget_peak();
    let mut wire = Wire::to(exporter.address, "/metrics", true);
    for _ in 0..5 {
        next_second();
        wire.time();
    }
    let peak = || exporter.process().memory_peak();
    let one = peak();
    exporter.process().settled_cpu();
    exporter.process().forget_peak();
    let start = Arc::new(Barrier::new(10));
    let scraper = || {
        let (address, start) = (exporter.address, Arc::clone(&start));
        std::thread::spawn(move || {
            let mut wire = Wire::to(address, "/metrics", true);
            start.wait();
            for _ in 0..3 {
                wire.time();
            }
        })
    };
    let scrapers: Vec<_> = (0..10).map(|_| scraper()).collect();
    scrapers.into_iter().for_each(|scraper| scraper.join().unwrap());
    (one, peak())
}
