//! The API key: where it comes from, and how a rotated one is picked up.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::failure::{FILE_READ_TIMEOUT, Reread};

/// A key is one line, so a larger file is no key file.
const MAX_KEY_BYTES: u64 = 16 * 1024;

/// Why there is no usable key. Never contains the key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read the API key file {0}: {1}")]
    Unreadable(PathBuf, io::Error),
    /// Reading it neither ends nor fails.
    #[error(
        "cannot read the API key file {0}: it did not end within {FILE_READ_TIMEOUT:?}; is it a pipe, or on a mount that hangs?"
    )]
    Hangs(PathBuf),
    /// It has become a pipe or a folder.
    #[error("the API key file {0} is no file any more")]
    NoFile(PathBuf),
    /// It contains only white space.
    #[error("the API key file {0} is blank; write the key into it, on one line")]
    Blank(PathBuf),
    /// It contains something that no key has.
    #[error("the API key file {0} holds something other than one line of visible ASCII characters")]
    NotAKey(PathBuf),
    /// The same as the last two, for the variable.
    #[error("the variable NECTAR_API_KEY holds something other than one line of visible ASCII characters")]
    VariableNotAKey,
}

/// The key in force. `Debug` shows nothing of it.
#[derive(Debug)]
pub struct Key {
    file: Option<PathBuf>,
    current: Mutex<Current>,
    /// One reading of the file at a time: an earlier one cannot end after a later one, and a file that hangs occupies only one thread.
    reading: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Current {
    secret: SecretString,
    file_is_fine: bool,
}

impl Key {
    /// A key that never changes, given by value.
    ///
    /// # Errors
    /// [`KeyError::VariableNotAKey`], if it cannot be sent as a header.
    pub fn fixed(secret: SecretString) -> Result<Self, KeyError> {
        let secret = checked(secret.expose_secret()).ok_or(KeyError::VariableNotAKey)?;
        Ok(Self::holding(None, secret))
    }

    /// A key from a file, read now and again later.
    ///
    /// # Errors
    /// [`KeyError`], if the file has no usable key now.
    pub async fn from_file(path: PathBuf) -> Result<Self, KeyError> {
        let mut key = Self::holding(None, SecretString::default());
        let (secret, _turn) = key.read(&path, false).await?;
        key.current().secret = secret?;
        key.file = Some(path);
        Ok(key)
    }

    fn holding(file: Option<PathBuf>, secret: SecretString) -> Self {
        let current = Mutex::new(Current { secret, file_is_fine: true });
        Self { file, current, reading: Arc::default() }
    }

    /// The file that it is read from, if it is in a file.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What is odd about it, for people; none if nothing is.
    pub fn oddity(&self) -> Option<&'static str> {
        let current = self.current();
        let key = current.secret.expose_secret();
        if key.starts_with(['"', '\'']) || key.ends_with(['"', '\'']) {
            return Some("the key stands in quotes: does an env file keep them?");
        }
        // Equals signs at the end are the padding of base64.
        let is_odd = key.trim_end_matches('=').contains([' ', ':', '=', '$', '{', '\\']);
        is_odd
            .then_some("the key has a blank, or one of : = $ { \\ in it: was more than the key written down?")
    }

    /// The key as a header that no `Debug` shows.
    pub fn header(&self) -> HeaderValue {
        // It was checked when it was read, so this cannot fail; if it did, Nectar would refuse the empty key.
        let mut header = HeaderValue::from_str(self.current().secret.expose_secret())
            .unwrap_or_else(|_| HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }

    /// Reads the file again. If it is gone, has become something else, or has no key in it, the old key stays in force.
    pub async fn refresh(&self) -> Reread {
        let Some(path) = &self.file else { return Reread::Nothing };
        // A pipe is only for the start: to open one later would block until somebody writes to it.
        let (outcome, _turn) = match self.read(path, true).await {
            Ok((outcome, turn)) => (outcome, Some(turn)),
            Err(error) => (Err(error), None),
        };
        let mut current = self.current();
        match outcome {
            Ok(secret) => {
                current.file_is_fine = true;
                if secret.expose_secret() == current.secret.expose_secret() {
                    return Reread::Same;
                }
                info!(msg = "The API key file has a new key", file = %path.display());
                current.secret = secret;
                Reread::New
            }
            Err(error) => {
                if current.file_is_fine {
                    warn!(msg = "The API key file is no longer usable; the key read earlier stays", error = %error);
                }
                current.file_is_fine = false;
                Reread::Unusable
            }
        }
    }

    /// Reads the file on a thread that may block. Other readings wait until the turn is over.
    async fn read(&self, path: &Path, only_a_file: bool) -> Result<Turn, KeyError> {
        let hangs = || KeyError::Hangs(path.to_owned());
        let turn =
            timeout(FILE_READ_TIMEOUT, Arc::clone(&self.reading).lock_owned()).await.map_err(|_| hangs())?;
        let file = path.to_owned();
        let reading = tokio::task::spawn_blocking(move || (read(&file, only_a_file), turn));
        let read = timeout(FILE_READ_TIMEOUT, reading).await.map_err(|_| hangs())?;
        read.map_err(|_| KeyError::Unreadable(path.to_owned(), io::ErrorKind::Other.into()))
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The outcome of a reading, and the guard that keeps others waiting.
type Turn = (Result<SecretString, KeyError>, OwnedMutexGuard<()>);

fn read(path: &Path, only_a_file: bool) -> Result<SecretString, KeyError> {
    let unreadable = |error| KeyError::Unreadable(path.to_owned(), error);
    if only_a_file && !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(KeyError::NoFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_KEY_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| KeyError::NotAKey(path.to_owned()))?;
    let line = text.trim_start_matches('\u{feff}').trim();
    if line.is_empty() {
        return Err(KeyError::Blank(path.to_owned()));
    }
    checked(line).ok_or_else(|| KeyError::NotAKey(path.to_owned()))
}

fn checked(key: &str) -> Option<SecretString> {
    let key = key.trim();
    let fits = key.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    let sized = !key.is_empty() && u64::try_from(key.len()).is_ok_and(|length| length <= MAX_KEY_BYTES);
    (fits && sized).then(|| key.into())
}
