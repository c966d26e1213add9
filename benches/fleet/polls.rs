//! What polls cost: CPU beside the bare loop, and time when the API takes its time.
//!
//! Knows what is measured, and how often. Must not know targets.

use std::time::Duration;

use nectar_exporter::simulator::Plan;

use super::api::Api;
use super::bare;
use super::exporter::{ALWAYS, Exporter, ONCE};

/// CPU of the polls of one fleet.
pub struct Polls {
    /// Of the bare loop.
    pub bare: Vec<Duration>,
    /// Of an exporter from its start to the end of all that its first poll brings.
    pub first: Vec<Duration>,
    /// Of a further poll that finds what the last one found.
    pub unchanged: Vec<Duration>,
    /// Of a poll that finds some connections changed, in a tenth of the companies.
    pub changed: Duration,
    /// How many.
    pub connections_changed: usize,
    /// Of the simulated Nectar, in one further poll.
    pub api: Duration,
}

/// Measures a fleet, `runs` times each.
pub fn measure(plan: &Plan, runs: usize) -> Polls {
    let mut api = Api::start(plan);
    let bare = bare::cpu(&api, runs);
    let mut took = Duration::ZERO;
    let mut first = Vec::new();
    for _ in 0..runs {
        let exporter = Exporter::start(&api, ONCE);
        took = took.max(exporter.poll_finished());
        first.push(exporter.process().settled_cpu());
    }
    // A further poll comes when all that the last one brought is done, and answers are prepared again.
    let exporter = Exporter::filled(&api, took * 4 + Duration::from_secs(4));
    let served = api.process().settled_cpu();
    let unchanged: Vec<Duration> = (0..runs).map(|_| next_poll(&exporter)).collect();
    let served = (api.process().settled_cpu() - served) / u32::try_from(runs).unwrap();
    let connections_changed = api.change(usize::try_from(plan.companies / 10).unwrap().max(1));
    let changed = next_poll(&exporter);
    Polls { bare, first, unchanged, changed, connections_changed, api: served }
}

fn next_poll(exporter: &Exporter) -> Duration {
    let process = exporter.process();
    assert_eq!(exporter.polls_meanwhile(), 0, "a poll came sooner than expected: this machine is too busy");
    let before = process.cpu();
    exporter.poll_finished();
    process.settled_cpu() - before
}

/// How long polls take when the API waits so long before each answer.
pub fn wall(plan: &Plan, latency: Duration, runs: usize) -> Vec<Duration> {
    let mut api = Api::start(plan);
    api.delay(latency);
    let exporter = Exporter::start(&api, ALWAYS);
    exporter.polls_finished(runs)
}
