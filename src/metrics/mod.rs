//! What is served at `/metrics`: the catalogue, and where each value comes from.
//!
//! Knows names, labels and the text format. Must not know the network, or polling.

mod build;
pub mod catalogue;
mod companies;
pub mod metric;
mod objects;
mod own;
mod rows;
pub mod text;

use std::sync::Arc;
use std::time::Duration;

pub use build::Build;
use jiff::{SignedDuration, Timestamp};
pub use own::OwnMetrics;

use crate::clock::SharedClock;
use crate::fleet::{FleetReader, PollOutcome};
use catalogue::exporter as cat;
use text::Text;

/// Which series there are per object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// None: counts only.
    None,
    /// A set per connection.
    Connections,
    /// A set per connection and per account.
    Accounts,
}

/// What the metrics' text depends on besides the fleet.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which series there are per object.
    pub detail: Detail,
    /// With more series per object than this, there are none.
    pub detail_limit: u64,
    /// How soon Nectar is expected to look again.
    pub check_interval: SignedDuration,
    /// A snapshot begun longer ago is withdrawn.
    pub max_data_age: Duration,
    /// As configured, to be shown.
    pub poll_interval: Duration,
}

/// Everything that is needed to answer a scrape.
#[derive(Debug, Clone)]
pub struct Exposition {
    fleet: FleetReader,
    own: Arc<OwnMetrics>,
    clock: SharedClock,
    settings: Settings,
}

impl Exposition {
    /// Puts the sources together.
    pub fn new(fleet: FleetReader, own: Arc<OwnMetrics>, clock: SharedClock, settings: Settings) -> Self {
        Self { fleet, own, clock, settings }
    }

    /// All metrics at this moment, in Prometheus' text format 0.0.4. Reads memory only.
    pub fn render(&self) -> String {
        // The counters first: the fleet is written before a poll is counted, so it is never older than they are.
        let counters = self.own.counters();
        let now = self.clock.now();
        let fleet = self.fleet.now();
        let mut text = Text::default();
        about_last_poll(&mut text, fleet.last_poll);
        let mut limited = false;
        if fleet.ready {
            let views = rows::views(&fleet, now, self.settings.max_data_age);
            companies::render(&mut text, &fleet, &views, now);
            limited = objects::render(&mut text, &fleet, &views, &self.settings);
        }
        self.about_exporter(&mut text, fleet.last_whole_poll, limited);
        text.append(&counters);
        text.into_string()
    }

    fn about_exporter(&self, text: &mut Text, last_success: Option<Timestamp>, limited: bool) {
        text.family(&cat::LAST_SUCCESS).time([], last_success);
        text.family(&cat::POLL_INTERVAL).sample([], self.settings.poll_interval.as_secs_f64());
        text.family(&cat::MAX_DATA_AGE).sample([], self.settings.max_data_age.as_secs_f64());
        text.family(&cat::DETAIL_LIMITED).count([], u64::from(limited));
        let Build { version, revision, rustc } = Build::THIS;
        text.family(&cat::BUILD_INFO).sample([version, revision, rustc], 1.0);
    }
}

/// Both are there whatever happens to Nectar, so that rules need not guess from counters what holds now.
fn about_last_poll(text: &mut Text, outcome: Option<PollOutcome>) {
    text.family(&cat::UP).count([], u64::from(outcome == Some(Ok(()))));
    let mut last_failure = text.family(&cat::LAST_FAILURE);
    if let Some(Err(failure)) = outcome {
        last_failure.sample([failure.label()], 1.0);
    }
}
