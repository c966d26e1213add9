//! Every metric, declared once.
//!
//! Source of the names: Prometheus' naming guide. The page `docs/metrics.md` is rendered from here. Knows no values.

pub mod exporter;
pub mod fleet;
pub mod objects;

use super::metric::Entry;

/// Every metric of ours, in the order of the reference page. The `process_*` metrics come with the client library.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    exporter::ALL.iter().chain(fleet::ALL).chain(objects::ALL)
}
