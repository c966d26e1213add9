//! The sockets of the exporter: those for scrapes and pages, and those for webhook events.

use std::io;

use nectar_exporter::config::Config;
use nectar_exporter::http::{BindError, ListenAddress, bind_all};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{StartError, StartupSummary};

/// One of each, for scrapes and pages, and for webhook events.
pub struct ByServer<T> {
    pub web: T,
    pub webhook: T,
}

pub type Addresses = ByServer<Vec<ListenAddress>>;

impl Addresses {
    pub fn of(settings: &Config) -> Self {
        let webhook = settings.webhook.as_ref().map(|webhook| webhook.listen_addresses.clone());
        Self { web: settings.web.listen_addresses.clone(), webhook: webhook.unwrap_or_default() }
    }

    /// Binds every address, and logs what has begun and where, a line each. Returns no listeners if `stop` comes first: a name can
    /// take long to resolve.
    pub async fn listen(
        &self,
        summary: &StartupSummary,
        stop: &CancellationToken,
    ) -> Result<ByServer<Vec<TcpListener>>, StartError> {
        let bound = async {
            let web = bind_all(&self.web).await?;
            Ok::<_, BindError>(ByServer { web, webhook: bind_all(&self.webhook).await? })
        };
        let listeners = tokio::select! {
            () = stop.cancelled() => return Ok(ByServer { web: Vec::new(), webhook: Vec::new() }),
            bound = bound => bound?,
        };
        summary.say().await;
        say_where("Listening on", &listeners.web)?;
        say_where("Receiving webhook events on", &listeners.webhook)?;
        Ok(listeners)
    }
}

/// Logs where these listen, a line each, in these words.
pub fn say_where(msg: &str, listeners: &[TcpListener]) -> io::Result<()> {
    for listener in listeners {
        info!(msg, address = %listener.local_addr()?);
    }
    Ok(())
}
