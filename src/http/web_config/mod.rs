//! The web configuration: TLS, passwords and headers, from the file that `--web.config.file` names.
//!
//! The format is that of Prometheus' exporter-toolkit.

mod client_auth;
mod fault;
mod files;
mod headers;
mod reload;
#[cfg(test)]
mod tests;
mod tls;
mod tls_section;
mod users;
mod versions;
mod yaml;

use std::path::Path;
use std::sync::Arc;
use std::{fmt, io};

use hyper::HeaderMap;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_saphyr::Spanned;
use tokio_rustls::rustls::ServerConfig;

pub use fault::WebConfigError;
pub use reload::ConfigReloader;

use fault::ConfigIssue;
use files::Files;
use headers::HttpSection;
use tls_section::TlsSection;
use users::Users;
use yaml::Entries;

/// The settings in the file.
pub struct WebConfig {
    /// TLS; without it, HTTP is plain.
    pub tls: Option<Arc<ServerConfig>>,
    /// To be sent with every response.
    pub headers: HeaderMap,
    users: Option<Arc<Users>>,
}

impl fmt::Debug for WebConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebConfig").field("tls", &self.tls.is_some()).field("users", &self.users).finish()
    }
}

impl WebConfig {
    /// Whether requests need a user's name and password.
    pub fn has_users(&self) -> bool {
        self.users.is_some()
    }

    /// Whether a request with these headers shows a user's name and password, where they are needed.
    pub async fn admits(&self, request: &HeaderMap) -> bool {
        match &self.users {
            Some(users) => users.admit(request).await,
            None => true,
        }
    }

    fn read(path: &Path, files: &mut Files) -> Result<Self, WebConfigError> {
        let unreadable = |error| WebConfigError::Unreadable(path.to_owned(), error);
        let bytes = files.read(path).map_err(unreadable)?;
        let text = std::str::from_utf8(bytes.expose_secret());
        let text = text.map_err(|_| unreadable(io::Error::other("it is not UTF-8 text")))?;
        match yaml::parse::<Sections>(text)
            .and_then(|sections| sections.map(|it| it.apply(files)).transpose())
        {
            Ok(Some(config)) => Ok(config),
            Ok(None) => Err(WebConfigError::Blank(path.to_owned())),
            Err(wrong) => Err(WebConfigError::Issue(path.to_owned(), wrong)),
        }
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sections {
    #[serde(default, deserialize_with = "yaml::filled")]
    tls_server_config: Option<Spanned<TlsSection>>,
    http_server_config: Option<HttpSection>,
    #[serde(default, deserialize_with = "yaml::filled")]
    basic_auth_users: Option<Spanned<Entries>>,
}

impl Sections {
    fn apply(self, files: &mut Files) -> Result<WebConfig, ConfigIssue> {
        Ok(WebConfig {
            tls: self.tls_server_config.map(|tls| tls::server_config(&tls, files)).transpose()?,
            headers: self.http_server_config.map(HttpSection::headers).transpose()?.unwrap_or_default(),
            users: self.basic_auth_users.map(Users::new).transpose()?.map(Arc::new),
        })
    }
}
