//! The metrics about what is stored. There are none of them in an exporter that stores nothing.

use jiff::Timestamp;
use prometheus::{Gauge, Registry};

use super::catalogue::storage as cat;
use crate::observe::ObserveStorage;

/// When the state was written.
#[derive(Debug)]
pub struct StorageMetrics {
    last_write: Gauge,
}

impl StorageMetrics {
    /// All of them, in `registry`.
    ///
    /// # Errors
    /// If the catalogue declares one twice, or with a name that the client library refuses.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let own = Self { last_write: Gauge::new(cat::LAST_WRITE.name, cat::LAST_WRITE.help)? };
        registry.register(Box::new(own.last_write.clone()))?;
        Ok(own)
    }
}

impl ObserveStorage for StorageMetrics {
    fn written(&self, at: Timestamp) {
        self.last_write.set(at.as_duration().as_secs_f64());
    }
}
