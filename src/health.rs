//! `nectar-exporter health`: asks the exporter on this machine whether it is ready, as the health check of a container does.

use std::error::Error;
use std::time::Duration;

use reqwest::StatusCode;

use crate::config::Web;
use crate::http::ListenAddress;

/// An exporter that does not respond for so long is not healthy. Docker itself waits for 30 seconds.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why the exporter does not count as healthy.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// There is no address to ask.
    #[error("--web.listen-address takes an address with a port, and not 0, to be asked for its health")]
    NoAddress,
    /// It did not respond.
    #[error("{url} cannot be asked: {cause}; is the exporter running, with the same flags?")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What the client said.
        cause: String,
    },
    /// There was no good poll yet.
    #[error("{0} returns 503: there was no good poll of Nectar yet; the exporter's log says why")]
    NotReady(String),
    /// Something else is there, or the path is another.
    #[error("{0} returns {1}; is it the exporter, with the same flags?")]
    Unexpected(String, StatusCode),
}

/// Asks for `/-/ready` at the first address of `web`, and returns when the response is 200.
///
/// Nothing secret is sent, since this path needs no password. So the certificate is not checked, which is made for the name that
/// Prometheus uses, and not for this one.
///
/// # Errors
/// [`HealthError`], if it cannot be asked or is not ready.
pub async fn ask(web: &Web, has_tls: bool) -> Result<(), HealthError> {
    let address =
        web.listen_addresses.first().and_then(ListenAddress::to_ask).ok_or(HealthError::NoAddress)?;
    let scheme = if has_tls { "https" } else { "http" };
    let url = format!("{scheme}://{address}{}/-/ready", web.paths.prefix);
    let unreachable = |error: reqwest::Error| {
        let mut cause: &dyn Error = &error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        let cause = cause.to_string();
        HealthError::Unreachable { url: url.clone(), cause }
    };
    let client = reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).timeout(TIMEOUT);
    let response = client.build().map_err(unreachable)?.get(&url).send().await.map_err(unreachable)?;
    match response.status() {
        StatusCode::OK => Ok(()),
        StatusCode::SERVICE_UNAVAILABLE => Err(HealthError::NotReady(url)),
        status => Err(HealthError::Unexpected(url, status)),
    }
}
