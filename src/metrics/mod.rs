//! What is served at `/metrics`: the catalogue, and where each value comes from.
//!
//! Knows names, labels and the text format. Must not know the network, or polling.

pub mod catalogue;
mod companies;
pub mod metric;
mod objects;
mod own;
mod rows;
pub mod text;

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
pub use own::{Build, OwnMetrics};

use crate::clock::SharedClock;
use crate::fleet::FleetReader;
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
        let now = self.clock.now();
        let fleet = self.fleet.now();
        let mut text = Text::default();
        text.family(&cat::UP).sample([], f64::from(u8::from(matches!(fleet.last_poll, Some(Ok(()))))));
        let mut limited = false;
        if fleet.ready {
            let views = rows::views(&fleet, now, self.settings.max_data_age);
            companies::render(&mut text, &fleet, &views, now);
            limited = objects::render(&mut text, &fleet, &views, &self.settings);
        }
        self.own.render(&mut text, &self.settings, fleet.last_whole_poll, limited);
        text.into_string()
    }
}
