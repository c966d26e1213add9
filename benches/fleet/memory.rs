//! How much memory an exporter takes: its peak while it polls and is scraped, and what it keeps at rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nectar_simulator::Plan;

use super::api::Api;
use super::exporter::Exporter;
use super::wire::Wire;

/// Resident memory with one fleet, in MiB. The exporter keeps no files in memory.
pub struct Memory {
    /// The peak over polls and scrapes together.
    pub peak: f64,
    /// Between polls, nobody scraping.
    pub rest: f64,
    /// How many scrapes there were.
    pub scrapes: usize,
}

/// Polls during which it is scraped, and polls after those.
pub const POLLS: usize = 4;
pub const POLLS_ALONE: usize = 3;

/// What polls find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum News {
    /// The same as the last one.
    Nothing,
    /// Nearly every connection changed: all but those of companies that are switched off.
    Everything,
}

impl News {
    fn happen(self, api: &mut Api, plan: &Plan) {
        match self {
            Self::Nothing => {}
            Self::Everything => {
                let (changed, all) = (api.change_all(), plan.companies * plan.connections);
                assert!(changed >= usize::try_from(all).unwrap() * 9 / 10, "{changed} of {all} changed");
            }
        }
    }
}

/// Measures a fleet: polls with a scraper that never pauses, alternating plain and gzip; then polls without. Between any two of them,
/// the `news` happen.
pub fn measure(plan: &Plan, news: News) -> Memory {
    let mut api = Api::start(plan);
    let took = Exporter::start(&api, Duration::from_secs(60)).poll_finished();
    let exporter = Exporter::start(&api, took * 3 + Duration::from_secs(4));
    let mut polls = |polls| {
        for _ in 0..polls {
            exporter.poll_finished();
            news.happen(&mut api, plan);
        }
    };
    let stop = Arc::new(AtomicBool::new(false));
    let scraper = {
        let (address, stop) = (exporter.address, Arc::clone(&stop));
        std::thread::spawn(move || {
            let mut wires = [false, true].map(|gzip| Wire::to(address, "/metrics", gzip));
            let mut scrapes = 0;
            while !stop.load(Ordering::Relaxed) {
                wires[scrapes % 2].time();
                scrapes += 1;
            }
            scrapes
        })
    };
    polls(POLLS);
    stop.store(true, Ordering::Relaxed);
    let scrapes = scraper.join().unwrap();
    polls(POLLS_ALONE);
    exporter.process().settled_cpu();
    let peak = exporter.process().memory_peak();
    let rest = exporter.process().memory();
    Memory { peak, rest, scrapes }
}
