//! What can be wrong with the file, each as one line: what, where, and what to do.
//!
//! Must not hold or show a value that could be secret: a password may stand in the wrong place.

use std::io;
use std::path::PathBuf;

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
    Wrong(PathBuf, Wrong),
    /// Listening addresses speak TLS or not for as long as the program runs.
    #[error(
        "the web configuration {0} (--web.config.file) switches TLS on or off; restart the exporter for that"
    )]
    TlsSwitched(PathBuf),
    /// A fault in this program.
    #[error("the web configuration {0} (--web.config.file) broke its reader; please report this")]
    Broke(PathBuf),
}

/// A fault, and where in the file it is.
#[derive(Debug, thiserror::Error)]
#[error("line {line}{}{key}: {fault}", if key.is_empty() { "" } else { ", " })]
pub struct Wrong {
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) fault: Fault,
}

/// What is wrong at one place.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("this is not YAML; check the indentation and the quotes")]
    Syntax,
    #[error(
        "anchors, aliases, tags and several documents are not read; write each value out, in one document"
    )]
    UnsupportedYaml,
    #[error("this goes too deep")]
    TooDeep,
    #[error("a key must be plain text, such as cert_file")]
    NonScalarKey,
    #[error("there is no such key; take one of {0}")]
    NoSuchKey(&'static str),
    #[error("this key stands twice; leave one of them")]
    DuplicateKey,
    #[error("this key is not supported: {0}; take it out")]
    NotSupported(&'static str),
    #[error("takes {0}")]
    Expected(&'static str),
    #[error("{0} is too old for this server; take TLS12 or TLS13")]
    TooOld(&'static str),
    #[error("min_version is newer than max_version; let them be the same, or the other way round")]
    VersionRange,
    #[error("cipher_suites are of TLS 1.2, which min_version excludes; take one of the two out")]
    SuitesUnused,
    #[error("{0} is missing; give the path of the PEM file")]
    Missing(&'static str),
    #[error("{0} and {1} are both given; give one of them")]
    Both(&'static str, &'static str),
    #[error("cannot read {0}: {1}")]
    File(PathBuf, io::Error),
    #[error("{0} has no certificate in PEM form; look for BEGIN CERTIFICATE")]
    NoCertificate(Origin),
    #[error("{0} has a certificate that cannot be read; make it anew")]
    BadCertificate(Origin),
    #[error("{0} has no private key in PEM form without a passphrase; look for BEGIN PRIVATE KEY")]
    NoKey(Origin),
    #[error("the private key is of another certificate; take the two that were made together")]
    Mismatch,
    #[error(
        "the certificate or the private key is of a kind that is not taken; make them anew: a certificate of X.509 version 3, and a \
         key that is RSA of 2048 bits or more, ECDSA on P-256 or P-384, or Ed25519"
    )]
    Unusable,
    #[error("this needs client_ca_file, the certificates that clients' are checked against")]
    NeedsClientCa,
    #[error(
        "client certificates are not checked against it with this client_auth_type; \
         take RequireAndVerifyClientCert or VerifyClientCertIfGiven, or leave out the file"
    )]
    ClientCaUnused,
    #[error("nobody is named, so that nobody could come in; add a user, or take the key out")]
    NoUsers,
    #[error("the hash is not one of bcrypt; make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'")]
    NotBcrypt,
    #[error(
        "the hash has a cost that is not from 4 to {0}; make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'"
    )]
    Cost(u32),
    #[error("a user's name has a colon, which HTTP cannot send; choose another name")]
    ColonInName,
    #[error("the system gives no random numbers")]
    Random,
}

/// Where certificates or a key came from.
#[derive(Debug)]
pub(super) enum Origin {
    File(PathBuf),
    Inline,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Inline => f.write_str("the value"),
        }
    }
}

/// The name of a key, for messages: what is no name could be a secret in the wrong place.
pub(super) fn name_of(key: &str) -> &str {
    let is_name = key.len() <= 64 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.@ ".contains(&b));
    if is_name { key } else { "(a key that is no plain name)" }
}
