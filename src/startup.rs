//! What the program says of itself when it starts: its settings, and warnings about what looks like a mistake.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nectar_exporter::config::{Config, WebhookSecrets};
use nectar_exporter::failure::FILE_READ_TIMEOUT;
use nectar_exporter::metrics::{Build, Detail};
use nectar_exporter::nectar::Key;
use tracing::{info, warn};
use url::Url;

/// What is logged first, once nothing keeps the program from starting.
pub struct StartupSummary {
    base_url: Url,
    detail: Detail,
    companies: String,
    /// Variables that look like those of a flag, but are not.
    stray: Vec<String>,
    /// What each file with a secret is called, and where it is.
    secret_files: Vec<(&'static str, PathBuf)>,
    crosses_network_in_the_clear: bool,
}

impl StartupSummary {
    pub fn of(settings: &Config, stray: Vec<String>, key: Option<&Key>) -> Self {
        Self {
            base_url: settings.nectar.base_url.clone(),
            detail: settings.metrics.detail,
            companies: settings.poll.selection.to_string(),
            stray,
            secret_files: secret_files(settings, key),
            crosses_network_in_the_clear: settings.nectar.crosses_network_in_the_clear(),
        }
    }

    /// Logs it.
    pub async fn say(&self) {
        let Build { version, revision, .. } = Build::THIS;
        let (base_url, detail, companies) = (&self.base_url, self.detail.label(), &self.companies);
        info!(msg = "Starting", version, revision, %base_url, detail, companies);
        for warning in self.warnings().await {
            warn!(msg = warning);
        }
    }

    /// Warnings about what looks like a mistake.
    pub async fn warnings(&self) -> Vec<String> {
        let stray = self.stray.iter().map(|variable| {
            format!("The variable {variable} looks like one of a flag, and is none; see docs/flags.md")
        });
        let in_the_clear = self.crosses_network_in_the_clear.then(|| {
            "The API key crosses the network in the clear: use https in --nectar.base-url".to_owned()
        });
        let mut readable = Vec::new();
        for (name, file) in &self.secret_files {
            if is_readable_by_all(file).await {
                readable.push(format!(
                    "Everybody on this machine can read or write the {name} {}: chmod o= takes that away",
                    file.display()
                ));
            }
        }
        stray.chain(in_the_clear).chain(readable).collect()
    }
}

fn secret_files(settings: &Config, key: Option<&Key>) -> Vec<(&'static str, PathBuf)> {
    let key = key.and_then(Key::file).map(|file| ("API key file", file.to_owned()));
    let webhook = settings.webhook.as_ref().and_then(|webhook| match &webhook.secrets {
        WebhookSecrets::File(file) => Some(("webhook secret file", file.clone())),
        WebhookSecrets::Demo => None,
    });
    key.into_iter().chain(webhook).collect()
}

/// Whether everybody on this machine can read the file.
async fn is_readable_by_all(file: &Path) -> bool {
    match tokio::time::timeout(FILE_READ_TIMEOUT, tokio::fs::metadata(file)).await {
        Ok(Ok(file)) => file.is_file() && file.mode() & 0o007 != 0,
        _ => false,
    }
}
