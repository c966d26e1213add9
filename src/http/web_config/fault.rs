//! Why a web configuration cannot be used, each as one line: what is wrong, where, and what to do.

use std::io;
use std::path::PathBuf;

use serde_saphyr::Spanned;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WebConfigError {
    /// The file itself.
    #[error("cannot read the web configuration {0} (--web.config.file): {1}")]
    Unreadable(PathBuf, io::Error),
    /// Nothing is configured in it: an empty file must not mean "let everybody in".
    #[error(
        "the web configuration {0} (--web.config.file) is blank; \
         write tls_server_config or basic_auth_users into it, or leave out the flag"
    )]
    Blank(PathBuf),
    /// Something in it.
    #[error("the web configuration {0} (--web.config.file), {1}")]
    Issue(PathBuf, ConfigIssue),
    /// Listening addresses speak TLS or not for as long as the program runs.
    #[error(
        "the web configuration {0} (--web.config.file) switches TLS on or off; restart the exporter for that"
    )]
    TlsSwitched(PathBuf),
    /// A fault in this program.
    #[error(
        "the web configuration {0} (--web.config.file) could not be read because of a fault in the exporter; please report this"
    )]
    Broke(PathBuf),
}

/// What is wrong in the file, where, and what to do. Never shows a value: it may be a secret in the wrong place.
#[derive(Debug, thiserror::Error)]
#[error("line {line}{}{key}: {what}", if key.is_empty() { "" } else { ", " })]
pub struct ConfigIssue {
    pub(super) line: u64,
    pub(super) key: String,
    pub(super) what: String,
}

impl ConfigIssue {
    /// Where this value stands, under these keys.
    pub(super) fn at<T>(value: &Spanned<T>, keys: &[&str], what: impl Into<String>) -> Self {
        let keys: Vec<&str> = keys.iter().map(|key| name_of(key)).collect();
        Self { line: value.referenced.line(), key: keys.join("."), what: what.into() }
    }
}

/// A key as messages show it. One that is no plain name could be a secret in the wrong place.
pub(super) fn name_of(key: &str) -> &str {
    let is_name = key.len() <= 64 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.@ ".contains(&b));
    if is_name { key } else { "(a key that is no plain name)" }
}
