//! Every flag, declared once: name, default, accepted values, meaning. The variables for them follow by rule.
//!
//! The page `docs/flags.md` is rendered from here.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use tracing::level_filters::LevelFilter;

use super::duration;
use crate::http::ListenAddress;
use crate::metrics::Detail;

/// What `--webhook.path` is by default, and the path of the events in the demo.
pub(super) const WEBHOOK_PATH: &str = "/webhooks/nectar";

/// Prefix of the environment twins.
const ENV_PREFIX: &str = "NECTAR_EXPORTER_";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "nectar-exporter", about = "Polls the Nectar API and serves what it found to Prometheus.")]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Try it without a key:\n  nectar-exporter demo\n\nAgainst Nectar:\n  \
                        nectar-exporter --nectar.api-key-file=/etc/nectar-exporter/api-key\n\nThen open http://localhost:10942/. \
                        The documentation is README.md and the folder docs/ of the source.")]
pub struct Cli {
    /// What to do instead of the main job.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to reach Nectar.
    #[command(flatten)]
    pub nectar: NectarFlags,
    /// What the exporter does.
    #[command(flatten)]
    pub exporter: ExporterFlags,
    /// How to receive events.
    #[command(flatten)]
    pub webhook: WebhookFlags,
}

/// What else this program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Poll a simulated Nectar: no key, no network
    Demo(Box<DemoFlags>),
    /// See whether it would work, and what it would export; with --all, all companies and not ten; with --config-only, without network
    Check(Box<CheckFlags>),
    /// See whether the exporter on this machine is ready: for the health check of a container. Exits with status 0, or 1
    Health(HealthFlags),
    /// Serve the simulated Nectar API alone, for testing other clients and alert rules
    Simulate(SimulateFlags),
}

/// Flags of `demo`.
#[derive(Debug, Args)]
pub struct DemoFlags {
    /// What the exporter does.
    #[command(flatten)]
    pub exporter: ExporterFlags,
    /// What is simulated.
    #[command(flatten)]
    pub sim: SimFlags,
}

/// Flags of `check`.
#[derive(Debug, Args)]
pub struct CheckFlags {
    /// How to reach Nectar.
    #[command(flatten)]
    pub nectar: NectarFlags,
    /// What the exporter does.
    #[command(flatten)]
    pub exporter: ExporterFlags,
    /// How to receive events.
    #[command(flatten)]
    pub webhook: WebhookFlags,
    /// Look at all companies, and not at ten
    #[arg(long)]
    pub all: bool,
    /// Read flags and files only: for scripts before a start, which an outage of Nectar must not hold up
    #[arg(long, conflicts_with = "all")]
    pub config_only: bool,
}

/// Flags of `health`: those of the exporter that say where it is.
#[derive(Debug, Args)]
pub struct HealthFlags {
    /// Where and how it serves.
    #[command(flatten)]
    pub web: WebFlags,
}

/// Flags of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateFlags {
    /// What is simulated.
    #[command(flatten)]
    pub sim: SimFlags,
    /// Address to serve the simulated API on, HOST:PORT (repeatable)
    #[arg(
        long = "sim.listen-address",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:10943",
        value_delimiter = ','
    )]
    pub listen_addresses: Vec<ListenAddress>,
    /// The key that the simulated API accepts. It protects nothing
    #[arg(long = "sim.api-key", value_name = "KEY", default_value = "simulated")]
    pub api_key: String,
    /// Where to send webhook events, signed as Nectar's [default: nowhere]
    #[arg(long = "sim.webhook-url", value_name = "URL")]
    pub webhook_url: Option<String>,
    /// The secret that signs webhook events: whsec_ and base64. The default protects nothing
    #[arg(long = "sim.webhook-secret", value_name = "SECRET", default_value = nectar_simulator::WEBHOOK_SECRET)]
    pub webhook_secret: String,
    /// How to log.
    #[command(flatten)]
    pub log: LogFlags,
}

/// Where Nectar is, and who we are.
#[derive(Debug, Args)]
pub struct NectarFlags {
    /// Root of the Nectar API
    #[arg(
        long = "nectar.base-url",
        value_name = "URL",
        default_value = "https://external.nectarclimate.com/v2.2"
    )]
    pub base_url: String,
    /// File with the API key; read again when it changes. The key itself can be in the variable NECTAR_API_KEY instead
    #[arg(long = "nectar.api-key-file", value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// File with certificates (PEM) to trust besides the system's
    #[arg(long = "nectar.ca-file", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

/// What the exporter asks for, shows and serves.
#[derive(Debug, Args)]
pub struct ExporterFlags {
    /// Only the company with this id (repeatable) [default: all]
    #[arg(long = "nectar.company", value_name = "ID", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Leave out the company with this id (repeatable)
    #[arg(long = "nectar.exclude-company", value_name = "ID", value_delimiter = ',')]
    pub except: Vec<String>,
    /// The number of this exporter, from 0, of several that share the companies [default: the digit behind the last hyphen of the host's name, as a StatefulSet has it]
    #[arg(long = "shard", value_name = "N", value_parser = whole::<u8>(0, 9))]
    pub shard: Option<u8>,
    /// How many exporters share the companies, 1 to 10; each takes its part of --nectar.max-concurrent-requests
    #[arg(long = "total-shards", value_name = "N", default_value = "1", value_parser = whole::<u8>(1, 10))]
    pub total_shards: u8,
    /// Time from the start of one poll to the start of the next
    #[arg(long = "nectar.poll-interval", value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
    pub poll_interval: Duration,
    /// A poll that takes longer ends there; companies already read stay
    #[arg(long = "nectar.poll-timeout", value_name = "DURATION", default_value = "10m", value_parser = duration::parse)]
    pub poll_timeout: Duration,
    /// Time for one request, body included
    #[arg(long = "nectar.request-timeout", value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    pub request_timeout: Duration,
    /// Requests to Nectar at once, 1 to 10
    #[arg(long = "nectar.max-concurrent-requests", value_name = "N", default_value = "8", value_parser = whole::<u8>(1, 10))]
    pub max_concurrent_requests: u8,
    /// Connections per request, 1 to 500
    #[arg(long = "nectar.page-size", value_name = "N", default_value = "500", value_parser = whole::<u16>(1, 500))]
    pub page_size: u16,
    /// Connections and accounts of a company are withdrawn when its last good poll is older; must exceed the poll interval [default:
    /// 1h, or two poll intervals where that is longer]
    #[arg(long = "nectar.max-data-age", value_name = "DURATION", value_parser = duration::parse)]
    pub max_data_age: Option<Duration>,
    /// How soon Nectar is expected to look again
    #[arg(long = "nectar.check-interval", value_name = "DURATION", default_value = "7d", value_parser = duration::parse)]
    pub check_interval: Duration,
    /// Series per object: none, one set per connection, or one per account too
    #[arg(long = "metrics.detail", value_name = "DETAIL", default_value = "connections", value_enum)]
    pub detail: Detail,
    /// With more series per object than this, all of them are withheld
    #[arg(long = "metrics.detail-limit", value_name = "N", default_value = "1000000", value_parser = whole::<u64>(0, u64::MAX))]
    pub detail_limit: u64,
    /// Folder to keep the last state in, so that a restart forgets nothing [default: none]
    #[arg(long = "storage.path", value_name = "DIR")]
    pub storage_path: Option<PathBuf>,
    /// Where and how to serve.
    #[command(flatten)]
    pub web: WebFlags,
    /// How to log.
    #[command(flatten)]
    pub log: LogFlags,
}

/// Where and how to serve metrics and pages.
#[derive(Debug, Args)]
pub struct WebFlags {
    /// Address to serve on, HOST:PORT (repeatable); :PORT is every address, port 0 a free one
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        default_value = ":10942",
        value_delimiter = ','
    )]
    pub listen_addresses: Vec<ListenAddress>,
    /// Serve on the sockets that systemd hands over, and not on --web.listen-address
    #[arg(long = "web.systemd-socket")]
    pub systemd_socket: bool,
    /// Path of the metrics
    #[arg(long = "web.telemetry-path", value_name = "PATH", default_value = "/metrics")]
    pub telemetry_path: String,
    /// Where people reach this exporter behind a reverse proxy [default: where it listens]
    #[arg(long = "web.external-url", value_name = "URL")]
    pub external_url: Option<String>,
    /// What all paths begin with [default: the path of --web.external-url]
    #[arg(long = "web.route-prefix", value_name = "PATH")]
    pub route_prefix: Option<String>,
    /// File with TLS and basic auth, in the format of Prometheus' exporter-toolkit; read again when it changes
    #[arg(long = "web.config.file", value_name = "FILE")]
    pub config_file: Option<PathBuf>,
}

/// How to receive events that Nectar sends when a connection has changed.
#[derive(Debug, Args)]
pub struct WebhookFlags {
    /// Address to receive webhook events on, HOST:PORT (repeatable); another port than that of the metrics [default: none]
    #[arg(
        id = "webhook_listen_addresses",
        long = "webhook.listen-address",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    pub listen_addresses: Vec<ListenAddress>,
    /// Path of the webhook events
    #[arg(
        id = "webhook_path",
        long = "webhook.path",
        value_name = "PATH",
        default_value = WEBHOOK_PATH
    )]
    pub path: String,
    /// File with the signing secret of the endpoint, whsec_…; while it is rotated, several, a line each; read again when it changes
    #[arg(id = "webhook_secret_file", long = "webhook.secret-file", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// File with TLS for the webhook events, in the format of --web.config.file; read again when it changes
    #[arg(id = "webhook_config_file", long = "webhook.config.file", value_name = "FILE")]
    pub config_file: Option<PathBuf>,
}

/// What is simulated.
#[derive(Debug, Args)]
pub struct SimFlags {
    /// Simulated companies
    #[arg(long = "sim.companies", value_name = "N", default_value = "16", value_parser = whole::<u32>(0, 10_000))]
    pub companies: u32,
    /// Simulated connections per company, on average
    #[arg(long = "sim.connections", value_name = "N", default_value = "75", value_parser = whole::<u32>(0, 100_000))]
    pub connections: u32,
    /// Simulated accounts per connection, on average
    #[arg(long = "sim.accounts", value_name = "N", default_value = "3", value_parser = whole::<u32>(0, 1_000))]
    pub accounts: u32,
    /// Seed: the same one makes the same fleet
    #[arg(long = "sim.seed", value_name = "N", default_value = "1", value_parser = whole::<u64>(0, u64::MAX))]
    pub seed: u64,
    /// How many times faster than in reality checks and changes come, up to 1000000; at 0 everything stands still
    #[arg(long = "sim.speed", value_name = "N", default_value = "1", value_parser = speed)]
    pub speed: f64,
}

/// How to log.
#[derive(Debug, Clone, Copy, Args)]
pub struct LogFlags {
    /// Least severe level that is logged
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info", value_parser = level())]
    pub level: LevelFilter,
    /// Form of the log lines; they go to standard error
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt", value_enum)]
    pub format: LogFormat,
}

/// `--log.format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum LogFormat {
    Logfmt,
    Json,
}

fn level() -> impl TypedValueParser<Value = LevelFilter> {
    PossibleValuesParser::new(["error", "warn", "info", "debug", "trace"])
        .try_map(|level| level.parse::<LevelFilter>())
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().ok().filter(|speed| (0.0..=1e6).contains(speed));
    speed.ok_or_else(|| "takes a number from 0 to 1000000".to_owned())
}

/// Reads a whole number in a range.
fn whole<T: TryFrom<u64>>(least: u64, most: u64) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number = text.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| match most {
            u64::MAX => "takes a whole number from 0 on".to_owned(),
            _ => format!("takes a whole number from {least} to {most}"),
        })
    }
}

/// The command line with what follows by rule: environment twins, and the livelier defaults of `demo`.
pub fn command(version: String) -> clap::Command {
    let demo_defaults = |arg: clap::Arg| match arg.get_id().as_str() {
        "poll_interval" => arg.default_value("5s"),
        "speed" => arg.default_value("200"),
        _ => arg,
    };
    Cli::command()
        .version(version)
        .mut_subcommand("demo", |demo| demo.mut_args(demo_defaults))
        .mut_subcommands(|subcommand| subcommand.mut_args(with_env_var))
        .mut_args(with_env_var)
        .mut_subcommand("demo", without_nectar)
}

/// The flags that `demo` takes only to refuse them in words. They are not read from the environment, because a container has the same
/// variables for both commands.
fn without_nectar(demo: clap::Command) -> clap::Command {
    let refused = |_: &str| -> Result<String, String> {
        Err("the demo takes no key and no address: it polls a simulated Nectar".to_owned())
    };
    let flags = ["nectar.api-key-file", "nectar.base-url", "nectar.ca-file"];
    demo.args(flags.map(|flag| clap::Arg::new(flag).long(flag).hide(true).value_parser(refused)))
}

/// Variables that look like the twin of a flag, but are not. Those that Kubernetes sets for a service called nectar-exporter are left
/// out.
pub fn unknown_variables(command: &clap::Command, names: impl Iterator<Item = String>) -> Vec<String> {
    let commands = std::iter::once(command).chain(command.get_subcommands());
    let flags: Vec<String> = commands
        .flat_map(clap::Command::get_arguments)
        .filter_map(clap::Arg::get_long)
        .map(env_var)
        .collect();
    let is_stray = |name: &String| {
        let rest = name.strip_prefix(ENV_PREFIX);
        let is_of_kubernetes =
            |rest: &str| rest.starts_with("SERVICE_") || rest == "PORT" || rest.starts_with("PORT_");
        rest.is_some_and(|rest| !is_of_kubernetes(rest)) && !flags.contains(name)
    };
    names.filter(is_stray).collect()
}

/// What is wrong, naming the variables that its flags were set by.
pub fn with_variables(fault: &str, command: &clap::Command, matches: &clap::ArgMatches) -> String {
    let (command, matches) = match matches.subcommand() {
        Some((name, matches)) => (command.find_subcommand(name).unwrap_or(command), matches),
        None => (command, matches),
    };
    let is_named =
        |flag: &str| fault.split([' ', ',', '(', ')', ':']).any(|word| word.trim_start_matches('-') == flag);
    let from_variable = |arg: &&clap::Arg| {
        arg.get_long().is_some_and(is_named)
            && matches.value_source(arg.get_id().as_str()) == Some(ValueSource::EnvVariable)
    };
    let variables: Vec<String> =
        command.get_arguments().filter(from_variable).filter_map(clap::Arg::get_long).map(env_var).collect();
    match variables.as_slice() {
        [] => fault.to_owned(),
        variables => format!("{fault} (set by {})", variables.join(" and ")),
    }
}

/// The variable that a refused value came from; none if it came from the command line.
pub fn variable_of(fault: &clap::Error, arguments: &[OsString]) -> Option<String> {
    let ContextValue::String(argument) = fault.get(ContextKind::InvalidArg)? else { return None };
    let flag = argument.split([' ', '=']).next()?;
    let is_given = |given: &OsString| given.to_string_lossy().split('=').next() == Some(flag);
    let variable = env_var(flag.trim_start_matches('-'));
    (!arguments.iter().any(is_given) && env::var_os(&variable).is_some()).then_some(variable)
}

/// Whether this is a flag that sets something up, and has a twin in the environment. The names without a part are those of
/// kube-state-metrics.
pub fn is_setting(flag: &str) -> bool {
    flag.contains('.') || matches!(flag, "shard" | "total-shards")
}

/// The environment twin of a flag: upper case, dots and dashes to `_`, with the prefix.
pub fn env_var(flag: &str) -> String {
    format!("{ENV_PREFIX}{}", flag.to_ascii_uppercase().replace(['.', '-'], "_"))
}

fn is_number(arg: &clap::Arg) -> bool {
    arg.get_value_names().into_iter().flatten().any(|name| name == "N" || name == "DURATION")
}

fn with_env_var(arg: clap::Arg) -> clap::Arg {
    let Some(flag) = arg.get_long().filter(|flag| is_setting(flag)) else { return arg };
    let variable = env_var(flag);
    // A minus sign begins a bad number for the flag before it, and not another flag.
    let arg = if is_number(&arg) { arg.allow_hyphen_values(true) } else { arg };
    // Set but empty counts as not set: that is how container platforms write "no value".
    if env::var_os(&variable).is_some_and(|value| value.is_empty()) {
        return arg;
    }
    arg.env(OsString::from(variable)).hide_env_values(true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A value that a flag does not take is refused, in words that name the flag and what it takes.
    #[test]
    fn bad_usage_is_named() {
        let cases: &[(&[&str], &str)] = &[
            (&["--nectar.page-size=0"], "'--nectar.page-size <N>': takes a whole number from 1 to 500"),
            (&["--nectar.page-size=501"], "'--nectar.page-size <N>': takes a whole number from 1 to 500"),
            (
                &["--nectar.max-concurrent-requests=11"],
                "'--nectar.max-concurrent-requests <N>': takes a whole number from 1 to 10",
            ),
            (
                &["--nectar.poll-interval=5"],
                "'--nectar.poll-interval <DURATION>': takes a duration above 0 and up to 366d",
            ),
            (&["--nectar.poll-interval", "-1s"], "'--nectar.poll-interval <DURATION>': takes a duration"),
            (&["--nectar.page-size", "-1"], "'--nectar.page-size <N>': takes a whole number"),
            (&["--nectar.page-size=many"], "'--nectar.page-size <N>': takes a whole number"),
            (&["--nectar.poll-interval=0s"], "such as 30s, 5m, 1h30m or 7d"),
            (&["--metrics.detail-limit=-1"], "'--metrics.detail-limit <N>': takes a whole number from 0 on"),
            (
                &["--web.listen-address=10942"],
                "'--web.listen-address <ADDRESS>': takes HOST:PORT, [IPV6]:PORT or :PORT",
            ),
            (&["--web.listen-address=:99999"], "with a port from 0 to 65535"),
            (&["--web.listen-address=[fe80::1%]x]:1"], "takes HOST:PORT, [IPV6]:PORT or :PORT"),
            (&["--log.level=loud"], "[possible values: error, warn, info, debug, trace]"),
            (&["--log.format=xml"], "[possible values: logfmt, json]"),
            (&["--web.config=web.yml"], "unexpected argument '--web.config'"),
            (&["demo", "--sim.speed=1e7"], "'--sim.speed <N>': takes a number from 0 to 1000000"),
            (&["demo", "--sim.speed=NaN"], "'--sim.speed <N>': takes a number from 0 to 1000000"),
            (&["demo", "--nectar.base-url=x"], "the demo takes no key and no address"),
        ];
        for (arguments, message) in cases {
            let arguments = [&["nectar-exporter"], *arguments].concat();
            let fault = command("test".to_owned()).try_get_matches_from(&arguments).unwrap_err().to_string();
            assert!(fault.contains(message), "{arguments:?}: {fault}");
        }
        for good in ["--nectar.page-size=1", "--nectar.page-size=500", "--metrics.detail-limit=0"] {
            command("test".to_owned()).try_get_matches_from(["nectar-exporter", good]).unwrap();
        }
    }

    #[test]
    fn variables_that_look_like_a_flags() {
        let known = ["NECTAR_EXPORTER_NECTAR_COMPANY", "NECTAR_EXPORTER_SIM_SPEED"];
        let of_kubernetes =
            ["NECTAR_EXPORTER_SERVICE_HOST", "NECTAR_EXPORTER_PORT", "NECTAR_EXPORTER_PORT_10942_TCP"];
        let others = ["PATH", "NECTAR_API_KEY"];
        let stray = ["NECTAR_EXPORTER_NECTAR_COMPANIES", "NECTAR_EXPORTER_PORTS"];
        let names = [&known[..], &of_kubernetes, &others, &stray].concat();
        let command = command("test".to_owned());
        assert_eq!(unknown_variables(&command, names.into_iter().map(str::to_owned)), stray);
    }

    /// `cargo run` hands what `build.rs` sets to the program: whoever tries it for the first time must not be warned of that.
    #[test]
    fn variables_of_the_build_look_like_no_flags() {
        let names = include_str!("../../build.rs")
            .lines()
            .filter_map(|line| line.split_once("rustc-env=")?.1.split('=').next());
        let names: Vec<String> = names.map(str::to_owned).collect();
        assert_eq!(names.len(), 2);
        assert_eq!(unknown_variables(&command("test".to_owned()), names.into_iter()), [""; 0]);
    }
}
