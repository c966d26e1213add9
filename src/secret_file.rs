//! Secrets: given by value, or in a file that is read at the start, and again whenever it may have changed.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::failure::{FILE_READ_TIMEOUT, Reread};

/// A secret is a line or a few, so a larger file holds none.
pub const MAX_BYTES: u64 = 16 * 1024;

/// A secret, and where it comes from. `Debug` shows nothing of it.
#[derive(Debug)]
pub enum Secret {
    /// It never changes.
    Fixed(SecretString),
    /// It is read again when the file may have changed.
    InFile(SecretFile),
}

impl Secret {
    /// The secret in force.
    pub fn current(&self) -> SecretString {
        match self {
            Self::Fixed(secret) => secret.clone(),
            Self::InFile(file) => file.current().secret.clone(),
        }
    }

    /// The file that it is read from, if it is in a file.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Fixed(_) => None,
            Self::InFile(file) => Some(&file.path),
        }
    }

    /// Reads the file again. If there is no usable secret in it any more, the old one stays in force.
    pub async fn refresh(&self) -> Reread {
        match self {
            Self::Fixed(_) => Reread::Nothing,
            Self::InFile(file) => file.refresh().await,
        }
    }
}

/// What a file holds: the words for it in messages, and the rule.
#[derive(Debug, Clone, Copy)]
pub struct Content {
    /// The file, such as `API key file`.
    pub file: &'static str,
    /// What stands in it, such as `key`.
    pub secret: &'static str,
    /// What to do about a blank file.
    pub advice: &'static str,
    /// What the file must hold.
    pub form: &'static str,
    /// Reads a text that is not blank, without white space around it. None if it is not of this form.
    pub read: fn(&str) -> Option<SecretString>,
}

/// Why there is no usable secret in a file. Never contains the secret. The first field of each is the word for the file.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It cannot be read.
    #[error("cannot read the {0} {1}: {2}")]
    Unreadable(&'static str, PathBuf, io::Error),
    /// Reading it neither ends nor fails.
    #[error(
        "cannot read the {0} {1}: it did not end within {FILE_READ_TIMEOUT:?}; is it a pipe, or on a mount that hangs?"
    )]
    Hangs(&'static str, PathBuf),
    /// It has become a pipe or a folder.
    #[error("the {0} {1} is no file any more")]
    NoFile(&'static str, PathBuf),
    /// It contains only white space.
    #[error("the {0} {1} is blank; {2}")]
    Blank(&'static str, PathBuf, &'static str),
    /// It contains something else.
    #[error("the {0} {1} holds something other than {2}")]
    Other(&'static str, PathBuf, &'static str),
}

/// The secret in force, and the file that it came from. `Debug` shows nothing of the secret.
#[derive(Debug)]
pub struct SecretFile {
    path: PathBuf,
    content: Content,
    current: Mutex<Current>,
    /// One reading of the file at a time: an earlier one cannot end after a later one, and a file that hangs occupies only one thread.
    reading: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Current {
    secret: SecretString,
    file_is_fine: bool,
}

impl SecretFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// [`SecretFileError`], if it has no usable secret now.
    pub async fn open(path: PathBuf, content: Content) -> Result<Self, SecretFileError> {
        let reading = Arc::default();
        let (secret, _turn) = read_in_turn(&path, content, &reading, false).await?;
        let current = Mutex::new(Current { secret: secret?, file_is_fine: true });
        Ok(Self { path, content, current, reading })
    }

    /// Reads the file again. If it is gone, has become something else, or has no secret in it, the old secret stays in force.
    async fn refresh(&self) -> Reread {
        // A pipe is only for the start: to open one later would block until somebody writes to it.
        let (outcome, _turn) = match read_in_turn(&self.path, self.content, &self.reading, true).await {
            Ok((outcome, turn)) => (outcome, Some(turn)),
            Err(error) => (Err(error), None),
        };
        let Content { file, secret: word, .. } = self.content;
        let mut current = self.current();
        match outcome {
            Ok(secret) => {
                current.file_is_fine = true;
                if secret.expose_secret() == current.secret.expose_secret() {
                    return Reread::Same;
                }
                info!(msg = format!("The {file} has a new {word}"), file = %self.path.display());
                current.secret = secret;
                Reread::New
            }
            Err(error) => {
                if current.file_is_fine {
                    let msg = format!("The {file} is no longer usable; the {word} read earlier stays");
                    warn!(msg, error = %error);
                }
                current.file_is_fine = false;
                Reread::Unusable
            }
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The outcome of a reading, and the guard that keeps others waiting.
type Turn = (Result<SecretString, SecretFileError>, OwnedMutexGuard<()>);

/// Reads the file on a thread that may block. Other readings wait until the turn is over.
async fn read_in_turn(
    path: &Path,
    content: Content,
    reading: &Arc<tokio::sync::Mutex<()>>,
    only_a_file: bool,
) -> Result<Turn, SecretFileError> {
    let hangs = || SecretFileError::Hangs(content.file, path.to_owned());
    let turn = timeout(FILE_READ_TIMEOUT, Arc::clone(reading).lock_owned()).await.map_err(|_| hangs())?;
    let file = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || (read(&file, content, only_a_file), turn));
    let read = timeout(FILE_READ_TIMEOUT, reading).await.map_err(|_| hangs())?;
    let broke = |_| SecretFileError::Unreadable(content.file, path.to_owned(), io::ErrorKind::Other.into());
    read.map_err(broke)
}

fn read(path: &Path, content: Content, only_a_file: bool) -> Result<SecretString, SecretFileError> {
    let Content { file: word, advice, form, .. } = content;
    let unreadable = |error| SecretFileError::Unreadable(word, path.to_owned(), error);
    let other = || SecretFileError::Other(word, path.to_owned(), form);
    if only_a_file && !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(SecretFileError::NoFile(word, path.to_owned()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| other())?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(SecretFileError::Blank(word, path.to_owned(), advice));
    }
    let fits = u64::try_from(text.len()).is_ok_and(|length| length <= MAX_BYTES);
    fits.then(|| (content.read)(text)).flatten().ok_or_else(other)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::process::Command;

    use super::*;

    const DIGITS: Content = Content {
        file: "test file",
        secret: "number",
        advice: "write a number into it",
        form: "digits",
        read: |text| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.into()),
    };

    /// What is read from a file with these bytes: the secret, or the fault without the name of the file.
    fn read_from(bytes: &[u8]) -> Result<String, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        let read = read(file.path(), DIGITS, true).map(|secret| secret.expose_secret().to_owned());
        read.map_err(|fault| fault.to_string().replace(&file.path().display().to_string(), "FILE"))
    }

    #[test]
    fn what_a_file_may_hold() {
        let longest = "1".repeat(16 * 1024);
        for (bytes, secret) in
            [("12", "12"), ("12\n", "12"), ("\u{feff}  12\r\n\n", "12"), (&longest, &longest)]
        {
            assert_eq!(read_from(bytes.as_bytes()), Ok(secret.to_owned()), "{bytes:?}");
        }
        for blank in ["", "\n \n", "\u{feff}"] {
            let fault = "the test file FILE is blank; write a number into it";
            assert_eq!(read_from(blank.as_bytes()).unwrap_err(), fault, "{blank:?}");
        }
        let too_long = [&longest, "1"].concat();
        for bytes in [&b"x"[..], b"\xff\xfe", too_long.as_bytes()] {
            let fault = "the test file FILE holds something other than digits";
            assert_eq!(read_from(bytes).unwrap_err(), fault, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn a_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "1").unwrap();
        let file = SecretFile::open(path.clone(), DIGITS).await.unwrap();
        for (bytes, outcome, in_force) in [
            (Some("1\n"), Reread::Same, "1"),
            (Some("2"), Reread::New, "2"),
            (Some(""), Reread::Unusable, "2"),
            (Some("two"), Reread::Unusable, "2"),
            (None, Reread::Unusable, "2"),
            (Some("2"), Reread::Same, "2"),
        ] {
            match bytes {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            assert_eq!(file.refresh().await, outcome, "{bytes:?}");
            assert_eq!(file.current().secret.expose_secret(), in_force, "{bytes:?}");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(file.refresh().await, Reread::Unusable, "a folder");
    }

    /// A pipe that nobody writes to stands for a mount that hangs.
    #[tokio::test(start_paused = true)]
    async fn a_file_that_does_not_end_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reading = tokio::spawn(SecretFile::open(pipe.clone(), DIGITS));
        // It has begun: whoever opens a pipe to write to it waits for a reader.
        let writer =
            tokio::task::spawn_blocking(move || fs::OpenOptions::new().write(true).open(pipe).unwrap());
        let writer = writer.await.unwrap();
        tokio::time::advance(FILE_READ_TIMEOUT).await;
        tokio::task::yield_now().await;
        assert!(reading.is_finished(), "it is still being read");
        assert!(matches!(reading.await.unwrap(), Err(SecretFileError::Hangs(..))));
        drop(writer);
    }
}
