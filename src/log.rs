//! The log: lines to standard error, logfmt or JSON, written by a thread of their own.
//!
//! Only this program's own events: what libraries would say may quote headers.

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

/// Lines that wait until whoever reads standard error has taken those before. More are dropped: a reader that stands still
/// must not make the program do the same.
const WAITING_LINES: usize = 2048;
/// For what still waits when the program ends.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What goes to the thread that writes.
#[derive(Debug)]
enum Entry {
    Line(Vec<u8>),
    /// All lines before this are written: says so.
    Flush(Sender<()>),
}

/// Standard error, which never keeps anybody waiting. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lines {
    queue: SyncSender<Entry>,
    dropped: DroppedLines,
}

impl Lines {
    /// Standard error; what nobody reads is counted in `dropped`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn to_standard_error(dropped: DroppedLines) -> io::Result<Self> {
        let (queue, entries) = sync_channel(WAITING_LINES);
        let lost = dropped.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || write(&entries, &lost))?;
        Ok(Self { queue, dropped })
    }

    /// Waits until everything is written, but not for long.
    pub fn wait_until_written(&self) {
        let (written, is_written) = channel();
        let until = Instant::now() + LAST_LINES;
        // Full for a moment, or for good.
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
            // A standard error that is gone, or full, must not take the program with it.
            Entry::Line(line) => {
                if io::stderr().write_all(&line).is_err() {
                    lost.one_more();
                }
            }
            Entry::Flush(written) => drop(written.send(())),
        }
    }
}

/// One line at a time, as a whole: so it is called by what makes them.
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

/// The object so far, without its end.
struct JsonFields(String);

impl JsonFields {
    fn add(&mut self, name: &str, value: &impl Serialize) {
        // Numbers, truth values and text: there is nothing in them that JSON cannot say.
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

/// What turns events into lines. To be set as the default once, by whoever starts the program.
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
