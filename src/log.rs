//! The log: lines to standard error, logfmt or JSON.
//!
//! Only this program's own events: what libraries would say may quote headers. Must not know what is logged.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::{LogFlags, LogFormat, LogLevel};

/// What turns events into lines. To be set as the default once, by whoever starts the program.
pub fn subscriber(flags: LogFlags) -> impl tracing::Subscriber + Send + Sync {
    let level = match flags.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match flags.format {
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_target(false)
            .with_current_span(false)
            .with_writer(std::io::stderr)
            // A standard error that is gone must not take the program with it.
            .log_internal_errors(false)
            .boxed(),
        LogFormat::Logfmt => tracing_logfmt::builder()
            .with_target(false)
            .with_span_name(false)
            .with_span_path(false)
            .layer()
            .with_writer(std::io::stderr)
            .log_internal_errors(false)
            .boxed(),
    };
    Registry::default().with(lines.with_filter(Targets::new().with_target(env!("CARGO_CRATE_NAME"), level)))
}
