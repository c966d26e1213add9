//! What polls cost: CPU compared with the bare loop, and time when the API is slow.

use std::time::Duration;

use nectar_simulator::Plan;

use super::api::Api;
use super::bare::Bare;
use super::exporter::{ALWAYS, Exporter, ONCE};
use super::series::median;

/// CPU of the polls of one fleet.
pub struct Polls {
    /// Of the bare loop.
    pub bare: Vec<Duration>,
    /// Of an exporter from its start until everything that its first poll causes is done.
    pub first: Vec<Duration>,
    /// Of a later poll that finds nothing new.
    pub unchanged: Vec<Duration>,
    /// Of a poll that finds some connections changed, at a tenth of the companies.
    pub changed: Vec<Duration>,
    /// How many changed in all of them.
    pub connections_changed: usize,
    /// Of the simulated Nectar, in one more poll.
    pub api: Duration,
}

/// Polls that find changes.
const CHANGES: usize = 3;

/// Measures a fleet, `runs` times each, in turn: some figures are small differences of large ones, and the machine may be slower at one
/// time than at another.
pub fn measure(plan: &Plan, runs: usize) -> Polls {
    let mut api = Api::start(plan);
    let mut loops = Bare::start(&api);
    let took = Exporter::start(&api, ONCE).poll_finished();
    // Long enough that the others have their turn between two polls.
    let exporter = Exporter::filled(&api, took * 8 + Duration::from_secs(4));
    let (mut bare, mut first, mut unchanged, mut served) = (vec![], vec![], vec![], vec![]);
    for _ in 0..runs {
        let before = api.process().cpu();
        unchanged.push(next_poll(&exporter));
        served.push(api.process().settled_cpu() - before);
        bare.push(loops.cpu());
        let another = Exporter::filled(&api, ONCE);
        first.push(another.process().cpu());
    }
    let (mut changed, mut connections_changed) = (vec![], 0);
    for _ in 0..CHANGES {
        connections_changed += api.change(usize::try_from(plan.companies / 10).unwrap().max(1));
        changed.push(next_poll(&exporter));
    }
    Polls { bare, first, unchanged, changed, connections_changed, api: median(&served) }
}

/// CPU of the polls of two fleets.
pub struct Growth {
    /// From the start until everything that a first poll causes is done.
    pub first: [Vec<Duration>; 2],
    /// Of a later poll that finds nothing new.
    pub unchanged: [Vec<Duration>; 2],
}

/// Measures two fleets in turn, the larger one first.
pub fn growth(plans: [&Plan; 2], runs: usize) -> Growth {
    let apis = plans.map(Api::start);
    let took = Exporter::start(&apis[0], ONCE).poll_finished();
    // Long enough for two first polls between two others; the small fleet's polls come well after the large one's.
    let gap = took + Duration::from_secs(2);
    let exporters = apis.each_ref().map(|api| {
        std::thread::sleep(gap);
        Exporter::filled(api, gap * 6)
    });
    let mut growth = Growth { first: [vec![], vec![]], unchanged: [vec![], vec![]] };
    for _ in 0..runs {
        for (polls, exporter) in growth.unchanged.iter_mut().zip(&exporters) {
            polls.push(next_poll(exporter));
        }
        for (polls, api) in growth.first.iter_mut().zip(&apis) {
            polls.push(Exporter::filled(api, ONCE).process().cpu());
        }
    }
    growth
}

fn next_poll(exporter: &Exporter) -> Duration {
    let process = exporter.process();
    assert_eq!(exporter.polls_meanwhile(), 0, "a poll came sooner than expected: this machine is too busy");
    let before = process.cpu();
    exporter.poll_finished();
    process.settled_cpu() - before
}

/// How long polls take when the API waits this long before each response.
pub fn wall(plan: &Plan, latency: Duration, runs: usize) -> Vec<Duration> {
    let mut api = Api::start(plan);
    api.delay(latency);
    let exporter = Exporter::start(&api, ALWAYS);
    exporter.polls_finished(runs)
}
