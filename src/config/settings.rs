//! Settings checked against each other; every fault is reported, not only the first.

use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::flags::{ExporterFlags, NectarFlags, WebhookFlags};
use crate::http::{ListenAddress, RESERVED_PATHS, WebPaths};
use crate::poll::Selection;
use crate::shard::Shard;
use crate::{metrics, nectar, poll};

/// The default, unless two poll intervals are longer.
const MAX_DATA_AGE: Duration = Duration::from_secs(60 * 60);

/// Where a simulated Nectar in this process is, without its port.
const SIMULATOR_URL: &str = "http://127.0.0.1/v2.2";

/// Everything wrong with how the program was called, a line each. Never contains a value that could be secret.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<String>);

/// Where the key comes from.
#[derive(Debug)]
pub enum KeySource {
    /// A file, which is read again when it changes.
    File(PathBuf),
    /// The variable NECTAR_API_KEY.
    Value(SecretString),
}

/// Settings of the server.
#[derive(Debug, Clone)]
pub struct Web {
    /// Where to listen.
    pub listen_addresses: Vec<ListenAddress>,
    /// What people can look at.
    pub paths: WebPaths,
    /// Whether the fleet is made up, which the landing page says.
    pub is_demo: bool,
    /// The file with TLS and passwords.
    pub config_file: Option<PathBuf>,
}

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

/// All settings of the exporter.
#[derive(Debug)]
pub struct Config {
    /// How to talk to Nectar.
    pub nectar: nectar::Settings,
    /// When to poll, and what.
    pub poll: poll::Settings,
    /// What to show.
    pub metrics: metrics::Settings,
    /// Where to serve.
    pub web: Web,
    /// The folder to keep the last state in.
    pub storage_path: Option<PathBuf>,
    /// Where to receive events; none if they are not received.
    pub webhook: Option<Webhook>,
}

impl Config {
    /// The settings for polling Nectar, and where its key comes from. `key` is what NECTAR_API_KEY holds.
    ///
    /// # Errors
    /// Everything that is inconsistent.
    pub fn for_api(
        flags: &ExporterFlags,
        nectar: &NectarFlags,
        webhook: &WebhookFlags,
        key: Option<SecretString>,
    ) -> Result<(Self, KeySource), ConfigError> {
        let mut faults = Vec::new();
        let base_url = base_url(&nectar.base_url).map_err(|fault| faults.push(fault)).ok();
        let key = key_source(nectar, key).map_err(|fault| faults.push(fault)).ok();
        check(flags, &mut faults);
        check_webhook(webhook, &flags.listen_addresses, &mut faults);
        match (base_url, key) {
            (Some(base_url), Some(key)) if faults.is_empty() => {
                let mut settings = Self::new(flags, base_url);
                settings.webhook = webhook.secret_file.as_ref().map(|file| Webhook {
                    listen_addresses: webhook.listen_addresses.clone(),
                    path: webhook.path.clone(),
                    secrets: WebhookSecrets::File(file.clone()),
                    config_file: webhook.config_file.clone(),
                });
                Ok((settings, key))
            }
            _ => Err(ConfigError(faults)),
        }
    }

    /// The settings for polling a simulated Nectar on this machine, whose events are received; its port is set later.
    ///
    /// # Errors
    /// Everything that is inconsistent.
    pub fn for_simulator(flags: &ExporterFlags) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        check(flags, &mut faults);
        match base_url(SIMULATOR_URL) {
            Ok(base_url) if faults.is_empty() => {
                let mut settings = Self::new(flags, base_url);
                settings.web.is_demo = true;
                settings.webhook = Some(Webhook {
                    listen_addresses: vec![ListenAddress::loopback(0)],
                    path: "/webhooks/nectar".to_owned(),
                    secrets: WebhookSecrets::Demo,
                    config_file: None,
                });
                Ok(settings)
            }
            _ => Err(ConfigError(faults)),
        }
    }

    fn new(flags: &ExporterFlags, base_url: Url) -> Self {
        let [prefix, prefix_outside] = prefixes(flags).unwrap_or_default();
        let shard = shard(flags, &host_name()).unwrap_or(Shard::ALL);
        Self {
            nectar: nectar::Settings {
                base_url,
                request_timeout: flags.request_timeout,
                max_concurrent_requests: shard.part_of(flags.max_concurrent_requests).into(),
                page_size: flags.page_size,
                extra_certificates: None,
                proxy: None,
            },
            poll: poll::Settings {
                interval: flags.poll_interval,
                timeout: flags.poll_timeout,
                selection: Selection { only: ids(&flags.only), except: ids(&flags.except), shard },
            },
            metrics: metrics::Settings {
                detail: flags.detail,
                detail_limit: flags.detail_limit,
                check_interval: signed(flags.check_interval),
                max_data_age: max_data_age(flags),
                poll_interval: flags.poll_interval,
                shard,
            },
            web: Web {
                listen_addresses: flags.listen_addresses.clone(),
                paths: WebPaths { prefix, prefix_outside, telemetry_path: flags.telemetry_path.clone() },
                is_demo: false,
                config_file: flags.web_config_file.clone(),
            },
            storage_path: flags.storage_path.clone(),
            webhook: None,
        }
    }
}

fn check_webhook(flags: &WebhookFlags, web: &[ListenAddress], faults: &mut Vec<String>) {
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
    let is_taken = |port: u16| port != 0 && web.iter().any(|address| address.port() == port);
    if listen_addresses.iter().any(|address| is_taken(address.port())) {
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

fn check(flags: &ExporterFlags, faults: &mut Vec<String>) {
    if max_data_age(flags) <= flags.poll_interval {
        let [age, interval] = [max_data_age(flags), flags.poll_interval].map(humantime::format_duration);
        faults.push(format!(
            "--nectar.max-data-age takes a duration longer than --nectar.poll-interval, \
             or data would be withdrawn between two polls: they are {age} and {interval}"
        ));
    }
    let path = &flags.telemetry_path;
    if !is_path(path) || RESERVED_PATHS.contains(&path.as_str()) {
        faults.push(format!(
            "--web.telemetry-path takes a path that begins with /, has no segment . or .., and is none of {}",
            RESERVED_PATHS.join(", ")
        ));
    }
    faults.extend(prefixes(flags).err());
    faults.extend(shard(flags, &host_name()).err());
    for (flag, given) in [("--nectar.company", &flags.only), ("--nectar.exclude-company", &flags.except)] {
        if !given.is_empty() && ids(given).is_empty() {
            faults.push(format!("{flag} takes ids of companies, not an empty text"));
        }
    }
    let except = ids(&flags.except);
    if ids(&flags.only).iter().any(|id| except.iter().any(|other| other.eq_ignore_ascii_case(id))) {
        faults.push("--nectar.company and --nectar.exclude-company name the same company".to_owned());
    }
}

/// Which of several exporters this is. A StatefulSet numbers its hosts.
fn shard(flags: &ExporterFlags, host: &str) -> Result<Shard, String> {
    let total = flags.total_shards;
    if total > flags.max_concurrent_requests {
        return Err(format!(
            "--total-shards takes at most --nectar.max-concurrent-requests, which is {} for all shards together",
            flags.max_concurrent_requests
        ));
    }
    // Not any digits at the end: the name of a container has some, too.
    let ordinal = host.rsplit_once('-').map(|(_, digits)| digits);
    let ordinal = ordinal.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()) && digits.len() == 1);
    let ordinal = ordinal.and_then(|digit| digit.parse().ok());
    let number = flags.shard.or(if total == 1 { Some(0) } else { ordinal });
    let number = number.ok_or_else(|| {
        "--shard is needed with --total-shards, for this host's name does not end in a hyphen and a digit"
            .to_owned()
    })?;
    Shard::new(number, total).ok_or_else(|| {
        format!("--shard is counted from 0 and takes less than --total-shards: they are {number} and {total}")
    })
}

/// The name of this host; empty where it is not known.
fn host_name() -> String {
    #[cfg(target_os = "linux")]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(target_os = "linux"))]
    let name = String::new();
    name
}

/// The maximum age of data; it follows the poll interval unless it is set.
fn max_data_age(flags: &ExporterFlags) -> Duration {
    flags.max_data_age.unwrap_or_else(|| MAX_DATA_AGE.max(flags.poll_interval.saturating_mul(2)))
}

/// Whether this is a path that needs no escapes. Dot segments are refused: clients resolve them, and would ask for another path.
fn is_path(text: &str) -> bool {
    let has_dots = text.split('/').any(|segment| matches!(segment, "." | ".."));
    text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic() && !b"?#%".contains(&b)) && !has_dots
}

/// The prefix of all paths, here and as seen from outside, without a trailing slash.
fn prefixes(flags: &ExporterFlags) -> Result<[String; 2], String> {
    let outside = flags.external_url.as_ref().map(|text| {
        let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        url.ok_or("--web.external-url takes an http:// or https:// URL, such as https://example.org/nectar/")
    });
    let outside = outside.transpose()?.map(|url| url.path().trim_matches('/').to_owned());
    let here = flags.route_prefix.as_ref().map(|prefix| prefix.trim_matches('/').to_owned());
    let here = here.or_else(|| outside.clone()).unwrap_or_default();
    let outside = outside.unwrap_or_else(|| here.clone());
    let with_slash = |prefix: String| if prefix.is_empty() { prefix } else { format!("/{prefix}") };
    if is_path(&format!("/{}", here.replace('%', ""))) {
        Ok([here, outside].map(with_slash))
    } else {
        Err("--web.route-prefix takes a path, such as /nectar".to_owned())
    }
}

/// Ids as people write them: with blanks after commas, one on each line, or in quotes that an env file keeps. No id contains any of
/// these.
fn ids(given: &[String]) -> Vec<String> {
    let is_between = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'');
    let ids = given.iter().flat_map(|text| text.split(is_between));
    ids.filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// Errors do not repeat the value: somebody may have put a password into it.
fn base_url(text: &str) -> Result<Url, String> {
    let fault = "--nectar.base-url takes an http:// or https:// URL without user, query or fragment, \
                 such as https://external.nectarclimate.com/v2.2";
    let url = Url::parse(text.trim()).map_err(|_| fault.to_owned())?;
    let fits = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if fits { Ok(url) } else { Err(fault.to_owned()) }
}

fn key_source(nectar: &NectarFlags, key: Option<SecretString>) -> Result<KeySource, String> {
    let key = key.filter(|key| !key.expose_secret().trim().is_empty());
    match (&nectar.api_key_file, key) {
        (Some(_), Some(_)) => Err("--nectar.api-key-file and the variable NECTAR_API_KEY are both given; \
                                   give one of them"
            .to_owned()),
        (Some(file), None) => Ok(KeySource::File(file.clone())),
        (None, Some(key)) => Ok(KeySource::Value(key)),
        (None, None) => Err("--nectar.api-key-file takes the file with the API key, and is needed unless \
                             the variable NECTAR_API_KEY holds the key (try `nectar-exporter demo` without one)"
            .to_owned()),
    }
}

/// Never saturates, because flags take at most a year.
fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::FromArgMatches;

    use super::super::{Cli, command};
    use super::*;

    /// The settings that these flags make, with a key or without.
    fn settings(flags: &[&str], key: Option<&str>) -> Result<Config, Vec<String>> {
        let arguments = [&["nectar-exporter"], flags].concat();
        let matches = command("test".to_owned()).try_get_matches_from(arguments).unwrap();
        let cli = Cli::from_arg_matches(&matches).unwrap();
        let made = Config::for_api(&cli.exporter, &cli.nectar, &cli.webhook, key.map(Into::into));
        made.map(|(settings, _)| settings).map_err(|ConfigError(faults)| faults)
    }

    /// What does not hold together is named, and no value that could be secret.
    #[test]
    fn bad_usage_is_named() {
        let path = "--web.telemetry-path takes a path that begins with /, has no segment . or ..";
        let url = "--nectar.base-url takes an http:// or https:// URL without user, query or fragment";
        let (both, file) =
            (&["--nectar.company=a", "--nectar.exclude-company=A"][..], "--nectar.api-key-file=f");
        let cases: &[(&[&str], Option<&str>, &str)] = &[
            (&["--nectar.max-data-age=5m"], Some("k"), "they are 5m and 5m"),
            (&["--nectar.poll-interval=1h", "--nectar.max-data-age=30m"], Some("k"), "they are 30m and 1h"),
            (&["--web.telemetry-path=metrics"], Some("k"), path),
            (&["--web.telemetry-path=/a/../metrics"], Some("k"), path),
            (&["--web.telemetry-path=/a?b"], Some("k"), path),
            (&["--web.telemetry-path=/-/ready"], Some("k"), path),
            (&["--web.telemetry-path=/worklist"], Some("k"), path),
            (&["--web.route-prefix=/a/../b"], Some("k"), "--web.route-prefix takes a path"),
            (&["--web.external-url=ftp://example.com"], Some("k"), "--web.external-url takes an http://"),
            (both, Some("k"), "name the same company"),
            (&["--nectar.company=' '"], Some("k"), "--nectar.company takes ids of companies"),
            (&["--nectar.base-url=ftp://example.com"], Some("k"), url),
            (&["--nectar.base-url=https://me:sim-secret@example.com"], Some("k"), url),
            (&["--nectar.base-url=https://example.com/?sim-secret"], Some("k"), url),
            (&["--nectar.base-url=https://example.com/#sim-secret"], Some("k"), url),
            (&["--nectar.base-url=sim-secret"], Some("k"), url),
            (&[], None, "--nectar.api-key-file takes the file with the API key, and is needed"),
            (&[], Some(" "), "--nectar.api-key-file takes the file with the API key, and is needed"),
            (&[file], Some("sim-secret"), "are both given"),
            (&["--webhook.listen-address=:1"], Some("k"), "--webhook.secret-file takes the file"),
            (
                &["--webhook.listen-address=127.0.0.1:10942", "--webhook.secret-file=f"],
                Some("k"),
                "--webhook.listen-address takes another port",
            ),
            (&["--webhook.secret-file=f"], Some("k"), "is of no use without --webhook.listen-address"),
            (&["--webhook.config.file=f"], Some("k"), "is of no use without --webhook.listen-address"),
            (&["--total-shards=3", "--shard=3"], Some("k"), "less than --total-shards: they are 3 and 3"),
            (&["--shard=1"], Some("k"), "less than --total-shards: they are 1 and 1"),
            (
                &["--total-shards=9", "--shard=1"],
                Some("k"),
                "at most --nectar.max-concurrent-requests, which is 8 for all",
            ),
            (&["--webhook.path=webhooks"], Some("k"), "--webhook.path takes a path that begins with /"),
        ];
        for (flags, key, message) in cases {
            let faults = settings(flags, *key).unwrap_err();
            assert!(faults.len() == 1 && faults.concat().contains(message), "{flags:?}: {faults:?}");
            assert!(!faults.concat().contains("sim-secret"), "{flags:?}: {faults:?}");
        }
        let all = ["--nectar.max-data-age=1m", "--web.telemetry-path=x", "--nectar.base-url=x"];
        assert_eq!(settings(&all, None).unwrap_err().len(), 4, "every fault, and not only the first");
    }

    #[test]
    fn only_some_companies() {
        for list in ["a,b", "a, b", " a , b,", "\"a, b\"", "'a','b'", "a\nb\n", "a b", "a; b"] {
            let (only, except) =
                (format!("--nectar.company={list}"), format!("--nectar.exclude-company={list}"));
            assert_eq!(settings(&[&only], Some("k")).unwrap().poll.selection.only, ["a", "b"], "{list:?}");
            assert_eq!(
                settings(&[&except], Some("k")).unwrap().poll.selection.except,
                ["a", "b"],
                "{list:?}"
            );
        }
    }

    #[test]
    fn the_number_of_a_shard_is_that_of_its_host() {
        let flags = |arguments: &[&str]| {
            let arguments = [&["nectar-exporter"], arguments].concat();
            let matches = command("test".to_owned()).try_get_matches_from(arguments).unwrap();
            Cli::from_arg_matches(&matches).unwrap().exporter
        };
        for (arguments, host, expected) in [
            (&[][..], "nectar-exporter-2", Some("shard 0 of 1")),
            (&["--total-shards=3"], "nectar-exporter-2", Some("shard 2 of 3")),
            (&["--total-shards=3"], "n-12", None),
            (&["--total-shards=3"], "n2", None),
            (&["--total-shards=3"], "n-7f9c8d5b6-xkzf2", None),
            (&["--total-shards=3"], "3f2a9b1c4d02", None),
            (&["--total-shards=3"], "n-", None),
            (&["--total-shards=3"], "n", None),
            (&["--total-shards=3"], "", None),
            (&["--total-shards=3", "--shard=1"], "n-2", Some("shard 1 of 3")),
        ] {
            let shard = shard(&flags(arguments), host).ok().map(|shard| shard.to_string());
            assert_eq!(shard.as_deref(), expected, "{arguments:?} on {host}");
        }
    }

    #[test]
    fn data_age_follows_the_interval() {
        for (flags, minutes) in [
            (&[][..], 60),
            (&["--nectar.poll-interval=30m"], 60),
            (&["--nectar.poll-interval=45m"], 90),
            (&["--nectar.poll-interval=45m", "--nectar.max-data-age=46m"], 46),
        ] {
            let age = settings(flags, Some("k")).unwrap().metrics.max_data_age;
            assert_eq!(age, Duration::from_secs(60 * minutes), "{flags:?}");
        }
    }

    /// The path of the outer address is the prefix, unless the proxy in front takes it away.
    #[test]
    fn behind_a_path_prefix() {
        for (flags, prefixes) in [
            (&[][..], ["", ""]),
            (&["--web.route-prefix=/nectar"], ["/nectar", "/nectar"]),
            (&["--web.route-prefix=nectar/"], ["/nectar", "/nectar"]),
            (&["--web.external-url=https://example.org/a%20b/"], ["/a%20b", "/a%20b"]),
            (&["--web.external-url=https://example.org/a/", "--web.route-prefix=/b"], ["/b", "/a"]),
            (&["--web.external-url=https://example.org/a/", "--web.route-prefix=/"], ["", "/a"]),
            (&["--web.external-url=https://example.org"], ["", ""]),
        ] {
            let paths = settings(flags, Some("k")).unwrap().web.paths;
            assert_eq!([&*paths.prefix, &*paths.prefix_outside], prefixes, "{flags:?}");
        }
    }
}
