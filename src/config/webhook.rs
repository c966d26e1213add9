//! Where webhook events are received, from the flags.

use std::path::PathBuf;

use super::flags::{WEBHOOK_PATH, WebFlags, WebhookFlags};
use crate::http::{ListenAddress, is_path};

/// Where the secrets of webhook events come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookSecrets {
    /// A file, which is read again when it changes.
    File(PathBuf),
    /// The simulated Nectar of the demo: everybody knows its secret.
    Demo,
}

/// Where webhook events are received.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Where to listen.
    pub listen_addresses: Vec<ListenAddress>,
    /// The path of the events.
    pub path: String,
    /// Where their secrets come from.
    pub secrets: WebhookSecrets,
    /// The file with TLS.
    pub config_file: Option<PathBuf>,
}

impl Webhook {
    /// As the flags say; none if events are not received.
    pub(super) fn of(flags: &WebhookFlags) -> Option<Self> {
        let WebhookFlags { listen_addresses, path, secret_file, config_file } = flags;
        let secrets = WebhookSecrets::File(secret_file.clone()?);
        let (listen_addresses, path) = (listen_addresses.clone(), path.clone());
        Some(Self { listen_addresses, path, secrets, config_file: config_file.clone() })
    }

    /// On a free port of this machine.
    pub(super) fn of_demo() -> Self {
        let (listen_addresses, path) = (vec![ListenAddress::loopback(0)], WEBHOOK_PATH.to_owned());
        Self { listen_addresses, path, secrets: WebhookSecrets::Demo, config_file: None }
    }
}

/// Adds what does not hold together with the flags of `web`, where scrapes are served.
pub(super) fn check(flags: &WebhookFlags, web: &WebFlags, faults: &mut Vec<String>) {
    let WebhookFlags { listen_addresses, path, secret_file, config_file } = flags;
    if !is_path(path) {
        faults.push("--webhook.path takes a path that begins with /, and has no segment . or ..".to_owned());
    }
    match (listen_addresses.is_empty(), secret_file) {
        (false, None) => faults.push(
            "--webhook.secret-file takes the file with the endpoint's signing secret, and is needed with \
             --webhook.listen-address"
                .to_owned(),
        ),
        (true, Some(_)) => {
            faults.push("--webhook.secret-file is of no use without --webhook.listen-address".to_owned());
        }
        _ => {}
    }
    let is_taken = |port: u16| port != 0 && web.listen_addresses.iter().any(|address| address.port() == port);
    if !web.systemd_socket && listen_addresses.iter().any(|address| is_taken(address.port())) {
        faults.push(
            "--webhook.listen-address takes another port than --web.listen-address: it is to be open to the outside, \
             and the metrics are not"
                .to_owned(),
        );
    }
    if listen_addresses.is_empty() && config_file.is_some() {
        faults.push("--webhook.config.file is of no use without --webhook.listen-address".to_owned());
    }
}
