//! The files that are read again when the program is told to, by SIGHUP.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::failure::{FILE_READ_TIMEOUT, Reread};
use crate::http::web_config::ConfigReloader;
use crate::nectar::Key;
use crate::secret_file::Secret;
use crate::systemd::Systemd;

/// All of them.
#[derive(Debug)]
pub struct ReloadedFiles {
    /// The API key.
    pub key: Arc<Key>,
    /// TLS and passwords of the metrics.
    pub web_config: Option<Arc<ConfigReloader>>,
    /// The secrets of webhook events.
    pub webhook_secrets: Option<Arc<Secret>>,
    /// TLS of the webhook events.
    pub webhook_config: Option<Arc<ConfigReloader>>,
    /// Whether there is a file with certificates of Nectar, which is not read again.
    pub has_ca_file: bool,
    /// Who is told meanwhile.
    pub systemd: Option<Systemd>,
}

impl ReloadedFiles {
    /// Reads them again at every notification, until `stop`.
    pub async fn reload_when_told(self, told: Arc<Notify>, stop: CancellationToken) {
        let reloading = async {
            loop {
                told.notified().await;
                self.systemd.inspect(|systemd| systemd.reloading());
                self.reload().await;
                self.systemd.inspect(|systemd| systemd.reloaded());
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = reloading => {}
        }
    }

    async fn reload(&self) {
        let ca_file = self.has_ca_file.then_some("not read again: that takes a restart");
        let api_key_file = self.key.refresh().await.words();
        let web_config_file = reload(self.web_config.as_deref()).await;
        let webhook_secret_file = match &self.webhook_secrets {
            Some(secrets) => secrets.refresh().await.words(),
            None => None,
        };
        let webhook_config_file = reload(self.webhook_config.as_deref()).await;
        let files = [api_key_file, web_config_file, webhook_secret_file, webhook_config_file, ca_file];
        if files.iter().all(Option::is_none) {
            return info!(msg = "SIGHUP: there is no file to read again");
        }
        info!(
            msg = "SIGHUP: files were read again",
            api_key_file, web_config_file, webhook_secret_file, webhook_config_file, ca_file
        );
    }
}

/// A file that hangs must not keep the key from being read the next time.
async fn reload(config: Option<&ConfigReloader>) -> Option<&'static str> {
    timeout(FILE_READ_TIMEOUT, config?.reload()).await.map_or(Some("hangs"), Reread::words)
}
