//! Settings checked against each other; every fault is reported, not only the first.

use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::flags::{ExporterFlags, NectarFlags, WebFlags, WebhookFlags};
use super::shard::{self, host_name};
use super::webhook::{self, Webhook};
use crate::http::{ListenAddress, RESERVED_PATHS, WebPaths, is_path};
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
    /// Whether systemd has the sockets to serve on, and the addresses count for nothing.
    pub systemd_socket: bool,
    /// What people can look at.
    pub paths: WebPaths,
    /// Whether the fleet is made up, which the landing page says.
    pub is_demo: bool,
    /// The file with TLS and passwords.
    pub config_file: Option<PathBuf>,
}

impl Web {
    /// The settings for a server, or to find one.
    ///
    /// # Errors
    /// Everything that is inconsistent.
    pub fn of(flags: &WebFlags) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let path = &flags.telemetry_path;
        if !is_path(path) || RESERVED_PATHS.contains(&path.as_str()) {
            faults.push(format!(
                "--web.telemetry-path takes a path that begins with /, has no segment . or .., and is none of {}",
                RESERVED_PATHS.join(", ")
            ));
        }
        match prefixes(flags) {
            Ok([prefix, prefix_outside]) if faults.is_empty() => Ok(Self {
                listen_addresses: flags.listen_addresses.clone(),
                systemd_socket: flags.systemd_socket,
                paths: WebPaths { prefix, prefix_outside, telemetry_path: path.clone() },
                is_demo: false,
                config_file: flags.config_file.clone(),
            }),
            prefixes => {
                faults.extend(prefixes.err());
                Err(ConfigError(faults))
            }
        }
    }
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
        let web = check(flags, &mut faults);
        webhook::check(webhook, &flags.web, &mut faults);
        match (base_url, key, web) {
            (Some(base_url), Some(key), Some(web)) if faults.is_empty() => {
                let mut settings = Self::new(flags, base_url, web);
                settings.webhook = Webhook::of(webhook);
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
        let web = check(flags, &mut faults);
        match (base_url(SIMULATOR_URL), web) {
            (Ok(base_url), Some(web)) if faults.is_empty() => {
                let mut settings = Self::new(flags, base_url, Web { is_demo: true, ..web });
                settings.webhook = Some(Webhook::of_demo());
                Ok(settings)
            }
            _ => Err(ConfigError(faults)),
        }
    }

    fn new(flags: &ExporterFlags, base_url: Url, web: Web) -> Self {
        let shard = shard::of(flags, &host_name()).unwrap_or(Shard::ALL);
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
            web,
            storage_path: flags.storage_path.clone(),
            webhook: None,
        }
    }
}

/// Adds what does not hold together, and returns the settings of the server, if they do.
fn check(flags: &ExporterFlags, faults: &mut Vec<String>) -> Option<Web> {
    if max_data_age(flags) <= flags.poll_interval {
        let [age, interval] = [max_data_age(flags), flags.poll_interval].map(humantime::format_duration);
        faults.push(format!(
            "--nectar.max-data-age takes a duration longer than --nectar.poll-interval, \
             or data would be withdrawn between two polls: they are {age} and {interval}"
        ));
    }
    faults.extend(shard::of(flags, &host_name()).err());
    for (flag, given) in [("--nectar.company", &flags.only), ("--nectar.exclude-company", &flags.except)] {
        if !given.is_empty() && ids(given).is_empty() {
            faults.push(format!("{flag} takes ids of companies, not an empty text"));
        }
    }
    let except = ids(&flags.except);
    if ids(&flags.only).iter().any(|id| except.iter().any(|other| other.eq_ignore_ascii_case(id))) {
        faults.push("--nectar.company and --nectar.exclude-company name the same company".to_owned());
    }
    Web::of(&flags.web).map_err(|ConfigError(more)| faults.extend(more)).ok()
}

/// The maximum age of data; it follows the poll interval unless it is set.
fn max_data_age(flags: &ExporterFlags) -> Duration {
    flags.max_data_age.unwrap_or_else(|| MAX_DATA_AGE.max(flags.poll_interval.saturating_mul(2)))
}

/// The prefix of all paths, here and as seen from outside, without a trailing slash.
fn prefixes(flags: &WebFlags) -> Result<[String; 2], String> {
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
    fn where_systemd_listens_no_address_is_taken() {
        let flags = ["--webhook.listen-address=:10942", "--webhook.secret-file=f", "--web.systemd-socket"];
        assert!(settings(&flags, Some("k")).unwrap().webhook.is_some());
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
