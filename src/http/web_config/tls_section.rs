//! `tls_server_config` as it is written, and what is wrong with a value in it.

use secrecy::ExposeSecret;
use serde::Deserialize;

use super::fault::ConfigIssue;
use super::yaml::Text;

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsSection {
    pub(super) cert_file: Option<Text>,
    pub(super) key_file: Option<Text>,
    pub(super) cert: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) client_auth_type: Option<Text>,
    pub(super) client_ca_file: Option<Text>,
    pub(super) client_ca: Option<Text>,
    pub(super) min_version: Option<Text>,
    pub(super) max_version: Option<Text>,
    pub(super) cipher_suites: Option<Vec<Text>>,
    pub(super) prefer_server_cipher_suites: Option<bool>,
    pub(super) curve_preferences: Option<Vec<Text>>,
}

/// A fault of one of the section's values.
pub(super) fn wrong(key: &str, value: &Text, what: impl Into<String>) -> ConfigIssue {
    ConfigIssue::at(value, &["tls_server_config", key], what)
}

/// What the text stands for, by a table of names.
pub(super) fn named<T: Copy>(key: &str, text: &Text, known: &[(&str, T)]) -> Result<T, ConfigIssue> {
    let found = known.iter().find(|(name, _)| *name == text.value.expose_secret());
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        wrong(key, text, format!("takes one of {}", names.join(", ")))
    })
}
