//! The PromQL of the boards.

pub mod companies;
pub mod connections;
pub mod exporter;
pub mod selector;
pub mod trend;
pub mod utilities;
pub mod webhooks;
