//! Who may come in, and how: TLS, passwords and headers, by the file that `--web.config.file` names.
//!
//! The format is that of Prometheus' exporter-toolkit. Knows that file, and those that it names.

mod client_auth;
mod fault;
mod files;
mod headers;
mod reload;
mod section;
mod tls;
mod users;
mod versions;
mod yaml;

use std::fmt;
use std::sync::Arc;

use hyper::HeaderMap;
use tokio_rustls::rustls::ServerConfig;

pub use fault::WebConfigError;
pub use reload::ConfigReloader;

use fault::Wrong;
use files::Files;
use section::Section;
use users::Users;

/// What one reading of the file says.
pub struct WebConfig {
    /// How TLS is spoken; without it, HTTP is plain.
    pub tls: Option<Arc<ServerConfig>>,
    /// To be sent with every answer.
    pub headers: HeaderMap,
    users: Option<Arc<Users>>,
}

impl fmt::Debug for WebConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebConfig").field("tls", &self.tls.is_some()).field("users", &self.users).finish()
    }
}

impl WebConfig {
    /// Whether a request with these headers may have what is behind the password.
    pub async fn admits(&self, request: &HeaderMap) -> bool {
        match &self.users {
            Some(users) => users.admit(request).await,
            None => true,
        }
    }

    fn read(mut file: Section, files: &mut Files) -> Result<Self, Wrong> {
        let tls = file.take("tls_server_config").map(|tls| tls::read(tls.section()?, files)).transpose()?;
        let headers =
            file.take("http_server_config").map(|http| headers::read(http.section()?)).transpose()?;
        let users = file.take("basic_auth_users").map(|users| Users::read(users.section()?)).transpose()?;
        file.refuse("rate_limit", "the server has fixed limits of its own")?;
        file.finish("tls_server_config, http_server_config, basic_auth_users")?;
        Ok(Self { tls, headers: headers.unwrap_or_default(), users: users.map(Arc::new) })
    }
}
