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
    pub fn format_warning(&self) -> Option<&'static str> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::process::Command;

    use super::*;

    /// What is read from a file with these bytes: the key, or the fault without the name of the file.
    fn read_from(bytes: &[u8]) -> Result<String, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        let read = read(file.path(), true).map(|key| key.expose_secret().to_owned());
        read.map_err(|fault| fault.to_string().replace(&file.path().display().to_string(), "FILE"))
    }

    #[test]
    fn what_a_key_file_may_hold() {
        let longest = "x".repeat(16 * 1024);
        for (bytes, key) in [
            ("a-key", "a-key"),
            ("a-key\n", "a-key"),
            ("\u{feff}  a-key\r\n\n", "a-key"),
            ("a key of two words", "a key of two words"),
            (&longest, &longest),
        ] {
            assert_eq!(read_from(bytes.as_bytes()), Ok(key.to_owned()), "{bytes:?}");
        }
        for blank in ["", "\n \n", "\u{feff}"] {
            assert!(read_from(blank.as_bytes()).unwrap_err().contains("FILE is blank"), "{blank:?}");
        }
        let too_long = [&longest, "x"].concat();
        for bytes in [&b"two\nlines"[..], b"a\tkey", b"\xff\xfe", "clé".as_bytes(), too_long.as_bytes()] {
            let fault = read_from(bytes).unwrap_err();
            assert!(fault.contains("something other than one line"), "{bytes:?}: {fault}");
        }
    }

    #[test]
    fn a_key_by_value() {
        assert_eq!(Key::fixed(" a-key\n".into()).unwrap().header(), "a-key");
        for bad in ["", " ", "two\nlines", "clé"] {
            assert!(matches!(Key::fixed(bad.into()), Err(KeyError::VariableNotAKey)), "{bad:?}");
        }
    }

    /// An env file keeps quotes, and then they are part of the key; so is whatever else was written down with it.
    #[test]
    fn an_odd_key_is_hinted_at() {
        for (key, hint) in [
            ("\"a-key\"", Some("stands in quotes")),
            ("'a-key'", Some("stands in quotes")),
            ("Bearer a-key", Some("was more than the key written down?")),
            ("NECTAR_API_KEY=a-key", Some("was more than the key written down?")),
            ("${a-key}", Some("was more than the key written down?")),
            ("a-key", None),
            ("a-key==", None),
        ] {
            let format_warning = Key::fixed(key.into()).unwrap().format_warning();
            assert_eq!(format_warning.is_some(), hint.is_some(), "{key}");
            assert!(
                format_warning.unwrap_or_default().contains(hint.unwrap_or_default()),
                "{key}: {format_warning:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_key_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        fs::write(&file, "first").unwrap();
        let key = Key::from_file(file.clone()).await.unwrap();
        for (bytes, outcome, in_force) in [
            (Some("first\n"), Reread::Same, "first"),
            (Some("second"), Reread::New, "second"),
            (Some(""), Reread::Unusable, "second"),
            (Some("two\nlines"), Reread::Unusable, "second"),
            (None, Reread::Unusable, "second"),
            (Some("second"), Reread::Same, "second"),
        ] {
            match bytes {
                Some(bytes) => fs::write(&file, bytes).unwrap(),
                None => fs::remove_file(&file).unwrap(),
            }
            assert_eq!(key.refresh().await, outcome, "{bytes:?}");
            assert_eq!(key.header(), in_force, "{bytes:?}");
        }
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert_eq!(key.refresh().await, Reread::Unusable, "a folder");
        assert_eq!(Key::fixed("a".into()).unwrap().refresh().await, Reread::Nothing);
    }

    /// A pipe that nobody writes to stands for a mount that hangs.
    #[tokio::test(start_paused = true)]
    async fn a_file_that_does_not_end_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reading = tokio::spawn(Key::from_file(pipe.clone()));
        // It has begun: whoever opens a pipe to write to it waits for a reader.
        let writer =
            tokio::task::spawn_blocking(move || fs::OpenOptions::new().write(true).open(pipe).unwrap());
        let writer = writer.await.unwrap();
        tokio::time::advance(FILE_READ_TIMEOUT).await;
        tokio::task::yield_now().await;
        assert!(reading.is_finished(), "it is still being read");
        assert!(matches!(reading.await.unwrap(), Err(KeyError::Hangs(_))));
        drop(writer);
    }
}
