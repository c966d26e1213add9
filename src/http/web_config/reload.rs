//! The web configuration in force, and its reload when files have changed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::WebConfig;
use super::fault::WebConfigError;
use super::files::Files;
use crate::clock::SharedClock;
use crate::failure::Reread;

/// How often the files are polled. That asks for their times and sizes, and reads nothing.
const POLL_EVERY: Duration = Duration::from_secs(2);

/// Holds what the file says, and reads it again when it has changed.
#[derive(Debug)]
pub struct ConfigReloader {
    path: PathBuf,
    held: Mutex<State>,
}

#[derive(Debug)]
struct State {
    protection: Arc<WebConfig>,
    /// The files as they were when last read, for good or not.
    read: Files,
    /// Whether what was read then is in force.
    can_use_read: bool,
    /// The files as they were when last polled, where that differed.
    seen: Option<Files>,
}

impl State {
    fn is_in_force(&self, now: &Files) -> bool {
        self.can_use_read && self.read == *now
    }
}

impl ConfigReloader {
    /// Reads the file, and those that it names.
    ///
    /// # Errors
    /// [`WebConfigError`], when they do not say how to serve.
    pub async fn load(path: PathBuf) -> Result<Self, WebConfigError> {
        let (read, outcome) = read_aside(path.clone()).await;
        let held = State { protection: Arc::new(outcome?), read, can_use_read: true, seen: None };
        Ok(Self { path, held: Mutex::new(held) })
    }

    /// What is in force now.
    pub fn now(&self) -> Arc<WebConfig> {
        Arc::clone(&self.held().protection)
    }

    /// Whether TLS is spoken. It stays so for as long as the program runs.
    pub fn has_tls(&self) -> bool {
        self.now().tls.is_some()
    }

    /// Polls the files until `stop`.
    pub async fn watch(self: Arc<Self>, clock: SharedClock, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = clock.sleep(POLL_EVERY) => self.poll_files().await,
            }
        }
    }

    /// Reads what has changed, at once: somebody says that it is complete.
    pub async fn reload(&self) -> Reread {
        let read = self.held().read.clone();
        match tokio::task::spawn_blocking(move || read.now()).await {
            Ok(now) if self.held().is_in_force(&now) => Reread::Same,
            _ => self.reread().await,
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn poll_files(&self) {
        let read = self.held().read.clone();
        let Ok(now) = tokio::task::spawn_blocking(move || read.now()).await else { return };
        {
            let mut held = self.held();
            let changed = now != held.read;
            let settled = held.seen.as_ref() == Some(&now);
            held.seen = changed.then_some(now);
            // A file half written, or a certificate without its key, must not come into force: two polls must find the same.
            if !(changed && settled) {
                return;
            }
        }
        let _ = self.reread().await;
    }

    async fn reread(&self) -> Reread {
        let (read, outcome) = read_aside(self.path.clone()).await;
        let mut held = self.held();
        held.read = read;
        held.seen = None;
        let outcome = outcome.and_then(|new| {
            let switched = new.tls.is_some() != held.protection.tls.is_some();
            if switched { Err(WebConfigError::TlsSwitched(self.path.clone())) } else { Ok(new) }
        });
        match outcome {
            Ok(new) => {
                held.protection = Arc::new(new);
                held.can_use_read = true;
                info!(msg = "The web configuration, or a file that it names, has changed and is in force", file = %self.path.display());
                Reread::New
            }
            Err(error) => {
                held.can_use_read = false;
                warn!(msg = "The changed web configuration is not usable; the one read earlier stays", error = %error);
                Reread::Unusable
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, State> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads aside of the server's threads, where even a fault in a parser ends as an error.
async fn read_aside(path: PathBuf) -> (Files, Result<WebConfig, WebConfigError>) {
    let reading = tokio::task::spawn_blocking({
        let path = path.clone();
        move || {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            let mut files = Files::relative_to(folder);
            let outcome = WebConfig::read(&path, &mut files);
            (files, outcome)
        }
    });
    reading.await.unwrap_or_else(|_| (Files::one(&path), Err(WebConfigError::Broke(path))))
}
