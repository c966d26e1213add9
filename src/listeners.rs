//! The sockets of the exporter: those for scrapes and pages, and those for webhook events.

use std::io;
use std::net::TcpListener as StdTcpListener;

use listenfd::ListenFd;
use nectar_exporter::config::{Config, Web};
use nectar_exporter::http::{ListenAddress, bind_all};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::StartError;
use crate::startup::StartupSummary;

/// One of each, for scrapes and pages, and for webhook events.
pub struct ByServer<T> {
    pub web: T,
    pub webhook: T,
}

pub type Addresses = ByServer<Vec<ListenAddress>>;

/// The sockets that systemd has opened for this process, for scrapes and pages; none if it serves on addresses. To be called while
/// there is one thread, since it takes variables away that no child may have.
pub fn of_systemd(web: &Web) -> Result<Option<Vec<StdTcpListener>>, StartError> {
    if !web.systemd_socket {
        return Ok(None);
    }
    let mut given = ListenFd::from_env();
    let mut sockets = Vec::new();
    for index in 0..given.len() {
        sockets.extend(given.take_tcp_listener(index).map_err(StartError::SystemdSocket)?);
    }
    if sockets.is_empty() { Err(StartError::NoSystemdSocket) } else { Ok(Some(sockets)) }
}

impl Addresses {
    pub fn of(settings: &Config) -> Self {
        let webhook = settings.webhook.as_ref().map(|webhook| webhook.listen_addresses.clone());
        Self { web: settings.web.listen_addresses.clone(), webhook: webhook.unwrap_or_default() }
    }

    /// Binds every address, but for scrapes takes the sockets of `systemd` instead, if there are any; and logs what has begun and where,
    /// a line each. Returns no listeners if `stop` comes first: a name can take long to resolve.
    pub async fn listen(
        &self,
        systemd: Option<Vec<StdTcpListener>>,
        summary: &StartupSummary,
        stop: &CancellationToken,
    ) -> Result<ByServer<Vec<TcpListener>>, StartError> {
        let bound = async {
            let web = match systemd {
                Some(sockets) => sockets.into_iter().map(registered).collect::<Result<_, _>>()?,
                None => bind_all(&self.web).await?,
            };
            Ok::<_, StartError>(ByServer { web, webhook: bind_all(&self.webhook).await? })
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

fn registered(socket: StdTcpListener) -> Result<TcpListener, StartError> {
    let registered = socket.set_nonblocking(true).and_then(|()| TcpListener::from_std(socket));
    registered.map_err(StartError::SystemdSocket)
}

/// Logs where these listen, a line each, in these words.
pub fn say_where(msg: &str, listeners: &[TcpListener]) -> io::Result<()> {
    for listener in listeners {
        info!(msg, address = %listener.local_addr()?);
    }
    Ok(())
}
