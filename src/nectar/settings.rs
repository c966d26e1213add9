//! Settings for requests to Nectar.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// Settings for requests to Nectar.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The API root.
    pub base_url: Url,
    /// Time limit for one request, body included.
    pub request_timeout: Duration,
    /// Limit for the whole program.
    pub max_concurrent_requests: usize,
    /// Connections to ask for per page.
    pub page_size: u16,
    /// Certificates trusted besides the system's.
    pub extra_certificates: Option<Certificates>,
    /// The address of a proxy that all requests take. It may contain a password.
    pub proxy: Option<SecretString>,
}

/// A file of certificates, as read.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// Where they were read from.
    pub path: PathBuf,
    /// The file's contents, PEM.
    pub pem: Vec<u8>,
}

impl Settings {
    /// Whether Nectar is on this machine. Requests to it never take a proxy then.
    pub fn is_on_this_machine(&self) -> bool {
        match self.base_url.host() {
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// The host that a request reaches first, for people: Nectar, or the proxy.
    pub fn first_host(&self) -> String {
        let proxy = self.proxy.as_ref().and_then(|proxy| Url::parse(proxy.expose_secret()).ok());
        let of = |url: &Url| url.host_str().unwrap_or_default().to_owned();
        match proxy {
            Some(proxy) => format!("{} (proxy)", of(&proxy)),
            None => of(&self.base_url),
        }
    }

    /// Whether the address of the proxy names a user.
    pub fn proxy_has_user(&self) -> bool {
        let proxy = self.proxy.as_ref().and_then(|proxy| Url::parse(proxy.expose_secret()).ok());
        proxy.is_some_and(|proxy| !proxy.username().is_empty() || proxy.password().is_some())
    }

    /// Whether the key can be read on the network.
    pub fn crosses_network_in_the_clear(&self) -> bool {
        self.base_url.scheme() == "http" && !self.is_on_this_machine()
    }
}
