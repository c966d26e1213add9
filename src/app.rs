//! Puts the exporter together: poller, fleet, metrics, routes, webhooks.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::config::Config;
use crate::fleet::FleetWriter;
use crate::http::auth::Auth;
use crate::http::routes::Routes;
use crate::http::web_config::ConfigReloader;
use crate::http::{Limits, Request, TlsMode, serve};
use crate::metrics::{Exposition, SelfMetrics, StorageMetrics, WebhookMetrics};
use crate::nectar::{Client, ClientError, Key};
use crate::observe::{DroppedLines, ObserveEvents, Uncounted};
use crate::poll::Poller;
use crate::reload::ReloadedFiles;
use crate::secret_file::Secret;
use crate::storage::{self, Fingerprint, Storage};
use crate::systemd::Systemd;
use crate::webhook::{self, Receiver, watch_secrets};
use crate::worker::SpawnError;

/// At the end, a folder that hangs is waited for no longer than this.
const LAST_WRITE: Duration = Duration::from_secs(5);

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
pub struct App {
    poller: Poller,
    writer: FleetWriter,
    storage: Option<Storage>,
    exposition: Exposition,
    routes: Routes,
    clock: SharedClock,
    web_config: Option<Arc<ConfigReloader>>,
    limits: Limits,
    key: Arc<Key>,
    reload: Arc<Notify>,
    self_metrics: Arc<SelfMetrics>,
    has_ca_file: bool,
    events: Arc<dyn ObserveEvents>,
    webhooks: Option<(Webhooks, Vec<TcpListener>)>,
    systemd: Option<Systemd>,
}

/// What webhook events are received with.
#[derive(Debug)]
pub struct Webhooks {
    /// The path of the events.
    pub path: String,
    /// What they are signed with.
    pub secrets: Arc<Secret>,
    /// TLS and headers, if there is a file with them.
    pub web_config: Option<Arc<ConfigReloader>>,
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
        let events: Arc<dyn ObserveEvents> = match settings.webhook {
            Some(_) => Arc::new(WebhookMetrics::new(self_metrics.registry())?),
            None => Arc::new(Uncounted),
        };
        let (base_url, check_interval) = (settings.nectar.base_url.clone(), settings.metrics.check_interval);
        let key = Arc::new(key);
        let has_ca_file = settings.nectar.extra_certificates.is_some();
        let client =
            Client::new(settings.nectar, Arc::clone(&key), Arc::clone(&clock), self_metrics.clone())?;
        let writer = FleetWriter::new(check_interval);
        let fleet = writer.reader();
        let exposition = Exposition::new(fleet, self_metrics.clone(), Arc::clone(&clock), settings.metrics)?;
        let routes = Routes::new(
            exposition.clone(),
            Arc::clone(&clock),
            settings.web.paths,
            settings.web.is_demo,
            self_metrics.clone(),
        )?;
        let storage = settings.storage_path.map(|path| {
            let fingerprint = Fingerprint::of(&base_url, &settings.poll.selection);
            let settings = storage::Settings { path, fingerprint, check_interval };
            let observer = Arc::new(StorageMetrics::new(self_metrics.registry())?);
            Ok::<Storage, AppError>(Storage::new(
                settings,
                writer.reader(),
                Arc::clone(&clock),
                observer,
                exposition.started(),
            )?)
        });
        let storage = storage.transpose()?;
        let poller = Poller::new(
            client,
            writer.clone(),
            exposition.clone(),
            Arc::clone(&clock),
            settings.poll,
            self_metrics.clone(),
            Arc::clone(&events),
        );
        let (web_config, webhooks, systemd) = (None, None, None);
        let (limits, reload) = Default::default();
        Ok(Self {
            poller,
            writer,
            storage,
            exposition,
            routes,
            clock,
            web_config,
            limits,
            key,
            reload,
            self_metrics,
            has_ca_file,
            events,
            webhooks,
            systemd,
        })
    }

    /// Adds TLS, passwords and headers, as `web_config` has them.
    #[must_use]
    pub fn protected_by(self, web_config: Option<ConfigReloader>) -> Self {
        Self { web_config: web_config.map(Arc::new), ..self }
    }

    /// Receives webhook events on `listeners`, if there are `webhooks`. They are counted if the settings are those of an exporter that
    /// receives.
    #[must_use]
    pub fn receiving(self, webhooks: Option<Webhooks>, listeners: Vec<TcpListener>) -> Self {
        Self { webhooks: webhooks.map(|webhooks| (webhooks, listeners)), ..self }
    }

    /// Limits connections to what a process with this many file `descriptors` can serve.
    #[must_use]
    pub fn within(self, descriptors: u64) -> Self {
        Self { limits: self.limits.within(descriptors), ..self }
    }

    /// Reads the files with secrets and the web configurations again at every notification of `reload`.
    #[must_use]
    pub fn reloading_on(self, reload: Arc<Notify>) -> Self {
        Self { reload, ..self }
    }

    /// Tells `systemd`, if it wants to be told, how the exporter is.
    #[must_use]
    pub fn telling(self, systemd: Option<Systemd>) -> Self {
        Self { systemd, ..self }
    }

    /// Polls, and serves on `listeners`, until `stop`.
    ///
    /// # Errors
    /// [`AppError::PollerStopped`], if polling ends before `stop`.
    pub async fn run(mut self, listeners: Vec<TcpListener>, stop: CancellationToken) -> Result<(), AppError> {
        let storing = self.restore(&stop).await;
        let webhooks = self.webhooks.take();
        let files = self.files(webhooks.as_ref().map(|(webhooks, _)| webhooks));
        tokio::spawn(files.reload_when_told(Arc::clone(&self.reload), stop.clone()));
        let server = Server {
            clock: self.clock,
            observer: self.self_metrics,
            limits: self.limits,
            stop: stop.clone(),
        };
        let telling =
            self.systemd.map(|systemd| tokio::spawn(systemd.tell(self.poller.watched(), stop.clone())));
        let receiving = webhooks
            .map(|(webhooks, listeners)| server.receive(webhooks, listeners, &self.poller, self.events));
        let mut reading = JoinSet::new();
        reading.spawn(self.poller.event_readings().run(stop.clone()));
        reading.spawn(self.poller.run(stop.clone()));
        tokio::spawn(self.exposition.publish_changes(stop.clone()));
        let routes = self.routes;
        let is_open = {
            let routes = routes.clone();
            move |path: &str| routes.is_open(path)
        };
        let respond = move |request| routes.clone().respond(request);
        let serving = server.serve(self.web_config, listeners, self.limits, is_open, respond);
        let serving = async {
            tokio::join!(serving, futures::future::OptionFuture::from(receiving));
            stop.cancel();
        };
        let working = async {
            // Serving without polling would go on showing old data; and events would be taken for nothing.
            let _ = reading.join_next().await;
            let asked_to_stop = stop.is_cancelled();
            stop.cancel();
            let last = async {
                // What they had read is in the fleet then, and is stored.
                while reading.join_next().await.is_some() {}
                if let Some((storing, stop_storing)) = storing {
                    stop_storing.cancel();
                    let _ = storing.await;
                }
                if let Some(telling) = telling {
                    let _ = telling.await;
                }
            };
            let _ = timeout(LAST_WRITE, last).await;
            asked_to_stop
        };
        // The state is stored while clients take their last responses.
        let ((), asked_to_stop) = tokio::join!(serving, working);
        if asked_to_stop { Ok(()) } else { Err(AppError::PollerStopped) }
    }

    /// Shows what was stored, if something is to be stored, and goes on storing until that is stopped.
    async fn restore(&mut self, stop: &CancellationToken) -> Option<(JoinHandle<()>, CancellationToken)> {
        let mut storage = self.storage.take()?;
        tokio::select! {
            () = stop.cancelled() => return None,
            () = storage.restore(self.writer.clone()) => {}
        }
        self.exposition.publish().await;
        let stop_storing = CancellationToken::new();
        Some((tokio::spawn(storage.keep(self.poller.ended(), stop_storing.clone())), stop_storing))
    }

    fn files(&self, webhooks: Option<&Webhooks>) -> ReloadedFiles {
        ReloadedFiles {
            key: Arc::clone(&self.key),
            web_config: self.web_config.clone(),
            webhook_secrets: webhooks.map(|webhooks| Arc::clone(&webhooks.secrets)),
            webhook_config: webhooks.and_then(|webhooks| webhooks.web_config.clone()),
            has_ca_file: self.has_ca_file,
            systemd: self.systemd,
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("poller", &self.poller).finish_non_exhaustive()
    }
}

/// What all listeners of the program share.
struct Server {
    clock: SharedClock,
    observer: Arc<SelfMetrics>,
    /// Those for scrapes.
    limits: Limits,
    stop: CancellationToken,
}

impl Server {
    /// Serves `respond` on `listeners`. A web configuration is read again when it changes; paths that are open need no password.
    fn serve<O, R, F>(
        &self,
        web_config: Option<Arc<ConfigReloader>>,
        listeners: Vec<TcpListener>,
        limits: Limits,
        is_open: O,
        respond: R,
    ) -> impl Future<Output = ()> + use<O, R, F>
    where
        O: Fn(&str) -> bool + Clone + Send + 'static,
        R: Fn(Request) -> F + Clone + Send + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        if let Some(web_config) = &web_config {
            tokio::spawn(Arc::clone(web_config).watch(Arc::clone(&self.clock), self.stop.clone()));
        }
        let tls_mode = tls_mode(web_config.as_ref());
        let auth = Auth::new(web_config, self.observer.clone());
        let protected = move |request: Request| {
            let is_open = is_open(request.uri().path());
            auth.clone().respond(request, is_open, respond.clone())
        };
        serve(tls_mode, listeners, limits, protected, self.observer.clone(), self.stop.clone())
    }

    /// Receives events.
    fn receive(
        &self,
        webhooks: Webhooks,
        listeners: Vec<TcpListener>,
        poller: &Poller,
        events: Arc<dyn ObserveEvents>,
    ) -> impl Future<Output = ()> + use<> {
        let Webhooks { path, secrets, web_config } = webhooks;
        tokio::spawn(watch_secrets(Arc::clone(&secrets), Arc::clone(&self.clock), self.stop.clone()));
        let (requests, clock) = (poller.requests(), Arc::clone(&self.clock));
        let receiver = Receiver::new(path, secrets, requests, clock, events, self.observer.clone());
        let respond = move |request| receiver.clone().respond(request);
        // Svix sends no password: the signature is what protects.
        self.serve(web_config, listeners, webhook::limits(self.limits), |_| true, respond)
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
