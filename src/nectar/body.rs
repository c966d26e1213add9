//! The body of a response, unpacked, within limits.
//!
//! Sources: RFC 9110, section 8.4.1, for the codings; RFC 1952 for gzip.

use std::io::{self, ErrorKind, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use crate::failure::Reason;

/// A larger response, packed or unpacked, is not read: it cannot be a page of 500 connections.
pub const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// The whole body, unpacked.
///
/// # Errors
/// [`Unread::Refused`] for a body that is too large, or in a coding that we did not ask for; otherwise why it ended early.
pub async fn read_body(mut response: Response) -> Result<Bytes, Unread> {
    let mut body = Body::of(response.headers())?;
    let mut left = MAX_BODY_BYTES;
    while let Some(chunk) = response.chunk().await? {
        left = left.checked_sub(chunk.len()).ok_or(Unread::Refused(Reason::TooLarge))?;
        body.add(&chunk).map_err(|error| reason_of_unpacking(&error))?;
    }
    Ok(body.whole().map_err(|error| reason_of_unpacking(&error))?)
}

/// Why a body was not read to its end.
#[derive(Debug)]
pub enum Unread {
    /// It is not one that we read.
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

/// A body while it is being received.
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

/// Bytes up to [`MAX_BODY_BYTES`].
#[derive(Default)]
struct Limited(Vec<u8>);

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > MAX_BODY_BYTES {
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

/// Whether the body is in a coding that we did not ask for.
pub fn has_other_coding(headers: &HeaderMap) -> bool {
    Body::of(headers).is_err()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flate2::{Compression, GzBuilder};

    use super::*;

    const PLAIN: &[u8] = b"[]\n";

    fn packed(builder: GzBuilder, plain: &[u8], level: Compression) -> Vec<u8> {
        let mut encoder = builder.write(Vec::new(), level);
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn member(plain: &[u8]) -> Vec<u8> {
        packed(GzBuilder::new(), plain, Compression::fast())
    }

    /// What becomes of a body that comes in two parts, under this `Content-Encoding`.
    fn unpacked(coding: &str, body: &[u8]) -> Result<Bytes, Reason> {
        let headers = [(CONTENT_ENCODING, coding.parse().unwrap())].into_iter().collect();
        let mut whole = Body::of(&headers)?;
        let (begin, end) = body.split_at(body.len() / 2);
        for part in [begin, end] {
            whole.add(part).map_err(|error| reason_of_unpacking(&error))?;
        }
        whole.whole().map_err(|error| reason_of_unpacking(&error))
    }

    #[test]
    fn every_coding_of_gzip_is_read() {
        let whole = member(PLAIN);
        for coding in ["gzip", "GZIP", "Gzip", "x-gzip", "X-GZIP", " gzip ", "identity, gzip"] {
            assert_eq!(unpacked(coding, &whole), Ok(PLAIN.into()), "{coding}");
        }
        for coding in ["identity", "Identity", ""] {
            assert_eq!(unpacked(coding, PLAIN), Ok(PLAIN.into()), "{coding:?}");
        }
        let twice = member(&whole);
        for (coding, body) in [("br", &*whole), ("deflate", &whole), ("gzip, gzip", &twice), ("gzip", PLAIN)]
        {
            assert_eq!(unpacked(coding, body), Err(Reason::Decode), "{coding}");
        }
    }

    /// RFC 1952: several members, and each of the optional fields of a member's head.
    #[test]
    fn every_form_of_gzip_is_read() {
        let (begin, end) = PLAIN.split_at(1);
        let named = || {
            GzBuilder::new().filename("list.json").comment("of companies").mtime(1).extra(vec![1, 2, 0, 0])
        };
        let mut cut = member(PLAIN);
        cut.pop();
        let mut wrong = member(PLAIN);
        *wrong.last_mut().unwrap() ^= 1;
        for (name, body, expected) in [
            ("several members", [member(begin), member(b""), member(end)].concat(), Ok(())),
            ("all fields", packed(named(), PLAIN, Compression::fast()), Ok(())),
            ("stored", packed(GzBuilder::new(), PLAIN, Compression::none()), Ok(())),
            ("cut", cut, Err(Reason::Decode)),
            ("another length", wrong, Err(Reason::Decode)),
            ("something behind it", [&*member(PLAIN), b"more"].concat(), Err(Reason::Decode)),
        ] {
            let unpacked = unpacked("gzip", &body).map(|unpacked| assert_eq!(unpacked, PLAIN, "{name}"));
            assert_eq!(unpacked, expected, "{name}");
        }
    }

    #[test]
    fn no_more_is_unpacked_than_an_answer_may_have() {
        let blanks = vec![b' '; MAX_BODY_BYTES];
        assert!(unpacked("gzip", &member(&blanks)).is_ok());
        let bomb = [member(&blanks), member(b" ")].concat();
        assert_eq!(unpacked("gzip", &bomb), Err(Reason::TooLarge));
        assert_eq!(unpacked("", &[&*blanks, b" "].concat()), Err(Reason::TooLarge));
    }
}
