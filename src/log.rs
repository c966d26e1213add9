//! The log: lines to standard error, in logfmt or JSON, written by a thread of their own.
//!
//! Only this program's own events are logged: those of libraries may quote headers.

use std::fmt::Debug;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::{LogFlags, LogFormat};
use crate::observe::DroppedLines;

/// Lines that wait to be written while the reader of standard error is slow. Further ones are dropped: a reader that stops must not
/// stop the program.
const WAITING_LINES: usize = 2048;
/// How long the end of the program waits for lines that are still queued.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What is sent to the thread that writes.
#[derive(Debug)]
enum Entry {
    Line(Vec<u8>),
    /// Reports back once all lines before it are written.
    Flush(Sender<()>),
}

/// Standard error, to which writing never blocks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lines {
    queue: SyncSender<Entry>,
    dropped: DroppedLines,
}

impl Lines {
    /// Starts the thread that writes. Lines that had to be dropped are counted in `dropped`.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn to_standard_error(dropped: DroppedLines) -> io::Result<Self> {
        let (queue, entries) = sync_channel(WAITING_LINES);
        let lost = dropped.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || write(&entries, &lost))?;
        Ok(Self { queue, dropped })
    }

    /// Waits until everything is written, for a second at most.
    pub fn wait_until_written(&self) {
        let (written, is_written) = channel();
        let until = Instant::now() + LAST_LINES;
        // The queue may be full, for a moment or for good.
        while self.queue.try_send(Entry::Flush(written.clone())).is_err() {
            if Instant::now() > until {
                return;
            }
            thread::sleep(LAST_LINES / 100);
        }
        let _ = is_written.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

fn write(entries: &Receiver<Entry>, lost: &DroppedLines) {
    for entry in entries {
        match entry {
            // A standard error that is closed or full must not end the program.
            Entry::Line(line) => {
                if io::stderr().write_all(&line).is_err() {
                    lost.one_more();
                }
            }
            Entry::Flush(written) => drop(written.send(())),
        }
    }
}

/// Each call writes one whole line: that is how the formatters call it.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Entry::Line(line.to_vec())).is_err() {
            self.dropped.one_more();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Events as JSON, with the same keys and values as in logfmt.
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let mut fields = JsonFields(format!("{{\"ts\":\"{}\"", Timestamp::now()));
        fields.add("level", &event.metadata().level().as_str().to_ascii_lowercase());
        event.record(&mut fields);
        writeln!(line, "{}}}", fields.0)
    }
}

/// The JSON object so far, without its closing brace.
struct JsonFields(String);

impl JsonFields {
    fn add(&mut self, name: &str, value: &impl Serialize) {
        // Numbers, booleans and text, all of which JSON can express.
        if let (Ok(name), Ok(value)) = (serde_json::to_string(name), serde_json::to_string(value)) {
            self.0 += &format!(",{name}:{value}");
        }
    }
}

impl Visit for JsonFields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field.name(), &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), &value);
    }
}

/// What turns events into lines. The program sets it as the default, once.
pub fn subscriber(flags: LogFlags, lines: Lines) -> impl Subscriber + Send + Sync {
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match flags.format {
        LogFormat::Json => {
            fmt::layer().event_format(JsonLines).with_writer(lines).log_internal_errors(false).boxed()
        }
        LogFormat::Logfmt => tracing_logfmt::builder()
            .with_target(false)
            .with_span_name(false)
            .with_span_path(false)
            .layer()
            .with_writer(lines)
            .log_internal_errors(false)
            .boxed(),
    };
    Registry::default()
        .with(layer.with_filter(Targets::new().with_target(env!("CARGO_CRATE_NAME"), flags.level)))
}
