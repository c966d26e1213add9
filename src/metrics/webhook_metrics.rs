//! The metrics about webhooks. There are none of them in an exporter that receives none.

use std::time::Duration;

use jiff::Timestamp;
use prometheus::{GaugeVec, HistogramVec, IntCounterVec, Opts, Registry};

use super::catalogue::webhook as cat;
use super::self_metrics::{counters, histogram};
use crate::observe::{EventOutcome, EventRefusal, EventType, ObserveEvents};

/// What a request is about that was not taken for an event.
const UNKNOWN: &str = "unknown";

const DELAY_BUCKETS: &[f64] = &[2.5, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0, 600.0];

/// Counters and histograms about webhooks.
#[derive(Debug)]
pub struct WebhookMetrics {
    events: IntCounterVec,
    /// Without labels; it has no value before the first event.
    last_event: GaugeVec,
    reading_delay: HistogramVec,
}

impl WebhookMetrics {
    /// All of them at 0, in `registry`.
    ///
    /// # Errors
    /// If the catalogue declares one twice, or with a name that the client library refuses.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let last_event = Opts::new(cat::WEBHOOK_LAST_EVENT.name, cat::WEBHOOK_LAST_EVENT.help);
        let own = Self {
            events: counters(&cat::WEBHOOK_EVENTS)?,
            last_event: GaugeVec::new(last_event, cat::WEBHOOK_LAST_EVENT.labels)?,
            reading_delay: histogram(&cat::WEBHOOK_READING_DELAY, DELAY_BUCKETS)?,
        };
        registry.register(Box::new(own.events.clone()))?;
        registry.register(Box::new(own.last_event.clone()))?;
        registry.register(Box::new(own.reading_delay.clone()))?;
        own.begin();
        Ok(own)
    }

    fn begin(&self) {
        for event_type in EventType::ALL {
            for outcome in EventOutcome::ALL.iter().filter(|outcome| outcome.can_come_of(*event_type)) {
                self.events.with_label_values(&[event_type.label(), outcome.label()]);
            }
        }
        for refusal in EventRefusal::ALL {
            self.events.with_label_values(&[UNKNOWN, refusal.label()]);
        }
        self.reading_delay.with_label_values::<&str>(&[]);
    }
}

impl ObserveEvents for WebhookMetrics {
    fn arrived(&self, event_type: EventType, outcome: EventOutcome, at: Timestamp) {
        self.events.with_label_values(&[event_type.label(), outcome.label()]).inc();
        self.last_event.with_label_values::<&str>(&[]).set(at.as_duration().as_secs_f64());
    }

    fn refused(&self, refusal: EventRefusal) {
        self.events.with_label_values(&[UNKNOWN, refusal.label()]).inc();
    }

    fn answered(&self, delay: Duration) {
        self.reading_delay.with_label_values::<&str>(&[]).observe(delay.as_secs_f64());
    }
}
