//! Why one request gave nothing usable: the reason that is counted, and the cause in words for people.

use std::error::Error;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use tokio_rustls::rustls;

use super::body::has_other_coding;
use super::retry::retry_after;
use super::settings::Settings;
use crate::failure::{Failure, ReadError, Reason};
use crate::sanitize;

/// A failed attempt, and what it says about the next one.
#[derive(Debug)]
pub struct AttemptError {
    /// Why it failed.
    pub reason: Reason,
    /// How long the server asked us to wait.
    pub retry_after: Option<Duration>,
    /// As in [`ReadError`].
    pub host: Option<String>,
    /// As in [`ReadError`].
    pub cause: Option<String>,
}

impl From<Reason> for AttemptError {
    fn from(reason: Reason) -> Self {
        Self { reason, retry_after: None, host: None, cause: None }
    }
}

impl AttemptError {
    /// There was no response, or not all of it.
    pub fn no_response(error: &reqwest::Error, settings: &Settings) -> Self {
        let reason = reason_of(error);
        if !reason.is_network() {
            return reason.into();
        }
        let cause = match tunnel_refusal(error) {
            Some(Tunnel::Unauthorized) => refusal_by_proxy(settings).to_owned(),
            Some(Tunnel::Refused) => {
                "the proxy makes no connection to Nectar's host: ask who runs it".to_owned()
            }
            None => cause_of(error),
        };
        Self::on_the_way(reason, cause, settings)
    }

    /// The response has a status other than 200. Its body says why in free text, which may quote a login, so it is not read. `now` is
    /// our own time, for a response that does not give the server's.
    pub fn refused(response: &Response, settings: &Settings, now: Timestamp) -> Self {
        let (status, headers) = (response.status(), response.headers());
        let reason = reason_of_status(status);
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Self::on_the_way(reason, refusal_by_proxy(settings).to_owned(), settings);
        }
        let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        // By the clock of the server that wrote the date: ours may differ.
        let now = date(headers).unwrap_or(now);
        let retry_after = asked.and_then(|value| retry_after(value, now));
        Self { retry_after, cause: Some(words_of_response(response)), ..reason.into() }
    }

    /// The response does not come from Nectar's API; `words` describe it.
    pub fn unreadable(words: String) -> Self {
        Self { cause: Some(words), ..Reason::Decode.into() }
    }

    fn on_the_way(reason: Reason, cause: String, settings: &Settings) -> Self {
        Self { host: Some(settings.first_host()), cause: Some(cause), ..reason.into() }
    }
}

fn refusal_by_proxy(settings: &Settings) -> &'static str {
    if settings.proxy_has_user() {
        "the proxy refuses the user or password in its address; one that takes NTLM or Kerberos only cannot be used"
    } else {
        "the proxy wants a user's name and a password, as in http://user:password@proxy"
    }
}

impl From<AttemptError> for ReadError {
    fn from(failed: AttemptError) -> Self {
        Self { failure: Failure::Request(failed.reason), host: failed.host, cause: failed.cause }
    }
}

/// Why there is no response, or not all of it.
fn reason_of(error: &reqwest::Error) -> Reason {
    let http = causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
    if error.is_timeout() {
        // A longer timeout for requests would not help.
        if error.is_connect() { Reason::Connect } else { Reason::Timeout }
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

/// The innermost cause: what the operating system or TLS says.
fn cause_of(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no connection in time: does a firewall drop it, or does the name lead nowhere?".to_owned();
    }
    match causes(error).last() {
        Some(cause) => match cause.downcast_ref::<rustls::Error>() {
            Some(error) => words_of_tls(error),
            None => sanitize::clean(&cause.to_string()),
        },
        None => "no cause is known".to_owned(),
    }
}

/// How a proxy refuses to make a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tunnel {
    /// It wants a user name and a password that it accepts.
    Unauthorized,
    /// For another reason, which the library does not give.
    Refused,
}

/// Whether a proxy refused to make the connection, and how.
fn tunnel_refusal(error: &reqwest::Error) -> Option<Tunnel> {
    // The library distinguishes them by their text only.
    causes(error).find_map(|cause| match cause.to_string().strip_prefix("tunnel error: ")? {
        "proxy authorization required" => Some(Tunnel::Unauthorized),
        "unsuccessful" => Some(Tunnel::Refused),
        _ => None,
    })
}

/// What a response has that the API does not send, without quoting its text.
pub fn words_of_response(response: &Response) -> String {
    let (status, headers) = (response.status(), response.headers());
    let mut words = match status.canonical_reason() {
        Some(reason) => format!("it answers {} {reason}", status.as_u16()),
        None => format!("it answers {}", status.as_u16()),
    };
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let target = response.url().join(header(LOCATION)).ok();
    if let Some(target) =
        target.filter(|url| status.is_redirection() && matches!(url.scheme(), "http" | "https"))
    {
        words += &format!(", to {}", sanitize::clean(&target.origin().ascii_serialization()));
    }
    if is_page(headers) {
        words += ", with a page for people: perhaps not from Nectar, but from something before it";
    }
    if has_other_coding(headers) {
        words += ", in a coding that it was not asked for";
    }
    words
}

/// Whether it is HTML, which Nectar's API does not send.
pub fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/html")
}

/// In our own words, because the library's name its types.
fn words_of_tls(error: &rustls::Error) -> String {
    use rustls::{AlertDescription, CertificateError as Wrong, Error, InvalidMessage};
    let words = match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the server does not speak TLS: is it http://?"
        }
        Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            "the server takes no version of TLS from 1.2 on"
        }
        Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            "the server breaks off: perhaps it wants a certificate of its client, takes no cipher that is safe, or does not know the name"
        }
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server wants a certificate of its client, and this program has none to give"
        }
        Error::InvalidCertificate(wrong) => match wrong {
            Wrong::Expired | Wrong::ExpiredContext { .. } => "the server's certificate has expired",
            Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet"
            }
            Wrong::NotValidForNameContext { presented, .. } if presented.is_empty() => {
                "the server's certificate has no subjectAltName; a name in its subject (CN) does not count"
            }
            Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => {
                "the server's certificate is for another name"
            }
            // The second one occurs if the trusted key has another type.
            Wrong::BadSignature | Wrong::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                "the server's certificate is signed with another key than the trusted one of that name, or with one too short to be safe"
            }
            Wrong::UnknownIssuer => "the server's certificate is signed by nobody who is trusted here",
            Wrong::UnsupportedSignatureAlgorithmContext { .. } => {
                "the server's certificate is signed in a way that is not safe, such as SHA-1"
            }
            Wrong::InvalidPurpose | Wrong::InvalidPurposeContext { .. } => {
                "the server's certificate is not made for servers (extendedKeyUsage)"
            }
            // Errors of a lower-level library, which cannot be named here.
            Wrong::Other(other) if format!("{other:?}").contains("UnsupportedCertVersion") => {
                "the server's certificate is of an old version of X.509; version 3 is needed"
            }
            Wrong::Other(other) if format!("{other:?}").contains("EkuError") => {
                "the server's certificate is not made for servers (extendedKeyUsage)"
            }
            Wrong::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
                "the server's certificate is that of an authority (CA:TRUE); it needs one with basicConstraints=CA:FALSE"
            }
            _ => return sanitize::clean(&error.to_string()),
        },
        _ => return sanitize::clean(&error.to_string()),
    };
    words.to_owned()
}

/// The causes of an error, outermost first.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| cause_within(*cause))
}

/// TLS errors are wrapped in those of the operating system.
fn cause_within<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(hidden) => Some(hidden),
        None => cause.source(),
    }
}

/// The reason for a response with any status other than 200.
fn reason_of_status(status: StatusCode) -> Reason {
    match status.as_u16() {
        401 => Reason::Auth,
        403 => Reason::Forbidden,
        404 => Reason::NotFound,
        // Sent by a proxy: Nectar was not asked.
        407 => Reason::Connect,
        429 => Reason::RateLimited,
        400..=499 => Reason::ClientError,
        500..=599 => Reason::ServerError,
        200..=299 => Reason::Decode,
        _ => Reason::Other,
    }
}

/// The server's time, if the response gives it.
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    date.and_then(|date| Timestamp::try_from(date).ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::future;
    use std::sync::Arc;
    use std::time::Duration;

    use reqwest::dns::{Name, Resolve, Resolving};
    use rustls::{AlertDescription, CertificateError, OtherError};

    use super::*;

    /// A resolver that never responds.
    struct Silent;

    impl Resolve for Silent {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(future::pending())
        }
    }

    #[tokio::test]
    async fn a_connection_that_never_comes_is_no_slow_answer() {
        let builder = reqwest::Client::builder().no_proxy().tls_certs_only([]).dns_resolver(Arc::new(Silent));
        let client = builder.connect_timeout(Duration::from_millis(1)).build().unwrap();
        let error = client.get("http://nectar.example").send().await.unwrap_err();
        assert_eq!(reason_of(&error), Reason::Connect);
        assert!(cause_of(&error).contains("no connection in time"));
    }

    #[test]
    fn tls_in_words() {
        use rustls::Error::{AlertReceived, InvalidCertificate};
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Variant(&'static str);
        let other = |name| {
            let variant = OtherError(Arc::new(Variant(name)));
            InvalidCertificate(CertificateError::Other(variant))
        };
        for (error, words) in [
            (AlertReceived(AlertDescription::ProtocolVersion), "no version of TLS from 1.2 on"),
            (
                AlertReceived(AlertDescription::HandshakeFailure),
                "perhaps it wants a certificate of its client",
            ),
            (AlertReceived(AlertDescription::CertificateRequired), "wants a certificate of its client"),
            (InvalidCertificate(CertificateError::BadSignature), "or with one too short"),
            (InvalidCertificate(CertificateError::UnknownIssuer), "nobody who is trusted here"),
            (other("CaUsedAsEndEntity"), "CA:FALSE"),
            (other("UnsupportedCertVersion"), "version 3 is needed"),
            (other("EkuError"), "not made for servers"),
        ] {
            assert!(words_of_tls(&error).contains(words), "{error:?}: {}", words_of_tls(&error));
        }
    }

    #[test]
    fn what_a_status_says() {
        for (status, reason) in [
            (401, Reason::Auth),
            (403, Reason::Forbidden),
            (404, Reason::NotFound),
            (407, Reason::Connect),
            (429, Reason::RateLimited),
            (400, Reason::ClientError),
            (418, Reason::ClientError),
            (500, Reason::ServerError),
            (599, Reason::ServerError),
            (204, Reason::Decode),
            (302, Reason::Other),
            (100, Reason::Other),
        ] {
            assert_eq!(reason_of_status(StatusCode::from_u16(status).unwrap()), reason, "{status}");
        }
    }
}
