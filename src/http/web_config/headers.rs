//! `http_server_config`: headers that every response gets.

use hyper::HeaderMap;
use hyper::header::{
    CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS, X_XSS_PROTECTION,
};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::fault::ConfigIssue;
use super::yaml::Entries;

/// The headers that may be set, each with the values that it takes: any text where there are none.
static ALLOWED: [(&str, HeaderName, &[&str]); 5] = [
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY, &[]),
    ("X-Frame-Options", X_FRAME_OPTIONS, &["deny", "sameorigin"]),
    ("X-Content-Type-Options", X_CONTENT_TYPE_OPTIONS, &["nosniff"]),
    ("X-XSS-Protection", X_XSS_PROTECTION, &[]),
    ("Strict-Transport-Security", STRICT_TRANSPORT_SECURITY, &[]),
];

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpSection {
    /// The server speaks HTTP/1.1 alone. `true` allows HTTP/2 and does not demand it, so neither value is wrong.
    #[serde(rename = "http2")]
    _http2: Option<bool>,
    headers: Option<Entries>,
}

impl HttpSection {
    /// The headers that are asked for.
    pub(super) fn headers(self) -> Result<HeaderMap, ConfigIssue> {
        let mut headers = HeaderMap::new();
        for (name, text) in self.headers.map(|entries| entries.0).unwrap_or_default() {
            let wrong =
                |what: String| ConfigIssue::at(&text, &["http_server_config", "headers", &name], what);
            let Some((_, header, values)) = ALLOWED.iter().find(|(allowed, ..)| *allowed == name) else {
                let allowed = ALLOWED.each_ref().map(|(name, ..)| *name).join(", ");
                return Err(wrong(format!("there is no such key; take one of {allowed}")));
            };
            let text = text.value.expose_secret();
            if !text.is_empty() && !values.is_empty() && !values.contains(&text) {
                return Err(wrong(format!("takes {}", values.join(" or "))));
            }
            let value = HeaderValue::from_str(text).ok().filter(|value| value.to_str().is_ok());
            let value = value.ok_or_else(|| wrong("takes a line of visible ASCII characters".to_owned()))?;
            if !value.is_empty() {
                headers.insert(header, value);
            }
        }
        Ok(headers)
    }
}
