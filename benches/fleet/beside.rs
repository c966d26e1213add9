//! Scrapes of an exporter that polls all the time, in turn with those of one that has nothing to do.

use std::time::Duration;

use nectar_simulator::Plan;

use super::api::Api;
use super::exporter::{ALWAYS, Exporter, ONCE};
use super::series::next_second;
use super::wire::Wire;

/// The times of both, and how many polls ended meanwhile.
pub struct Beside {
    pub idle: Vec<Duration>,
    pub busy: Vec<Duration>,
    pub polls: usize,
}

/// Scrapes both with gzip, `rounds` times, each in another second. While the idle one is scraped, the other one is stopped. A tenth of
/// the companies changes in each round.
pub fn measure(plan: &Plan, rounds: usize) -> Beside {
    let mut api = Api::start(plan);
    let resting = Exporter::filled(&api, ONCE);
    let polling = Exporter::start(&api, ALWAYS);
    polling.poll_finished();
    let tenth = usize::try_from(plan.companies / 10).unwrap().max(1);
    let [mut first, mut second] = [&resting, &polling].map(|one| Wire::to(one.address, "/metrics", true));
    let (mut idle, mut busy) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        polling.process().pause();
        next_second();
        idle.push(first.time());
        polling.process().go_on();
        assert!(api.change(tenth) > 0, "nothing changed");
        next_second();
        busy.push(second.time());
    }
    let polls = polling.polls_meanwhile();
    assert!(polls >= rounds / 20, "only {polls} polls ended in {rounds} rounds");
    Beside { idle, busy, polls }
}
