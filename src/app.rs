//! Puts the exporter together: poller, fleet, metrics, routes.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::clock::SharedClock;
use crate::config::Config;
use crate::failure::{FILE_READ_TIMEOUT, Reread};
use crate::fleet::FleetWriter;
use crate::http::auth::Auth;
use crate::http::routes::Routes;
use crate::http::web_config::ConfigReloader;
use crate::http::{Limits, TlsMode, serve};
use crate::metrics::{Exposition, SelfMetrics};
use crate::nectar::{Client, ClientError, Key};
use crate::observe::DroppedLines;
use crate::poll::Poller;
use crate::worker::SpawnError;

/// Why the exporter could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The client for Nectar could not be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A metric is declared twice, or with a name that the client library refuses.
    #[error("the exporter's own metrics cannot be set up: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The system gave no thread to render metrics or pages on.
    #[error(transparent)]
    Thread(#[from] SpawnError),
    /// The poll loop ended without being asked to: a bug.
    #[error("polling stopped by a fault in this program; restart it, and please report what stands above")]
    PollerStopped,
}

/// An exporter that was not started yet.
#[derive(Debug)]
pub struct App {
    poller: Poller,
    exposition: Exposition,
    routes: Routes,
    clock: SharedClock,
    web_config: Option<Arc<ConfigReloader>>,
    limits: Limits,
    key: Arc<Key>,
    reload: Arc<Notify>,
    self_metrics: Arc<SelfMetrics>,
    has_ca_file: bool,
}

impl App {
    /// Puts the parts together. Nothing is sent or served yet. `dropped_lines` counts the lines that the log drops.
    ///
    /// # Errors
    /// [`AppError`], if one of the parts cannot be set up.
    pub fn new(
        settings: Config,
        key: Key,
        clock: SharedClock,
        dropped_lines: DroppedLines,
    ) -> Result<Self, AppError> {
        let self_metrics = Arc::new(SelfMetrics::new(dropped_lines)?);
        let key = Arc::new(key);
        let has_ca_file = settings.nectar.extra_certificates.is_some();
        let client =
            Client::new(settings.nectar, Arc::clone(&key), Arc::clone(&clock), self_metrics.clone())?;
        let writer = FleetWriter::new(settings.metrics.check_interval, self_metrics.clone());
        let fleet = writer.reader();
        let exposition = Exposition::new(fleet, self_metrics.clone(), Arc::clone(&clock), settings.metrics)?;
        let routes = Routes::new(
            exposition.clone(),
            Arc::clone(&clock),
            settings.web.paths,
            settings.web.is_demo,
            self_metrics.clone(),
        )?;
        let poller = Poller::new(
            client,
            writer,
            exposition.clone(),
            Arc::clone(&clock),
            settings.poll,
            self_metrics.clone(),
        );
        let (web_config, limits, reload) = (None, Limits::default(), Arc::default());
        Ok(Self {
            poller,
            exposition,
            routes,
            clock,
            web_config,
            limits,
            key,
            reload,
            self_metrics,
            has_ca_file,
        })
    }

    /// Adds TLS, passwords and headers, as `web_config` has them.
    #[must_use]
    pub fn protected_by(self, web_config: Option<ConfigReloader>) -> Self {
        Self { web_config: web_config.map(Arc::new), ..self }
    }

    /// Limits connections to what a process with this many file `descriptors` can serve.
    #[must_use]
    pub fn within(self, descriptors: u64) -> Self {
        Self { limits: self.limits.within(descriptors), ..self }
    }

    /// Reads the key file and the web configuration again at every notification of `reload`.
    #[must_use]
    pub fn reloading_on(self, reload: Arc<Notify>) -> Self {
        Self { reload, ..self }
    }

    /// Polls, and serves on `listeners`, until `stop`.
    ///
    /// # Errors
    /// [`AppError::PollerStopped`], if polling ends before `stop`.
    pub async fn run(self, listeners: Vec<TcpListener>, stop: CancellationToken) -> Result<(), AppError> {
        let polling = tokio::spawn(self.poller.run(stop.clone()));
        tokio::spawn(self.exposition.publish_changes(stop.clone()));
        let web_config = self.web_config;
        let reloading =
            reload_when_told(self.reload, self.key, web_config.clone(), self.has_ca_file, stop.clone());
        tokio::spawn(reloading);
        if let Some(web_config) = &web_config {
            tokio::spawn(Arc::clone(web_config).watch(self.clock, stop.clone()));
        }
        let tls_mode = tls_mode(web_config.as_ref());
        let auth = Auth::new(self.routes, web_config);
        let respond = move |request| auth.clone().respond(request);
        let serving = serve(tls_mode, listeners, self.limits, respond, self.self_metrics, stop.clone());
        tokio::pin!(serving);
        tokio::select! {
            () = &mut serving => Ok(()),
            // Serving without polling would go on showing old data.
            _ = polling => {
                let asked_to_stop = stop.is_cancelled();
                stop.cancel();
                serving.await;
                if asked_to_stop { Ok(()) } else { Err(AppError::PollerStopped) }
            }
        }
    }
}

async fn reload_when_told(
    reload: Arc<Notify>,
    key: Arc<Key>,
    web_config: Option<Arc<ConfigReloader>>,
    has_ca_file: bool,
    stop: CancellationToken,
) {
    let ca_file = has_ca_file.then_some("not read again: that takes a restart");
    let told = async {
        loop {
            reload.notified().await;
            let api_key_file = key.refresh().await.words();
            let web_config_file = match &web_config {
                // A file that hangs must not keep the key from being read the next time.
                Some(web_config) => {
                    timeout(FILE_READ_TIMEOUT, web_config.reload()).await.map_or(Some("hangs"), Reread::words)
                }
                None => None,
            };
            match api_key_file.or(web_config_file).or(ca_file) {
                Some(_) => {
                    info!(msg = "SIGHUP: files were read again", api_key_file, web_config_file, ca_file)
                }
                None => info!(msg = "SIGHUP: there is no file to read again"),
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = told => {}
    }
}

/// Whether there is TLS is settled at the start; which certificate is used, at each connection.
fn tls_mode(web_config: Option<&Arc<ConfigReloader>>) -> TlsMode {
    match web_config {
        Some(web_config) if web_config.has_tls() => {
            let web_config = Arc::clone(web_config);
            TlsMode::Tls(Arc::new(move || web_config.now().tls.clone()))
        }
        _ => TlsMode::Plain,
    }
}
