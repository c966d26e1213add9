//! The metrics about the exporter itself: its requests, its polls, its clients.
//!
//! Every known label value is there from the start, at 0. Counters and histograms are what the `prometheus` crate is at its best for, so it
//! also writes them: with its types, our own writer would need a second table of labels.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
#[cfg(target_os = "linux")]
use prometheus::core::{Collector, Desc};
#[cfg(target_os = "linux")]
use prometheus::process_collector::ProcessCollector;
#[cfg(target_os = "linux")]
use prometheus::proto;
use prometheus::proto::MetricFamily;
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder};
#[cfg(target_os = "linux")]
use rustix::time::ClockId;
use tracing::warn;

use super::catalogue::exporter as cat;
use super::metric::Metric;
use super::openmetrics;
use super::text::Format;
use crate::failure::{Failure, Reason};
use crate::observe::{DroppedLines, Endpoint, ObserveClients, ObservePolls, ObserveRequests, Refusal};

const REQUEST_BUCKETS: &[f64] = &[0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const POLL_BUCKETS: &[f64] = &[0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];
/// Codes that are counted from 0 before they occur.
const KNOWN_CODES: [&str; 10] = ["200", "401", "403", "404", "429", "500", "502", "503", "504", NO_ANSWER];
const NO_ANSWER: &str = "none";

/// Counters and histograms about the exporter itself.
#[derive(Debug)]
pub struct SelfMetrics {
    registry: Registry,
    requests: IntCounterVec,
    request_failures: IntCounterVec,
    request_retries: IntCounterVec,
    request_duration: HistogramVec,
    polls: IntCounter,
    poll_failures: IntCounterVec,
    poll_duration: HistogramVec,
    requests_refused: IntCounterVec,
    log_lines_dropped: IntCounter,
    dropped_lines: DroppedLines,
    /// Locked while the end of a poll is counted, and while all are read: no scrape sees half of a poll.
    counting: Mutex<()>,
}

impl SelfMetrics {
    /// All of them at 0, and those of this process if the system has them.
    ///
    /// # Errors
    /// If the catalogue declares one twice, or with a name that the client library refuses.
    pub fn new(dropped_lines: DroppedLines) -> prometheus::Result<Self> {
        let own = Self {
            registry: Registry::new(),
            requests: counters(&cat::API_REQUESTS)?,
            request_failures: counters(&cat::API_REQUEST_FAILURES)?,
            request_retries: counters(&cat::API_REQUEST_RETRIES)?,
            request_duration: histogram(&cat::API_REQUEST_DURATION, REQUEST_BUCKETS)?,
            polls: IntCounter::new(cat::POLLS.name, cat::POLLS.help)?,
            poll_failures: counters(&cat::POLL_FAILURES)?,
            poll_duration: histogram(&cat::POLL_DURATION, POLL_BUCKETS)?,
            requests_refused: counters(&cat::REQUESTS_REFUSED)?,
            log_lines_dropped: IntCounter::new(cat::LOG_LINES_DROPPED.name, cat::LOG_LINES_DROPPED.help)?,
            dropped_lines,
            counting: Mutex::default(),
        };
        own.register()?;
        own.begin();
        Ok(own)
    }

    fn register(&self) -> prometheus::Result<()> {
        let registry = &self.registry;
        registry.register(Box::new(self.requests.clone()))?;
        registry.register(Box::new(self.request_failures.clone()))?;
        registry.register(Box::new(self.request_retries.clone()))?;
        registry.register(Box::new(self.request_duration.clone()))?;
        registry.register(Box::new(self.polls.clone()))?;
        registry.register(Box::new(self.poll_failures.clone()))?;
        registry.register(Box::new(self.poll_duration.clone()))?;
        registry.register(Box::new(self.requests_refused.clone()))?;
        registry.register(Box::new(self.log_lines_dropped.clone()))?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(ProcessMetrics(ProcessCollector::for_self())))?;
        Ok(())
    }

    /// Creates every known label value, at 0. The label sets here are closed and short: no two of them collide in the library's hash of
    /// joined values.
    fn begin(&self) {
        for endpoint in Endpoint::ALL.iter().map(|endpoint| endpoint.label()) {
            for code in KNOWN_CODES {
                self.requests.with_label_values(&[endpoint, code]);
            }
            for reason in Reason::ALL {
                self.request_failures.with_label_values(&[endpoint, reason.label()]);
            }
            self.request_retries.with_label_values(&[endpoint]);
            self.request_duration.with_label_values(&[endpoint]);
        }
        for failure in Failure::all() {
            self.poll_failures.with_label_values(&[failure.label()]);
        }
        self.poll_duration.with_label_values::<&str>(&[]);
        for refusal in Refusal::ALL {
            self.requests_refused.with_label_values(&[refusal.label()]);
        }
    }

    /// Where further metrics of this exporter are registered.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    fn counting(&self) -> MutexGuard<'_, ()> {
        self.counting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them. They count since this program was `started`.
    pub fn text(&self, format: Format, started: Timestamp) -> String {
        let families = {
            let _whole = self.counting();
            let dropped = self.dropped_lines.number();
            self.log_lines_dropped.inc_by(dropped.saturating_sub(self.log_lines_dropped.get()));
            self.registry.gather()
        };
        encode(&families, format, started)
    }
}

/// The client library's families as text. Counters and histograms count `since` then.
pub(super) fn encode(families: &[MetricFamily], format: Format, since: Timestamp) -> String {
    if format == Format::OpenMetrics {
        return openmetrics::encode(families, since);
    }
    TextEncoder::new().encode_to_string(families).unwrap_or_else(|error| {
        warn!(msg = "The exporter's own metrics could not be written", error = %error);
        String::new()
    })
}

/// The client library's metrics of this process. It counts processor time in whole seconds; here it is to the hundredth.
#[cfg(target_os = "linux")]
struct ProcessMetrics(ProcessCollector);

#[cfg(target_os = "linux")]
impl Collector for ProcessMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.0.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = self.0.collect();
        let cpu = families.iter_mut().find(|family| family.name() == "process_cpu_seconds_total");
        if let Some(metric) = cpu.and_then(|family| family.mut_metric().first_mut()) {
            let spent = rustix::time::clock_gettime(ClockId::ProcessCPUTime);
            let spent = Duration::try_from(spent).unwrap_or_default();
            let mut counter = proto::Counter::default();
            counter.set_value((spent.as_secs_f64() * 100.0).round() / 100.0);
            metric.set_counter(counter);
        }
        families
    }
}

impl ObserveRequests for SelfMetrics {
    fn finished(&self, endpoint: Endpoint, code: Option<u16>, took: Duration, failure: Option<Reason>) {
        let endpoint = endpoint.label();
        let code = code.map_or_else(|| NO_ANSWER.to_owned(), |code| code.to_string());
        self.requests.with_label_values(&[endpoint, &code]).inc();
        self.request_duration.with_label_values(&[endpoint]).observe(took.as_secs_f64());
        if let Some(reason) = failure {
            self.request_failures.with_label_values(&[endpoint, reason.label()]).inc();
        }
    }

    fn retried(&self, endpoint: Endpoint) {
        self.request_retries.with_label_values(&[endpoint.label()]).inc();
    }
}

impl ObserveClients for SelfMetrics {
    fn refused(&self, refusal: Refusal) {
        self.requests_refused.with_label_values(&[refusal.label()]).inc();
    }
}

impl ObservePolls for SelfMetrics {
    fn poll_ended(&self, took: Duration, outcome: Result<(), Failure>) {
        let _whole = self.counting();
        self.polls.inc();
        self.poll_duration.with_label_values::<&str>(&[]).observe(took.as_secs_f64());
        if let Err(failure) = outcome {
            self.poll_failures.with_label_values(&[failure.label()]).inc();
        }
    }
}

pub(super) fn counters<const N: usize>(metric: &Metric<N>) -> prometheus::Result<IntCounterVec> {
    IntCounterVec::new(Opts::new(metric.name, metric.help), metric.labels)
}

pub(super) fn histogram<const N: usize>(
    metric: &Metric<N>,
    buckets: &[f64],
) -> prometheus::Result<HistogramVec> {
    let options = HistogramOpts::new(metric.name, metric.help).buckets(buckets.to_vec());
    HistogramVec::new(options, metric.labels)
}
