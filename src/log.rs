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

/// Standard error, or another target, to which writing never blocks. Cheap to clone.
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
        Self::to(io::stderr(), dropped)
    }

    /// As [`to_standard_error`](Self::to_standard_error), to `target`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn to(target: impl Write + Send + 'static, dropped: DroppedLines) -> io::Result<Self> {
        let (queue, entries) = sync_channel(WAITING_LINES);
        let lost = dropped.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || write(&entries, target, &lost))?;
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

fn write(entries: &Receiver<Entry>, mut target: impl Write, lost: &DroppedLines) {
    for entry in entries {
        match entry {
            // A target that is closed or full must not end the program.
            Entry::Line(line) => {
                if target.write_all(&line).is_err() {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing::level_filters::LevelFilter;
    use tracing::{info, warn};

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that two events make.
    fn said(format: LogFormat, level: LevelFilter) -> Vec<String> {
        let kept = Kept::default();
        let lines = Lines::to(kept.clone(), DroppedLines::default()).unwrap();
        tracing::subscriber::with_default(subscriber(LogFlags { level, format }, lines.clone()), || {
            info!(msg = "Two words", number = 7, half = 0.5, yes = true, none = None::<u8>);
            warn!(msg = "A \"quoted\" one\nof two lines", reason = "connect");
        });
        lines.wait_until_written();
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Both kinds of line have the same keys, with the same values.
    #[test]
    fn json_says_what_logfmt_says() {
        let [plain, json] =
            [LogFormat::Logfmt, LogFormat::Json].map(|format| said(format, LevelFilter::INFO));
        assert_eq!((plain.len(), json.len()), (2, 2), "an event is a line: {plain:?} {json:?}");
        assert!(plain.first().unwrap().ends_with(r#"level=info msg="Two words" number=7 half=0.5 yes=true"#));
        let objects: Vec<BTreeMap<String, Value>> =
            json.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let first = objects.first().unwrap();
        for (key, value) in [
            ("level", "info".into()),
            ("msg", "Two words".into()),
            ("number", 7.into()),
            ("yes", true.into()),
        ] {
            assert_eq!(first.get(key), Some(&value));
        }
        let keys = plain.first().unwrap().split(' ').filter_map(|word| word.split_once('='));
        let keys: BTreeSet<&str> = keys.map(|(key, _)| key).collect();
        assert_eq!(keys, first.keys().map(String::as_str).collect());
        for object in &objects {
            let time = object.get("ts").and_then(Value::as_str).unwrap();
            assert!(time.ends_with('Z') && time.parse::<Timestamp>().is_ok(), "{time}");
        }
        assert_eq!(objects.last().unwrap().get("msg"), Some(&"A \"quoted\" one\nof two lines".into()));
    }

    #[test]
    fn lines_below_the_level_are_not_written() {
        assert_eq!(said(LogFormat::Logfmt, LevelFilter::WARN).len(), 1);
        assert_eq!(said(LogFormat::Logfmt, LevelFilter::ERROR).len(), 0);
    }

    /// Takes nothing before it is told to, and then fails.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_nobody_takes_are_dropped_and_counted() {
        let (go_on, told) = channel();
        let dropped = DroppedLines::default();
        let mut lines = Lines::to(Stuck(told), dropped.clone()).unwrap();
        let number = WAITING_LINES + 10;
        // Does not wait, or this would never end.
        (0..number).for_each(|_| lines.write_all(b"a line\n").unwrap());
        // All but those that wait, and one that may be in the writer's hands.
        assert!((9..=10).contains(&dropped.number()), "{}", dropped.number());
        drop(go_on);
        lines.wait_until_written();
        assert_eq!(dropped.number(), u64::try_from(number).unwrap(), "those that could not be written");
    }
}
