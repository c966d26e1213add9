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

/// How often the times and sizes of the files are compared.
const POLL_EVERY: Duration = Duration::from_secs(2);

/// Holds the web configuration, and reads it again when a file has changed.
#[derive(Debug)]
pub struct ConfigReloader {
    path: PathBuf,
    held: Mutex<State>,
}

#[derive(Debug)]
struct State {
    config: Arc<WebConfig>,
    /// The files as they were when last read, usable or not.
    read: Files,
    /// Whether what was read then is in force.
    is_in_force: bool,
    /// The files as they were when last compared, where they had changed.
    seen: Option<Files>,
}

impl ConfigReloader {
    /// Reads the file, and those that it names.
    ///
    /// # Errors
    /// [`WebConfigError`], when they do not say how to serve.
    pub async fn load(path: PathBuf) -> Result<Self, WebConfigError> {
        let (read, outcome) = read_on_blocking_thread(path.clone()).await;
        let held = State { config: Arc::new(outcome?), read, is_in_force: true, seen: None };
        Ok(Self { path, held: Mutex::new(held) })
    }

    /// What is in force now.
    pub fn now(&self) -> Arc<WebConfig> {
        Arc::clone(&self.held().config)
    }

    /// Whether TLS is spoken. It stays so for as long as the program runs.
    pub fn has_tls(&self) -> bool {
        self.now().tls.is_some()
    }

    /// Compares the files every two seconds until `stop`, and reads them again when they have changed.
    pub async fn watch(self: Arc<Self>, clock: SharedClock, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = clock.sleep(POLL_EVERY) => self.poll_files().await,
            }
        }
    }

    /// Reads changed files at once: whoever asks for it says that they are complete.
    pub async fn reload(&self) -> Reread {
        let now = self.files_now().await;
        let is_same = {
            let held = self.held();
            held.is_in_force && now.is_some_and(|now| now == held.read)
        };
        if is_same { Reread::Same } else { self.reread().await }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn poll_files(&self) {
        let Some(now) = self.files_now().await else { return };
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

    async fn files_now(&self) -> Option<Files> {
        let read = self.held().read.clone();
        tokio::task::spawn_blocking(move || read.now()).await.ok()
    }

    async fn reread(&self) -> Reread {
        let (read, outcome) = read_on_blocking_thread(self.path.clone()).await;
        let mut held = self.held();
        held.read = read;
        held.seen = None;
        let outcome = outcome.and_then(|new| {
            let switched = new.tls.is_some() != held.config.tls.is_some();
            if switched { Err(WebConfigError::TlsSwitched(self.path.clone())) } else { Ok(new) }
        });
        match outcome {
            Ok(new) => {
                held.config = Arc::new(new);
                held.is_in_force = true;
                info!(msg = "The web configuration, or a file that it names, has changed and is in force", file = %self.path.display());
                Reread::New
            }
            Err(error) => {
                held.is_in_force = false;
                warn!(msg = "The changed web configuration is not usable; the one read earlier stays", error = %error);
                Reread::Unusable
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, State> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads on a thread of its own: files can be slow, and even a panic in a parser ends as an error.
async fn read_on_blocking_thread(path: PathBuf) -> (Files, Result<WebConfig, WebConfigError>) {
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
