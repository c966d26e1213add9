//! Keeps the fleet over a restart: the last state in a folder, written after each poll and read at the start.
//!
//! `folder` has the files, `format` what makes one of them trustworthy, `records` what stands in it. Nothing here holds up a poll or a
//! scrape: a folder that cannot be used costs a line in the log, and nothing else.

mod folder;
pub mod format;
pub mod records;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use folder::{Folder, FolderError, Found};
pub use format::{Fingerprint, Unusable};

use crate::clock::SharedClock;
use crate::fleet::{EndedPoll, Fleet, FleetReader, FleetWriter, Moment, Restoring};
use crate::observe::ObserveStorage;
use crate::worker::{Priority, SpawnError, Worker};

/// A folder that does not give its state within this time is on a mount that hangs: the start goes on without it.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// What is stored, and where.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder.
    pub path: PathBuf,
    /// Whose state it is.
    pub fingerprint: Fingerprint,
    /// How soon Nectar is expected to look again.
    pub check_interval: SignedDuration,
}

/// The state in its folder.
pub struct Storage {
    settings: Settings,
    folder: Arc<Mutex<Folder>>,
    fleet: FleetReader,
    clock: SharedClock,
    started: Timestamp,
    observer: Arc<dyn ObserveStorage>,
    writing: Worker,
    /// Whether there is something newer than what was written.
    is_behind: bool,
    is_failing: bool,
}

impl Storage {
    /// Nothing is read or written yet. The program was `started` at this time.
    ///
    /// # Errors
    /// [`SpawnError`], if the system gives no thread to write on.
    pub fn new(
        settings: Settings,
        fleet: FleetReader,
        clock: SharedClock,
        observer: Arc<dyn ObserveStorage>,
        started: Timestamp,
    ) -> Result<Self, SpawnError> {
        let folder = Arc::new(Mutex::new(Folder::new(settings.path.clone())));
        let writing = Worker::start("storage", Priority::Low)?;
        let (is_behind, is_failing) = (false, false);
        Ok(Self { settings, folder, fleet, clock, started, observer, writing, is_behind, is_failing })
    }

    /// Gives the fleet that was stored last to `writer`, if there is one that can be used.
    pub async fn restore(&mut self, writer: FleetWriter) {
        let folder = Arc::clone(&self.folder);
        let reading = spawn_blocking(move || {
            let mut folder = locked(&folder);
            (folder.claim(), folder.read())
        });
        let Ok(Ok((claimed, found))) = timeout(READ_TIMEOUT, reading).await else {
            return self.cannot_be_used("it did not come in time; is it on a mount that hangs?");
        };
        let is_own = claimed.is_ok();
        self.note(claimed);
        let found = match found {
            Ok(None) => return,
            Ok(Some(found)) => found,
            Err(error) if is_own => return self.cannot_be_used(&error.to_string()),
            // What is wrong with the folder was said.
            Err(_) => return,
        };
        // Another process goes on counting from what it stored.
        let is_whole = found.is_whole && is_own;
        let Settings { fingerprint, check_interval, .. } = self.settings;
        let decoding = spawn_blocking(move || decode(&found.file, fingerprint, check_interval));
        match decoding.await.unwrap_or(Err(Unusable::Corrupt)) {
            Ok((fleet, stored)) => self.take_over(&writer, fleet, stored, is_whole),
            // One line is enough where the folder cannot be used either.
            Err(_) if !is_own => {}
            Err(cause) => self.cannot_be_used(&cause.to_string()),
        }
    }

    fn take_over(&mut self, writer: &FleetWriter, fleet: Fleet, stored: Timestamp, is_whole: bool) {
        info!(
            msg = "What was known before the start is shown until the first good poll",
            companies = fleet.companies.len(),
            stored = %stored,
            counters = if is_whole { "go on" } else { "begin at 0" },
        );
        let now = Moment::of(self.clock.as_ref());
        writer.restore(fleet, Restoring { stored, now, is_whole });
        self.observer.written(stored);
        // It need not be written again.
        drop(self.fleet.latest());
    }

    fn cannot_be_used(&self, cause: &str) {
        let path = self.settings.path.display();
        warn!(msg = "The stored state cannot be used; the exporter starts without it", folder = %path, cause);
    }

    /// Writes after each poll, which `polls` shows, and at `stop` if there is something new.
    pub async fn keep(mut self, mut polls: watch::Receiver<Option<EndedPoll>>, stop: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Ok(()) = polls.changed() => self.write().await,
                true = self.fleet.changed(), if !self.is_behind => {
                    // Before there is something to show, what is stored is still the newest that was shown.
                    if self.fleet.current().ready {
                        self.mark_behind().await;
                    }
                }
            }
        }
        if self.is_behind || self.fleet.has_changed() {
            self.write().await;
        }
    }

    async fn mark_behind(&mut self) {
        self.is_behind = true;
        let folder = Arc::clone(&self.folder);
        let marked = self.writing.run(move || locked(&folder).mark_behind());
        // Where that fails, the next write does, too, and says so.
        let _ = marked.await;
    }

    async fn write(&mut self) {
        let fleet = self.fleet.latest();
        if !fleet.ready {
            return;
        }
        let (folder, newer) = (Arc::clone(&self.folder), self.fleet.clone());
        let now = Moment::of(self.clock.as_ref());
        let (started, fingerprint) = (self.started, self.settings.fingerprint);
        let written = self.writing.run(move || {
            let mut is_whole = false;
            locked(&folder).write(
                |out| format::write(out, fingerprint, |out| records::write(out, &fleet, now, started)),
                || {
                    is_whole = !newer.has_changed();
                    is_whole
                },
            )?;
            Ok::<bool, FolderError>(is_whole)
        });
        let written =
            written.await.unwrap_or_else(|_| Err(io::Error::other("a fault in this program").into()));
        if let Ok(is_whole) = written {
            self.is_behind = !is_whole;
            self.observer.written(now.wall);
        }
        self.note(written.map(drop));
    }

    /// Logs when failures begin and when they end.
    fn note(&mut self, outcome: Result<(), FolderError>) {
        let folder = self.settings.path.display();
        match &outcome {
            Err(cause) if !self.is_failing => warn!(
                msg = "The state cannot be stored: a restart would forget what is known now; tried again after each poll",
                %folder,
                %cause,
                advice = cause.advice(),
            ),
            Ok(()) if self.is_failing => info!(msg = "The state can be stored again", %folder),
            _ => {}
        }
        self.is_failing = outcome.is_err();
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Whether the folder exists, or else can be created, as far as that can be told without writing.
///
/// # Errors
/// [`FolderError`], if the state cannot be stored there.
pub async fn inspect_folder(path: &Path) -> Result<bool, FolderError> {
    let path = path.to_owned();
    match timeout(READ_TIMEOUT, spawn_blocking(move || folder::inspect(&path))).await {
        Ok(Ok(inspected)) => inspected,
        _ => Err(io::Error::other("it did not answer in time; is it on a mount that hangs?").into()),
    }
}

fn decode(
    file: &[u8],
    fingerprint: Fingerprint,
    check_interval: SignedDuration,
) -> Result<(Fleet, Timestamp), Unusable> {
    let body = format::body(file, fingerprint)?;
    records::read(body, check_interval).ok_or(Unusable::Corrupt)
}

fn locked(folder: &Mutex<Folder>) -> MutexGuard<'_, Folder> {
    folder.lock().unwrap_or_else(PoisonError::into_inner)
}
