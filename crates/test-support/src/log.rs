//! The log of an exporter in this process, as it would stand on standard error.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};

use nectar_exporter::config::{LogFlags, LogFormat};
use nectar_exporter::log::{Lines, subscriber};
use nectar_exporter::observe::DroppedLines;
use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{DefaultGuard, NoSubscriber, set_default};

/// While there is only one subscriber, `tracing` asks the thread that meets an event first, for all threads, whether anybody wants
/// it. With a second one it asks all subscribers.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));

/// What the exporters of this thread say from now on: the test must have a runtime of one thread.
pub struct Log {
    lines: Lines,
    written: Written,
    _default: DefaultGuard,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Listens, at the level that is the default.
    pub fn begin() -> Self {
        LazyLock::force(&SECOND);
        let written = Written::default();
        let lines = Lines::to(written.clone(), DroppedLines::default()).unwrap();
        let flags = LogFlags { level: LevelFilter::INFO, format: LogFormat::Logfmt };
        let _default = set_default(subscriber(flags, lines.clone()));
        Self { lines, written, _default }
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.wait_until_written();
        let written = self.written.0.lock().unwrap();
        String::from_utf8_lossy(&written).lines().map(str::to_owned).collect()
    }

    /// The first line so far that contains `text`.
    pub fn line_with(&self, text: &str) -> String {
        let lines = self.lines();
        let found = lines.iter().find(|line| line.contains(text)).cloned();
        found.unwrap_or_else(|| panic!("the log does not say {text:?}, only:\n{}", lines.join("\n")))
    }
}
