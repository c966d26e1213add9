//! The API key: where it comes from, and how a rotated one is picked up.

use std::path::{Path, PathBuf};

use hyper::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::failure::Reread;
use crate::secret_file::{Content, MAX_BYTES, Secret, SecretFile, SecretFileError};

/// What is in a file with the key.
const KEY_FILE: Content = Content {
    file: "API key file",
    secret: "key",
    advice: "write the key into it, on one line",
    form: "one line of visible ASCII characters",
    read: checked,
};

/// Why there is no usable key. Never contains the key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file has none.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// The variable contains something that no key has.
    #[error("the variable NECTAR_API_KEY holds something other than one line of visible ASCII characters")]
    VariableNotAKey,
}

/// The key in force. `Debug` shows nothing of it.
#[derive(Debug)]
pub struct Key(Secret);

impl Key {
    /// A key that never changes, given by value.
    ///
    /// # Errors
    /// [`KeyError::VariableNotAKey`], if it cannot be sent as a header.
    pub fn fixed(secret: SecretString) -> Result<Self, KeyError> {
        checked(secret.expose_secret()).map(|key| Self(Secret::Fixed(key))).ok_or(KeyError::VariableNotAKey)
    }

    /// A key from a file, read now and again later.
    ///
    /// # Errors
    /// [`KeyError`], if the file has no usable key now.
    pub async fn from_file(path: PathBuf) -> Result<Self, KeyError> {
        Ok(Self(Secret::InFile(SecretFile::open(path, KEY_FILE).await?)))
    }

    /// The file that it is read from, if it is in a file.
    pub fn file(&self) -> Option<&Path> {
        self.0.file()
    }

    /// What is odd about it, for people; none if nothing is.
    pub fn format_warning(&self) -> Option<&'static str> {
        let secret = self.0.current();
        let key = secret.expose_secret();
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
        let mut header = HeaderValue::from_str(self.0.current().expose_secret())
            .unwrap_or_else(|_| HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }

    /// Reads the file again. If it has no key in it any more, the old key stays in force.
    pub async fn refresh(&self) -> Reread {
        self.0.refresh().await
    }
}

fn checked(key: &str) -> Option<SecretString> {
    let key = key.trim();
    let fits = key.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    let sized = !key.is_empty() && u64::try_from(key.len()).is_ok_and(|length| length <= MAX_BYTES);
    (fits && sized).then(|| key.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_key_by_value() {
        for (text, key) in [(" a-key\n", "a-key"), ("a key of two words", "a key of two words")] {
            assert_eq!(Key::fixed(text.into()).unwrap().header(), key);
        }
        for bad in ["", " ", "two\nlines", "a\tkey", "clé"] {
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
    async fn a_key_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "first\n").unwrap();
        let key = Key::from_file(file.path().to_owned()).await.unwrap();
        assert_eq!(key.header(), "first");
        std::fs::write(file.path(), "two\nlines").unwrap();
        assert_eq!(key.refresh().await, Reread::Unusable);
        let fault = Key::from_file(file.path().to_owned()).await.unwrap_err().to_string();
        assert!(
            fault.ends_with("holds something other than one line of visible ASCII characters"),
            "{fault}"
        );
        assert_eq!(Key::fixed("a".into()).unwrap().refresh().await, Reread::Nothing);
    }
}
