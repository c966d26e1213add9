//! Whether an event comes from who has the secret: the Standard Webhooks scheme, with the names that Svix gives its headers as well.
//!
//! Source of the rules: docs.svix.com/receiving/verifying-payloads/how-manual, and the specification of Standard Webhooks. The crate
//! `standardwebhooks`, last released in 2024, reads the system's clock instead of ours, knows one name of each header and takes an empty
//! secret; `svix` brings thirteen further crates with its client. What is left is one HMAC, which `aws-lc-rs` does, as it does for TLS. The
//! tests sign with `standardwebhooks`.

use std::path::PathBuf;

use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use crate::secret_file::{Content, Secret, SecretFile, SecretFileError};

/// So far may the clock of who signed be from ours. An event that was recorded and is sent again is refused after that.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// Headers of both names: id, time, signatures.
const HEADERS: [[&str; 3]; 2] = [
    ["svix-id", "svix-timestamp", "svix-signature"],
    ["webhook-id", "webhook-timestamp", "webhook-signature"],
];

/// The longest id of an event that is taken.
const MAX_ID_BYTES: usize = 256;

/// What each secret begins with.
const SECRET_PREFIX: &str = "whsec_";

/// So many secrets may be good at once, while they are rotated.
const MAX_SECRETS: usize = 10;

/// The fewest bytes of a secret. Svix makes 24 of them.
const MIN_SECRET_BYTES: usize = 16;

const SECRET_FILE: Content = Content {
    file: "webhook secret file",
    secret: "secret",
    advice: "write the endpoint's signing secret into it, on one line",
    form: "one to ten lines of whsec_ and base64",
    read: checked,
};

/// Reads the file with the secrets.
///
/// # Errors
/// [`SecretFileError`], if the file has no usable secret now.
pub async fn secrets_in(path: PathBuf) -> Result<Secret, SecretFileError> {
    Ok(Secret::InFile(SecretFile::open(path, SECRET_FILE).await?))
}

fn checked(text: &str) -> Option<SecretString> {
    let secrets: Option<Vec<_>> = lines(text).map(key).collect();
    secrets.is_some_and(|secrets| (1..=MAX_SECRETS).contains(&secrets.len())).then(|| text.into())
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn key(secret: &str) -> Option<hmac::Key> {
    let bytes = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
    (bytes.len() >= MIN_SECRET_BYTES).then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// What the headers of an event say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims<'a> {
    /// The same one at each attempt to deliver the event.
    pub id: &'a str,
    /// When this attempt was signed, as it is written.
    timestamp: &'a str,
    signed_at: Timestamp,
    signatures: &'a str,
}

impl<'a> Claims<'a> {
    /// Reads them; none if one is missing or cannot be one.
    pub fn read(headers: &'a HeaderMap) -> Option<Self> {
        let texts = HEADERS.iter().find_map(|names| {
            let [id, timestamp, signatures] = names.map(|name| headers.get(name));
            Some([id?, timestamp?, signatures?])
        })?;
        let [Ok(id), Ok(timestamp), Ok(signatures)] = texts.map(|value| value.to_str()) else { return None };
        let is_number = timestamp.bytes().all(|b| b.is_ascii_digit());
        let signed_at = Timestamp::from_second(timestamp.parse().ok()?).ok()?;
        // A full stop would let a part of the body pass as the time, under the same signature.
        let is_id = !id.is_empty() && id.len() <= MAX_ID_BYTES && !id.contains('.');
        (is_id && is_number).then_some(Self { id, timestamp, signed_at, signatures })
    }

    /// Whether it was signed about now.
    pub fn is_recent(&self, now: Timestamp) -> bool {
        now.duration_since(self.signed_at).abs() <= TOLERANCE
    }

    /// Whether one of the signatures was made with one of `secrets`, over this body.
    pub fn are_signed(&self, body: &[u8], secrets: &SecretString) -> bool {
        let expected: Vec<hmac::Tag> = lines(secrets.expose_secret())
            .filter_map(key)
            .map(|key| {
                let mut context = hmac::Context::with_key(&key);
                for part in [self.id.as_bytes(), b".", self.timestamp.as_bytes(), b".", body] {
                    context.update(part);
                }
                context.sign()
            })
            .collect();
        let given = self.signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
        given.filter_map(|signature| STANDARD.decode(signature).ok()).any(|given| {
            expected.iter().any(|tag| constant_time::verify_slices_are_equal(tag.as_ref(), &given).is_ok())
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    // The example of Svix' own documentation.
    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const OTHER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

    fn headers(prefix: &str, id: &str, timestamp: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [("id", id), ("timestamp", timestamp), ("signature", signature)] {
            let name: hyper::header::HeaderName = format!("{prefix}-{name}").parse().unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn who_has_the_secret() {
        let many = format!("v2,x v1,{} {SIGNATURE}", "A".repeat(43) + "=");
        let both = format!("{OTHER}\n\n {SECRET}\r\n");
        for (prefix, signature, secrets, body, is_good) in [
            ("svix", SIGNATURE, SECRET, BODY, true),
            ("webhook", SIGNATURE, SECRET, BODY, true),
            ("svix", &*many, SECRET, BODY, true),
            ("svix", SIGNATURE, &*both, BODY, true),
            ("svix", SIGNATURE, OTHER, BODY, false),
            ("svix", SIGNATURE, SECRET, b"{}", false),
            ("svix", "v2,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=", SECRET, BODY, false),
            ("svix", "v1,", SECRET, BODY, false),
            ("svix", "v1,tZ1I", SECRET, BODY, false),
            ("svix", "", SECRET, BODY, false),
        ] {
            let headers = headers(prefix, ID, "1649367553", signature);
            let is_signed = Claims::read(&headers).unwrap().are_signed(body, &secrets.into());
            assert_eq!(is_signed, is_good, "{prefix}, {signature}, {secrets}");
        }
        for (id, timestamp) in [("msg_2", "1649367553"), (ID, "1649367554"), (ID, "01649367553")] {
            let headers = headers("svix", id, timestamp, SIGNATURE);
            assert!(!Claims::read(&headers).unwrap().are_signed(BODY, &SECRET.into()), "{id}, {timestamp}");
        }
    }

    #[test]
    fn headers_that_are_no_claims() {
        let long = "x".repeat(257);
        for (prefix, id, timestamp) in [
            ("other", ID, "1"),
            ("svix", "", "1"),
            ("svix", &*long, "1"),
            ("svix", "msg.1", "1"),
            ("svix", ID, ""),
            ("svix", ID, "-1"),
            ("svix", ID, "+1"),
            ("svix", ID, "1.5"),
            ("svix", ID, "now"),
            ("svix", ID, "99999999999999999999"),
            ("svix", ID, "999999999999999"),
        ] {
            assert_eq!(
                Claims::read(&headers(prefix, id, timestamp, SIGNATURE)),
                None,
                "{prefix}, {id}, {timestamp}"
            );
        }
        for missing in ["svix-id", "svix-timestamp", "svix-signature"] {
            let mut headers = headers("svix", ID, "1", SIGNATURE);
            headers.remove(missing);
            assert_eq!(Claims::read(&headers), None, "{missing}");
        }
        let mut headers = headers("svix", ID, "1", SIGNATURE);
        headers.insert("svix-id", hyper::header::HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(Claims::read(&headers), None, "not a text");
    }

    #[test]
    fn replays_are_refused_by_their_time() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        for (signed_at, is_recent) in
            [(1_000_000, true), (999_700, true), (999_699, false), (1_000_300, true), (1_000_301, false)]
        {
            let headers = headers("svix", ID, &signed_at.to_string(), SIGNATURE);
            assert_eq!(Claims::read(&headers).unwrap().is_recent(now), is_recent, "{signed_at}");
        }
    }

    #[test]
    fn what_a_secret_file_may_hold() {
        let ten = [SECRET; 10].join("\n");
        for good in [SECRET, &format!("{SECRET}\n{OTHER}"), &format!("{SECRET}\r\n\n{OTHER}"), &ten] {
            assert!(checked(good).is_some(), "{good}");
        }
        for bad in [
            "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "whsec_",
            "whsec_short",
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD!",
            &format!("{SECRET}\na comment"),
            &format!("{SECRET} {OTHER}"),
            &format!("{ten}\n{SECRET}"),
        ] {
            assert!(checked(bad).is_none(), "{bad}");
        }
    }
}
