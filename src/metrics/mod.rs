//! What is served at `/metrics`: the catalogue, and where each value comes from.

mod body;
mod build;
pub mod catalogue;
mod companies;
mod durations;
mod gzip;
pub mod metric;
mod number;
mod objects;
mod openmetrics;
mod published;
mod rows;
mod segment;
mod self_metrics;
mod storage_metrics;
pub mod text;
mod webhook_metrics;

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use body::Body;
pub use build::Build;
use clap::ValueEnum;
use flate2::CompressError;
use jiff::{SignedDuration, Timestamp};
pub use self_metrics::SelfMetrics;
pub use storage_metrics::StorageMetrics;
use strum::IntoStaticStr;
use tokio_util::sync::CancellationToken;
use tracing::error;
pub use webhook_metrics::WebhookMetrics;

use crate::clock::SharedClock;
use crate::fleet::tally::Tallies;
use crate::fleet::{Fleet, FleetReader, PollOutcome};
use crate::shard::Shard;
use crate::worker::{Priority, SpawnError, Worker};
use catalogue::exporter as cat;
use published::Published;
use text::{Format, Text};

/// While a poll runs, the fleet is published this often at most.
const PUBLISH_INTERVAL: Duration = Duration::from_secs(1);

/// Which series there are per object: none, one set per connection, or one per account, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, ValueEnum)]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs, reason = "comments here would become part of the flag's help")]
pub enum Detail {
    None,
    Connections,
    Accounts,
}

impl Detail {
    /// The value of `--metrics.detail`.
    pub fn label(self) -> &'static str {
        self.into()
    }

    /// How many series per object there are for these counts.
    pub fn series(self, tallies: &Tallies) -> u64 {
        match self {
            Self::None => 0,
            Self::Connections => tallies.connections.series,
            Self::Accounts => tallies.connections.series + tallies.accounts.series,
        }
    }
}

/// The settings that the metrics depend on.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which series there are per object.
    pub detail: Detail,
    /// With more series per object than this, none are served.
    pub detail_limit: u64,
    /// How soon Nectar is expected to look again.
    pub check_interval: SignedDuration,
    /// A snapshot that began longer ago is withdrawn.
    pub max_data_age: Duration,
    /// Not used here, but served as a metric.
    pub poll_interval: Duration,
    /// Not used here either.
    pub shard: Shard,
}

/// How many series there are about the companies of `fleet`, without those about single connections and accounts. `now` is just after
/// the fleet was read.
pub fn company_series(fleet: &Fleet, now: Timestamp) -> u64 {
    let states: Vec<_> = fleet.companies.values().map(AsRef::as_ref).collect();
    let mut text = Text::default();
    companies::write_listing(&mut text, &states);
    let views = rows::views(fleet.companies.values(), &fleet.undocumented, now, Duration::MAX);
    companies::write_counts(&mut text, &fleet.undocumented, &views);
    let series = text.families().map(|(_, samples)| match samples {
        text::Samples::Written(lines, _) => lines.lines().count(),
        text::Samples::Aging(ages) => ages.len(),
    });
    u64::try_from(series.sum::<usize>()).unwrap_or(u64::MAX)
}

/// The names of the metrics about a company that are served however old its data is.
pub fn served_without_data() -> Vec<&'static str> {
    let mut text = Text::default();
    companies::write_listing(&mut text, &[]);
    text.families().map(|(head, _)| head.name).collect()
}

/// Why nothing new could be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The compressor failed, for which there is no known reason.
    #[error("the metrics could not be compressed, by a fault in this program; please report it")]
    Compress,
    /// The rendering ended by itself: it panicked.
    #[error("the metrics could not be written, by a fault in this program; please report what stands above")]
    Ended,
}

impl From<CompressError> for RenderError {
    fn from(_: CompressError) -> Self {
        Self::Compress
    }
}

/// Renders the fleet, and serves scrapes from the result. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Exposition {
    live_fleet: FleetReader,
    self_metrics: Arc<SelfMetrics>,
    clock: SharedClock,
    /// Served because `process_start_time_seconds` is missing or 0 where `/proc` is hidden.
    started: Timestamp,
    settings: Arc<Settings>,
    published: Arc<Mutex<Arc<Published>>>,
    /// One thread renders, so that its long-lived allocations are in one of the allocator's arenas.
    renderer: Arc<Worker>,
}

impl Exposition {
    /// Puts the sources together.
    ///
    /// # Errors
    /// [`SpawnError`], if the system gives no thread to render on.
    pub fn new(
        live_fleet: FleetReader,
        self_metrics: Arc<SelfMetrics>,
        clock: SharedClock,
        settings: Settings,
    ) -> Result<Self, SpawnError> {
        let renderer = Arc::new(Worker::start("renderer", Priority::Normal)?);
        let (settings, started) = (Arc::new(settings), clock.now());
        Ok(Self { live_fleet, self_metrics, clock, started, settings, published: Arc::default(), renderer })
    }

    /// The fleet that scrapes show.
    pub fn published_fleet(&self) -> Arc<Fleet> {
        Arc::clone(&self.published().fleet)
    }

    /// When the program was started.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// Older data is not shown.
    pub fn max_data_age(&self) -> Duration {
        self.settings.max_data_age
    }

    /// Which series there are per object, unless there are too many.
    pub fn detail(&self) -> Detail {
        self.settings.detail
    }

    /// Whether the series per object of `fleet` are withheld at `now` because there are too many.
    pub fn is_limited(&self, fleet: &Fleet, now: Timestamp) -> bool {
        let served = fleet.companies.values().filter_map(|state| state.served(now, self.max_data_age()));
        objects::are_too_many(served, &self.settings)
    }

    /// Publishes the fleet as it is now: scrapes show it from then on.
    pub async fn publish(&self) {
        let this = self.clone();
        let render = move || {
            let (previous, fleet, now) = (this.published(), this.live_fleet.current(), this.clock.now());
            // A published fleet keeps its address, so an equal address means that nothing has happened since.
            if Arc::ptr_eq(&previous.fleet, &fleet) && !previous.is_outdated(now) {
                return Ok(());
            }
            let next = Published::render(&previous, fleet, now, &this.settings)?;
            let before = mem::replace(&mut *this.locked(), Arc::new(next));
            // Freed here, and not while scrapes wait.
            drop(before);
            Ok(())
        };
        let outcome = self.renderer.run(render).await.unwrap_or(Err(RenderError::Ended));
        if let Err(cause) = outcome {
            error!(msg = "Metrics could not be rendered; those rendered earlier stay", error = %cause);
        }
    }

    /// Publishes whenever the fleet has changed, but at most once in `PUBLISH_INTERVAL`, until `stop`. The end of a poll does not
    /// wait for it: see [`publish`](Self::publish).
    pub async fn publish_changes(self, stop: CancellationToken) {
        let mut live_fleet = self.live_fleet.clone();
        let publishing = async {
            while live_fleet.changed().await {
                self.publish().await;
                tokio::time::sleep(PUBLISH_INTERVAL).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = publishing => {}
        }
    }

    /// The body of a scrape. Reads memory only.
    ///
    /// # Errors
    /// [`RenderError`], if what was published may not be shown any more, and nothing newer can be rendered.
    pub async fn body(&self, format: Format, gzip: bool) -> Result<Body, RenderError> {
        // Read first: a poll's fleet is published before the poll is counted, so it is never older than the count.
        let self_metrics = self.self_metrics.text(format, self.started);
        let mut published = self.published();
        if published.is_outdated(self.clock.now()) {
            self.publish().await;
            let newer = self.published();
            // What was rendered just now is served, even if a further company has expired meanwhile: the next scrape leaves that out.
            if Arc::ptr_eq(&published, &newer) && newer.is_outdated(self.clock.now()) {
                return Err(RenderError::Ended);
            }
            published = newer;
        }
        let mut before = Text::default();
        about_last_poll(&mut before, published.fleet.last_poll);
        let mut after = Text::default();
        let is_limited = published.is_limited && published.fleet.ready;
        self.about_exporter(&mut after, &published.fleet, is_limited);
        let before = before.into_string_without_ages(format);
        let shown = published.fleet.ready.then_some(&published.fleet.durations);
        let durations = shown.map(|durations| durations::text(durations, format, self.started));
        let after = after.into_string_without_ages(format) + &self_metrics;
        let after = after + &durations.unwrap_or_default() + format.end();
        Ok(Body::new(gzip, format, Arc::clone(&published.blocks), self.clock.now(), before, after))
    }

    fn published(&self) -> Arc<Published> {
        Arc::clone(&self.locked())
    }

    fn locked(&self) -> MutexGuard<'_, Arc<Published>> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn about_exporter(&self, text: &mut Text, fleet: &Fleet, limited: bool) {
        text.family(&cat::LAST_SUCCESS).time([], fleet.last_whole_poll);
        text.family(&cat::POLL_INTERVAL).sample([], self.settings.poll_interval.as_secs_f64());
        text.family(&cat::CHECK_INTERVAL).sample([], self.settings.check_interval.as_secs_f64());
        text.family(&cat::MAX_DATA_AGE).sample([], self.settings.max_data_age.as_secs_f64());
        text.family(&cat::DETAIL_LIMITED).count([], u64::from(limited));
        let shard =
            [self.settings.shard.number(), self.settings.shard.total()].map(|number| number.to_string());
        text.family(&cat::SHARD_INFO).sample(shard.each_ref().map(String::as_str), 1.0);
        text.family(&cat::TOTAL_SHARDS).count([], u64::from(self.settings.shard.total()));
        text.family(&cat::START).time([], Some(self.started));
        text.family(&cat::RESTORED).count([], u64::from(fleet.restored));
        let Build { version, revision, rustc } = Build::THIS;
        text.family(&cat::BUILD_INFO).sample([version, revision, rustc], 1.0);
    }
}

/// Always served, whatever happens to Nectar, so that rules need not infer the current state from counters.
fn about_last_poll(text: &mut Text, outcome: Option<PollOutcome>) {
    text.family(&cat::UP).count([], u64::from(outcome == Some(Ok(()))));
    let mut last_failure = text.family(&cat::LAST_FAILURE);
    if let Some(Err(failure)) = outcome {
        last_failure.sample([failure.label()], 1.0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicI64, Ordering};

    use futures::FutureExt;
    use futures::future::BoxFuture;

    use super::*;
    use crate::clock::Clock;
    use crate::fleet::{FleetWriter, Moment};
    use crate::model::{Company, CompanyId, Snapshot};
    use crate::observe::DroppedLines;

    /// Whoever looks at this clock takes a second.
    struct SlowLooks(AtomicI64);

    impl Clock for SlowLooks {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.fetch_add(1, Ordering::Relaxed)).unwrap()
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            futures::future::pending().boxed()
        }
    }

    /// The companies were read one after the other, and so their data expires: also while a scrape is rendered.
    #[tokio::test]
    async fn scrapes_are_served_while_data_expires() {
        let writer = FleetWriter::new(SignedDuration::ZERO);
        let company = |number: u64| {
            let id = CompanyId::from(number.to_string());
            (CompanyId::clone(&id), Company { id, name: "C".into(), external_id: "".into() })
        };
        let companies: BTreeMap<_, _> = (0..9).map(company).collect();
        writer.apply_list(&companies, &[], Duration::ZERO);
        for (id, second) in companies.keys().zip(0_u32..) {
            let begun_wall = Timestamp::from_second(second.into()).unwrap();
            let begun_monotonic = Duration::from_secs(second.into());
            let (connections, faults) = Default::default();
            writer.record_success(id, Snapshot { begun_wall, begun_monotonic, connections, faults });
        }
        let ended = Moment { wall: Timestamp::from_second(9).unwrap(), monotonic: Duration::from_secs(9) };
        writer.record_poll_end(Ok(()), true, ended);
        let clock = Arc::new(SlowLooks(AtomicI64::new(10)));
        let settings = Settings {
            detail: Detail::None,
            detail_limit: 0,
            check_interval: SignedDuration::ZERO,
            max_data_age: Duration::from_secs(100),
            poll_interval: Duration::ZERO,
            shard: Shard::ALL,
        };
        let own = Arc::new(SelfMetrics::new(DroppedLines::default()).unwrap());
        let exposition = Exposition::new(writer.reader(), own, clock.clone(), settings).unwrap();
        exposition.publish().await;
        for second in 100..112 {
            clock.0.store(second, Ordering::Relaxed);
            assert!(exposition.body(Format::Text, false).await.is_ok(), "at second {second}");
        }
    }
}
