//! `http_server_config`: headers that every answer gets.
//!
//! Knows which may be set, and to what.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use secrecy::ExposeSecret;

use super::fault::{Fault, Wrong};
use super::section::{Section, Value};

const ALLOWED: &str = "Content-Security-Policy, X-Frame-Options, X-Content-Type-Options, X-XSS-Protection, \
                       Strict-Transport-Security";

/// The headers that are asked for.
pub(super) fn read(mut http: Section) -> Result<HeaderMap, Wrong> {
    // The server speaks HTTP/1.1 alone. `true` allows HTTP/2 and does not demand it, so neither value is wrong.
    if let Some(http2) = http.take("http2") {
        http2.flag()?;
    }
    let headers = http.take("headers").map(Value::section).transpose()?;
    http.finish("http2, headers")?;
    let mut map = HeaderMap::new();
    for header in headers.map(Section::rest).unwrap_or_default() {
        if let Some((name, value)) = one(&header)? {
            map.insert(name, value);
        }
    }
    Ok(map)
}

fn one(header: &Value) -> Result<Option<(HeaderName, HeaderValue)>, Wrong> {
    use hyper::header::{
        CONTENT_SECURITY_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        X_XSS_PROTECTION,
    };
    let visible: (&[&str], _) = (&[], "a line of visible ASCII characters");
    let (name, (values, takes)) = match header.key.as_str() {
        "Content-Security-Policy" => (CONTENT_SECURITY_POLICY, visible),
        "Strict-Transport-Security" => (STRICT_TRANSPORT_SECURITY, visible),
        "X-XSS-Protection" => (X_XSS_PROTECTION, visible),
        "X-Frame-Options" => (X_FRAME_OPTIONS, (&["deny", "sameorigin"][..], "deny or sameorigin")),
        "X-Content-Type-Options" => (X_CONTENT_TYPE_OPTIONS, (&["nosniff"][..], "nosniff")),
        _ => return Err(header.fault(Fault::NoSuchKey(ALLOWED))),
    };
    let Some(text) = header.text()?.map(|text| text.expose_secret()) else { return Ok(None) };
    let fits = values.is_empty() || values.contains(&text);
    let value = HeaderValue::from_str(text).ok().filter(|value| fits && value.to_str().is_ok());
    value.map(|value| Some((name, value))).ok_or_else(|| header.fault(Fault::Expected(takes)))
}
