//! What came of one request: a body, or the reason why not.
//!
//! Knows HTTP's statuses, content codings, and `reqwest`'s errors. Must not know what is asked for, or whether it is asked again.
//! Sources: RFC 9110, section 8.4.1, for the codings; RFC 1952 for gzip.

use std::error::Error;
use std::io::{self, ErrorKind, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use reqwest::{Response, StatusCode};
use tokio_rustls::rustls;

use crate::failure::Reason;
use crate::text;

/// A larger answer, packed or unpacked, is not read: it would be no page of 500 connections.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// The whole body, unpacked.
///
/// # Errors
/// [`Unread::Refused`] for one that is too large, or in a coding that we did not ask for; else why it ended early.
pub async fn read_body(mut response: Response) -> Result<Bytes, Unread> {
    let mut body = Body::of(response.headers())?;
    let mut left = MAX_ANSWER_BYTES;
    while let Some(chunk) = response.chunk().await? {
        left = left.checked_sub(chunk.len()).ok_or(Unread::Refused(Reason::TooLarge))?;
        body.add(&chunk).map_err(|error| reason_of_unpacking(&error))?;
    }
    Ok(body.whole().map_err(|error| reason_of_unpacking(&error))?)
}

/// Why a body was not read to its end.
#[derive(Debug)]
pub enum Unread {
    /// It is none that we read.
    Refused(Reason),
    /// It ended early.
    Broken(reqwest::Error),
}

impl From<Reason> for Unread {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

impl From<reqwest::Error> for Unread {
    fn from(error: reqwest::Error) -> Self {
        Self::Broken(error)
    }
}

/// A body while it comes in.
enum Body {
    Plain(Limited),
    Gzip(Box<MultiGzDecoder<Limited>>),
}

impl Body {
    fn of(headers: &HeaderMap) -> Result<Self, Reason> {
        let codings = headers.get_all(CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap_or("?"));
        let codings: Vec<String> = codings
            .flat_map(|list| list.split(','))
            .map(|coding| coding.trim().to_ascii_lowercase())
            .filter(|coding| !coding.is_empty() && coding != "identity")
            .collect();
        match codings.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => Ok(Self::Plain(Limited::default())),
            ["gzip" | "x-gzip"] => Ok(Self::Gzip(Box::new(MultiGzDecoder::new(Limited::default())))),
            _ => Err(Reason::Decode),
        }
    }

    fn add(&mut self, chunk: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(bytes) => bytes.write_all(chunk),
            Self::Gzip(unpacked) => unpacked.write_all(chunk),
        }
    }

    fn whole(self) -> io::Result<Bytes> {
        let Limited(bytes) = match self {
            Self::Plain(bytes) => bytes,
            Self::Gzip(unpacked) => unpacked.finish()?,
        };
        Ok(bytes.into())
    }
}

/// Bytes up to [`MAX_ANSWER_BYTES`].
#[derive(Default)]
struct Limited(Vec<u8>);

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > MAX_ANSWER_BYTES {
            return Err(ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn reason_of_unpacking(error: &io::Error) -> Reason {
    if error.kind() == ErrorKind::FileTooLarge { Reason::TooLarge } else { Reason::Decode }
}

/// Why there is no answer, or not all of it.
pub fn reason_of(error: &reqwest::Error) -> Reason {
    let http = causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
    if error.is_timeout() {
        Reason::Timeout
    } else if error.is_dns() {
        Reason::Dns
    } else if causes(error).any(|cause| cause.is::<rustls::Error>()) {
        Reason::Tls
    } else if http.is_some_and(hyper::Error::is_parse_too_large) {
        Reason::TooLarge
    } else if http.is_some_and(hyper::Error::is_parse) {
        Reason::Decode
    } else if error.is_connect() || error.is_request() || http.is_some() {
        Reason::Connect
    } else if error.is_decode() || error.is_body() {
        Reason::Decode
    } else {
        Reason::Other
    }
}

/// What the operating system or TLS says of it: the innermost cause.
pub fn cause_of(error: &reqwest::Error) -> String {
    match causes(error).last() {
        Some(cause) => match cause.downcast_ref::<rustls::Error>() {
            Some(error) => words_of_tls(error),
            None => text::clean(&cause.to_string()),
        },
        None => "no cause is known".to_owned(),
    }
}

/// The library's own words name its types.
fn words_of_tls(error: &rustls::Error) -> String {
    use rustls::{CertificateError as Wrong, Error, InvalidMessage};
    let words = match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the server does not speak TLS: is it http://?"
        }
        Error::InvalidCertificate(wrong) => match wrong {
            Wrong::Expired | Wrong::ExpiredContext { .. } => "the server's certificate has expired",
            Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet"
            }
            Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => {
                "the server's certificate is for another name"
            }
            Wrong::BadSignature => {
                "the server's certificate is signed with another key than the trusted one of that name"
            }
            Wrong::UnknownIssuer => "the server's certificate is signed by nobody who is trusted here",
            // A variant of a library below, which we do not name.
            Wrong::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
                "the server's certificate is that of an authority (CA:TRUE); it needs one with basicConstraints=CA:FALSE"
            }
            _ => return text::clean(&error.to_string()),
        },
        _ => return text::clean(&error.to_string()),
    };
    words.to_owned()
}

/// All that an error came from, outermost first.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| cause_within(*cause))
}

/// TLS hides its errors in those of the operating system.
fn cause_within<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(hidden) => Some(hidden),
        None => cause.source(),
    }
}

/// What an answer with any other status than 200 says.
pub fn reason_of_status(status: StatusCode) -> Reason {
    match status.as_u16() {
        401 => Reason::Auth,
        403 => Reason::Forbidden,
        404 => Reason::NotFound,
        // Of a proxy: Nectar was not asked.
        407 => Reason::Connect,
        429 => Reason::RateLimited,
        400..=499 => Reason::ClientError,
        500..=599 => Reason::ServerError,
        200..=299 => Reason::Decode,
        _ => Reason::Other,
    }
}
