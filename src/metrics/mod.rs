//! What is served at `/metrics`: the catalogue, and where each value comes from.
//!
//! Knows names, labels and the text format. Must not know the network, or polling.

mod build;
mod bundle;
pub mod catalogue;
mod companies;
mod kept;
pub mod metric;
mod number;
mod objects;
mod own;
mod piece;
mod press;
mod rendering;
mod rows;
mod same;
mod shelf;
mod source;
mod stretch;
pub mod text;

use std::mem;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

pub use build::Build;
use flate2::CompressError;
use jiff::{SignedDuration, Timestamp};
pub use own::{Counters, OwnMetrics};
pub use rendering::{Chunk, Chunks, Rendering, Shows};
pub use stretch::Part;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::clock::SharedClock;
use crate::fleet::tally::Tallies;
use crate::fleet::{CompanyState, Fleet, FleetReader, PollOutcome};
use crate::gzip::Deflater;
use crate::store::Store;
use crate::worker::{Broken, NoThread, Priority, Worker};
use catalogue::exporter as cat;
use piece::{Piece, Run};
use shelf::{Renewed, Shelf};
use text::Text;

/// Between two times that the shelf is brought up to date. What has changed meanwhile is left to a scrape to do: with 100 ms, the
/// 99th percentile of scrapes beside polls that found changes was 107 ms, and 80 ms so.
const PREPARING_PAUSE: Duration = Duration::from_millis(20);

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

impl Detail {
    /// As `--metrics.detail` has it.
    pub fn label(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Connections => "connections",
            Self::Accounts => "accounts",
        }
    }

    /// How many series per object there are of what was counted.
    pub fn series(self, tallies: &Tallies) -> u64 {
        match self {
            Self::None => 0,
            Self::Connections => tallies.connections.series,
            Self::Accounts => tallies.connections.series + tallies.accounts.series,
        }
    }
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

/// Why there is nothing to answer a scrape with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The compressor refused, which it has no reason to.
    #[error("the metrics could not be compressed, by a fault in this program; please report it")]
    Compress,
    /// The rendering ended by itself.
    #[error("the metrics could not be written, by a fault in this program; please report what stands above")]
    Ended,
}

impl From<CompressError> for RenderError {
    fn from(_: CompressError) -> Self {
        Self::Compress
    }
}

/// The fleet at one moment.
#[derive(Debug, Clone)]
pub struct Moment {
    /// As last seen.
    pub fleet: Arc<Fleet>,
    /// Ages are as of this time.
    pub now: Timestamp,
}

/// Everything that is needed to answer a scrape. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Exposition {
    fleet: FleetReader,
    own: Arc<OwnMetrics>,
    clock: SharedClock,
    /// `process_start_time_seconds` is missing or 0 where `/proc` is hidden.
    started: Timestamp,
    settings: Arc<Settings>,
    /// Where long texts lie.
    store: Store,
    /// Locked only to be read or replaced.
    shelf: Arc<Mutex<Shelved>>,
    /// Where the shelf is renewed, and all is rendered. Two at once would do the same work twice, and hold it twice.
    renderer: Arc<Worker>,
}

/// The shelf, and what it was last found to be up to date with.
#[derive(Debug, Clone, Default)]
struct Shelved {
    shelf: Arc<Shelf>,
    fleet: Weak<Fleet>,
    /// How many companies were shown: the later, the fewer, so that as many are the same ones.
    served: usize,
}

impl Exposition {
    /// Puts the sources together.
    ///
    /// # Errors
    /// [`NoThread`], when the system gives none to render on.
    pub fn new(
        fleet: FleetReader,
        own: Arc<OwnMetrics>,
        clock: SharedClock,
        settings: Settings,
    ) -> Result<Self, NoThread> {
        let renderer = Arc::new(Worker::start("renderer", Priority::Usual)?);
        let (settings, store) = (Arc::new(settings), Store::new());
        if !store.can_keep() {
            info!(
                msg =
                    "Plain scrapes of large fleets take longer here; docs/performance.md says where they do"
            );
        }
        let started = clock.now();
        Ok(Self { fleet, own, clock, started, settings, store, shelf: Arc::default(), renderer })
    }

    /// This moment.
    pub fn moment(&self) -> Moment {
        Moment { now: self.clock.now(), fleet: self.fleet.now() }
    }

    /// The exporter's own counters at this moment, as text. To be read before the fleet that goes with them: that is
    /// written before a poll is counted, and so is never older than they are.
    pub fn counters(&self) -> Counters {
        self.own.counters()
    }

    /// All other metrics, in Prometheus' text format 0.0.4, as of the moment at which its turn comes; to be sent compressed if
    /// `zipped`, else as they are. Reads memory only.
    ///
    /// # Errors
    /// Never in practice; see [`RenderError`].
    pub async fn render(&self, zipped: bool) -> Result<Rendering, RenderError> {
        self.on_its_thread(move |exposition| {
            let moment = exposition.moment();
            let shelf = if moment.fleet.ready { Some(exposition.bring_up_to_date(&moment)?) } else { None };
            exposition.render_around(shelf.as_deref(), &moment, zipped)
        })
        .await
    }

    /// Brings the shelf up to date when the fleet has changed, until `stop`, so that scrapes need not.
    pub async fn keep_prepared(self, stop: CancellationToken) {
        let mut fleet = self.fleet.clone();
        let preparing = async {
            while fleet.changed().await {
                self.prepare(|exposition| exposition.bring_up_to_date(&exposition.moment()).map(drop)).await;
                // A fleet that is being read changes with each company; what is put together then is soon of no use.
                tokio::time::sleep(PREPARING_PAUSE).await;
                if !fleet.has_changed() {
                    self.prepare(Self::gather).await;
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = preparing => {}
        }
    }

    /// A scrape will try again, and say so if it cannot either.
    async fn prepare(&self, work: fn(&Self) -> Result<(), RenderError>) {
        if let Err(cause) = self.on_its_thread(work).await {
            error!(msg = "Metrics could not be prepared", error = %cause);
        }
    }

    async fn on_its_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, RenderError> + Send + 'static,
    ) -> Result<T, RenderError> {
        let exposition = self.clone();
        self.renderer.run(move || work(&exposition)).await.map_err(|Broken| RenderError::Ended)?
    }

    fn bring_up_to_date(&self, Moment { fleet, now }: &Moment) -> Result<Arc<Shelf>, RenderError> {
        let is_served = |state: &&Arc<CompanyState>| state.served(*now, self.settings.max_data_age).is_some();
        let served = fleet.companies.values().filter(is_served).count();
        let mut shelved = self.shelf().clone();
        // Without this, each scrape would look at every company, for a millisecond.
        if shelved.served == served && ptr::eq(shelved.fleet.as_ptr(), Arc::as_ptr(fleet)) {
            return Ok(shelved.shelf);
        }
        loop {
            let renewed = shelved.shelf.renewed(fleet, *now, &self.settings, &self.store)?;
            let is_whole = !matches!(renewed, Renewed::InPart(_));
            if let Renewed::InPart(renewed) | Renewed::Whole(renewed) = renewed {
                shelved.shelf = Arc::new(renewed);
            }
            let fleet = if is_whole { Arc::downgrade(fleet) } else { Weak::new() };
            shelved = Shelved { fleet, served, ..shelved };
            // What stood there is freed when it is let go of.
            let before = mem::replace(&mut *self.shelf(), shelved.clone());
            drop(before);
            if is_whole {
                return Ok(shelved.shelf);
            }
        }
    }

    /// What stands on the shelf, and above and below it.
    fn render_around(
        &self,
        shelf: Option<&Shelf>,
        moment: &Moment,
        zipped: bool,
    ) -> Result<Rendering, RenderError> {
        let Moment { fleet, now } = moment;
        // To compress ages takes longer than to write them, and they serve for this second only.
        let mut deflater = zipped.then(Deflater::default);
        let mut above = Text::default();
        about_last_poll(&mut above, fleet.last_poll);
        let mut runs = vec![run(above, deflater.as_mut())?];
        if let Some(shelf) = shelf {
            runs.extend(shelf.runs_at(*now, deflater.as_mut())?);
        }
        let mut below = Text::default();
        let is_limited = shelf.is_some_and(|shelf| shelf.is_limited);
        self.about_exporter(&mut below, fleet.last_whole_poll, is_limited);
        runs.push(run(below, deflater.as_mut())?);
        Ok(Rendering { shows: Shows::of(moment), zipped, runs })
    }

    fn gather(&self) -> Result<(), RenderError> {
        // Let go of before it is put together.
        let shelf = Arc::clone(&self.shelf().shelf);
        shelf.gather()
    }

    fn shelf(&self) -> MutexGuard<'_, Shelved> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn about_exporter(&self, text: &mut Text, last_success: Option<Timestamp>, limited: bool) {
        text.family(&cat::LAST_SUCCESS).time([], last_success);
        text.family(&cat::POLL_INTERVAL).sample([], self.settings.poll_interval.as_secs_f64());
        text.family(&cat::MAX_DATA_AGE).sample([], self.settings.max_data_age.as_secs_f64());
        text.family(&cat::DETAIL_LIMITED).count([], u64::from(limited));
        text.family(&cat::START).time([], Some(self.started));
        let Build { version, revision, rustc } = Build::THIS;
        text.family(&cat::BUILD_INFO).sample([version, revision, rustc], 1.0);
    }
}

fn run(text: Text, deflater: Option<&mut Deflater>) -> Result<Arc<Run>, RenderError> {
    Ok(Arc::new(Piece::new(text.into_string(), deflater)?.into()))
}

/// Both are there whatever happens to Nectar, so that rules need not guess from counters what holds now.
fn about_last_poll(text: &mut Text, outcome: Option<PollOutcome>) {
    text.family(&cat::UP).count([], u64::from(outcome == Some(Ok(()))));
    let mut last_failure = text.family(&cat::LAST_FAILURE);
    if let Some(Err(failure)) = outcome {
        last_failure.sample([failure.label()], 1.0);
    }
}
