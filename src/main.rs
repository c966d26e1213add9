//! The program: arguments, files, sockets, and which command runs.

mod listeners;
mod process;
mod startup;

use std::env;
use std::ffi::OsString;
use std::future::Future;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::FromArgMatches;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use jiff::Timestamp;
use nectar_exporter::app::{App, AppError, Webhooks};
use nectar_exporter::check::{self, CheckError, Report};
use nectar_exporter::clock::SystemClock;
use nectar_exporter::config::flags::{CheckFlags, DemoFlags, HealthFlags, SimFlags};
use nectar_exporter::config::{
    Cli, Command, Config, ConfigError, KeySource, SimulateFlags, Web, WebhookSecrets, command,
    unknown_variables, variable_of, with_variables,
};
use nectar_exporter::failure::FILE_READ_TIMEOUT;
use nectar_exporter::health::{self, HealthError};
use nectar_exporter::http::web_config::{ConfigReloader, WebConfigError};
use nectar_exporter::http::{self, BindError, ListenAddress};
use nectar_exporter::metrics::Build;
use nectar_exporter::nectar::proxy::{ProxyError, proxy_for};
use nectar_exporter::nectar::{Certificates, Key, KeyError};
use nectar_exporter::observe::DroppedLines;
use nectar_exporter::secret_file::{Secret, SecretFileError};
use nectar_exporter::storage::{self, FolderError};
use nectar_exporter::systemd::Systemd;
use nectar_exporter::webhook::signature::secrets_in;
use nectar_simulator::{Endpoint, EndpointError, Plan, Simulator, WEBHOOK_SECRET};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::listeners::{Addresses, say_where};
use crate::process::{Hangup, on_runtime, start};
use crate::startup::StartupSummary;

/// How many file descriptors there are, if the system does not say.
const DESCRIPTORS: u64 = 256;

/// Why the program ends with status 1.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    WebhookSecret(#[from] SecretFileError),
    #[error(
        "{0} of --webhook.config.file has basic_auth_users, and events come without a password; take them out"
    )]
    WebhookUsers(PathBuf),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error(transparent)]
    Health(#[from] HealthError),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(
        "--web.systemd-socket: systemd hands over no socket; start the socket unit, and let it start the service"
    )]
    NoSystemdSocket,
    #[error("--web.systemd-socket: what systemd hands over cannot be served on: {0}")]
    SystemdSocket(io::Error),
    #[error(transparent)]
    WebConfig(#[from] WebConfigError),
    #[error(transparent)]
    App(#[from] AppError),
    #[error("cannot read the certificates in {0} (--nectar.ca-file): {1}")]
    Certificates(PathBuf, io::Error),
    #[error(
        "cannot read {0}: it did not end within {FILE_READ_TIMEOUT:?}; is it a pipe, or on a mount that hangs?"
    )]
    Hangs(PathBuf),
    #[error("cannot set up the runtime, signals or sockets: {0}")]
    System(#[from] io::Error),
    #[error("the demo's own address takes no port")]
    DemoUrl,
    #[error("cannot send events (--sim.webhook-url, --sim.webhook-secret): {0}")]
    Endpoint(#[from] EndpointError),
}

fn main() -> ExitCode {
    let Build { version, revision, rustc } = Build::THIS;
    let mut command = command(format!("{version} (revision {revision}, rustc {rustc})"));
    let arguments = arguments();
    let matches = command.try_get_matches_from_mut(&arguments).unwrap_or_else(|mut fault| {
        if let Some(variable) = variable_of(&fault, &arguments) {
            let tip = StyledStr::from(format!("the value comes from the variable {variable}"));
            fault.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
        }
        fault.exit()
    });
    let stray =
        unknown_variables(&command, env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()));
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|fault| fault.exit());
    let outcome = match &cli.command {
        None => export(&cli, stray),
        Some(Command::Demo(flags)) => demo(flags, stray),
        Some(Command::Check(flags)) => check(flags, stray),
        Some(Command::Health(flags)) => health(flags),
        Some(Command::Simulate(flags)) => {
            Ok(start(flags.log, Hangup::Ends, |signals, _| simulate(flags, signals.stop)))
        }
    };
    outcome.unwrap_or_else(|ConfigError(faults)| {
        let faults: Vec<String> =
            faults.iter().map(|fault| with_variables(fault, &command, &matches)).collect();
        command.error(ErrorKind::ValueValidation, faults.join("\nerror: ")).exit()
    })
}

/// The command line, with `help --help` read as `help`.
fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == "help") {
        arguments.retain(|argument| argument != "--help" && argument != "-h");
    }
    arguments
}

/// The key is read from the environment and is not a flag, because a command line is public.
fn key_variable() -> Option<SecretString> {
    env::var_os("NECTAR_API_KEY").map(|key| SecretString::from(key.to_string_lossy().as_ref()))
}

/// Completes the settings with what is in files and in the variables for proxies, and reads the key.
async fn with_files(
    mut settings: Config,
    key: KeySource,
    ca_file: Option<PathBuf>,
) -> Result<(Config, Key), StartError> {
    if let Some(path) = ca_file {
        match within_time(&path, tokio::fs::read(&path)).await? {
            Ok(pem) => settings.nectar.extra_certificates = Some(Certificates { path, pem }),
            Err(error) => return Err(StartError::Certificates(path, error)),
        }
    }
    if !settings.nectar.is_on_this_machine() {
        settings.nectar.proxy = proxy_for(&settings.nectar.base_url, |name| env::var_os(name))?;
    }
    let key = match key {
        KeySource::File(path) => Key::from_file(path).await?,
        KeySource::Value(key) => Key::fixed(key)?,
    };
    Ok((settings, key))
}

fn check(flags: &CheckFlags, stray: Vec<String>) -> Result<ExitCode, ConfigError> {
    let (settings, key) = Config::for_api(&flags.exporter, &flags.nectar, &flags.webhook, key_variable())?;
    let mut report = Report::to(io::stdout());
    let outcome = on_runtime(report_on(&mut report, flags, settings, key, stray));
    if let Err(fault) = outcome {
        // If this cannot be written either, the exit code still says it.
        let _ = report.failed(&sentence(&fault.to_string()), "mend this, and run the check again");
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A message as a sentence of its own.
fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if message.ends_with('?') { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

async fn report_on(
    report: &mut Report<io::Stdout>,
    flags: &CheckFlags,
    settings: Config,
    key: KeySource,
    stray: Vec<String>,
) -> Result<(), StartError> {
    report.ok("The flags hold together.")?;
    let (settings, key) = with_files(settings, key, flags.nectar.ca_file.clone()).await?;
    match key.file() {
        Some(file) => report.ok(&format!("The API key is in {}.", file.display()))?,
        None => report.ok("The API key is in the variable NECTAR_API_KEY.")?,
    }
    for warning in StartupSummary::of(&settings, stray, Some(&key)).warnings().await {
        report.note(&format!("{warning}."))?;
    }
    if web_config(settings.web.config_file.as_ref()).await?.is_some() {
        report.ok("The web configuration can be used.")?;
    }
    if webhooks(&settings).await?.is_some() {
        report.ok("Webhook events can be received.")?;
    }
    if let Some(path) = &settings.storage_path {
        report_storage(report, path).await?;
    }
    let clock = SystemClock::shared();
    if flags.config_only {
        // This reads the certificates, and sends nothing.
        App::new(settings, key, clock, DroppedLines::default())?;
        return Ok(());
    }
    Ok(check::check(report, settings, key, clock, flags.all).await?)
}

async fn report_storage(report: &mut Report<io::Stdout>, path: &Path) -> io::Result<()> {
    let folder = path.display();
    match storage::inspect_folder(path).await {
        Ok(true) => report.ok(&format!("The state can be stored in {folder}.")),
        Ok(false) => report.ok(&format!("The exporter will create {folder} for its state.")),
        // Most likely the exporter that is to be restarted.
        Err(FolderError::InUse) => report.note(&format!(
            "Another process stores its state in {folder}; until it ends, this exporter would store none."
        )),
        Err(cause) => {
            report.failed(&format!("The state cannot be stored in {folder}: {cause}."), cause.advice())
        }
    }
}

fn health(flags: &HealthFlags) -> Result<ExitCode, ConfigError> {
    let web = Web::of(&flags.web)?;
    let outcome = on_runtime(async {
        let web_config = web_config(web.config_file.as_ref()).await?;
        let has_tls = web_config.as_ref().is_some_and(ConfigReloader::has_tls);
        Ok::<(), StartError>(health::ask(&web, has_tls).await?)
    });
    // The exit code says it, too, if nobody reads the words.
    Ok(match outcome {
        Ok(()) => {
            let _ = writeln!(io::stdout(), "ready");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            let _ = writeln!(io::stderr(), "nectar-exporter: {fault}");
            ExitCode::FAILURE
        }
    })
}

fn export(cli: &Cli, stray: Vec<String>) -> Result<ExitCode, ConfigError> {
    let (settings, key) = Config::for_api(&cli.exporter, &cli.nectar, &cli.webhook, key_variable())?;
    let ca_file = cli.nectar.ca_file.clone();
    let (sockets, systemd) = (listeners::of_systemd(&settings.web), Systemd::from_env());
    Ok(start(cli.exporter.log, Hangup::Reloads, |signals, dropped| async move {
        let (settings, key) = with_files(settings, key, ca_file).await?;
        let summary = StartupSummary::of(&settings, stray, Some(&key));
        let addresses = Addresses::of(&settings);
        let web_config = web_config(settings.web.config_file.as_ref()).await?;
        let webhooks = webhooks(&settings).await?;
        let app = App::new(settings, key, SystemClock::shared(), dropped)?;
        let listeners = addresses.listen(sockets?, &summary, &signals.stop).await?;
        let app = app.protected_by(web_config).receiving(webhooks, listeners.webhook);
        let app = app.within(descriptors()).reloading_on(signals.reload).telling(systemd);
        Ok::<(), StartError>(app.run(listeners.web, signals.stop).await?)
    }))
}

fn demo(flags: &DemoFlags, stray: Vec<String>) -> Result<ExitCode, ConfigError> {
    let mut settings = Config::for_simulator(&flags.exporter)?;
    let sockets = listeners::of_systemd(&settings.web);
    Ok(start(flags.exporter.log, Hangup::Ends, |signals, dropped| async move {
        let clock = SystemClock::shared();
        let web_config = web_config(settings.web.config_file.as_ref()).await?;
        let simulated = http::bind(&ListenAddress::loopback(0)).await?;
        for listener in &simulated {
            // Known only now: port 0 picked a free one.
            let port = Some(listener.local_addr()?.port());
            settings.nectar.base_url.set_port(port).map_err(|()| StartError::DemoUrl)?;
        }
        let summary = StartupSummary::of(&settings, stray, None);
        let secret = "demo";
        let key = Key::fixed(secret.into())?;
        let listeners = Addresses::of(&settings).listen(sockets?, &summary, &signals.stop).await?;
        let simulator = Simulator::new(&plan(&flags.sim), secret, Timestamp::now);
        if let (Some(webhook), Some(receives)) = (&settings.webhook, listeners.webhook.first()) {
            let url = format!("http://{}{}", receives.local_addr()?, webhook.path);
            let endpoint = endpoint(&url, WEBHOOK_SECRET, &flags.sim)?;
            tokio::spawn(simulator.send_events(endpoint, signals.stop.clone()));
        }
        tokio::spawn(simulator.serve(simulated, signals.stop.clone()));
        if let Some(first) = listeners.web.first() {
            let port = first.local_addr()?.port();
            let scheme =
                if web_config.as_ref().is_some_and(ConfigReloader::has_tls) { "https" } else { "http" };
            let page = format!("{scheme}://localhost:{port}{}/", settings.web.paths.prefix);
            let metrics = format!("{scheme}://localhost:{port}{}", settings.web.paths.metrics());
            info!(
                msg = "The demo runs: open the page in a browser, point Prometheus at the metrics",
                page, metrics
            );
        }
        let webhooks = webhooks(&settings).await?;
        let app = App::new(settings, key, clock, dropped)?.protected_by(web_config);
        let app = app.receiving(webhooks, listeners.webhook).within(descriptors());
        Ok::<(), StartError>(app.run(listeners.web, signals.stop).await?)
    }))
}

async fn simulate(flags: &SimulateFlags, stop: CancellationToken) -> Result<(), StartError> {
    let url = flags.webhook_url.as_ref();
    let endpoint = url.map(|url| endpoint(url, &flags.webhook_secret, &flags.sim)).transpose()?;
    let listeners = http::bind_all(&flags.listen_addresses).await?;
    say_where("Listening on", &listeners)?;
    let simulator = Simulator::new(&plan(&flags.sim), flags.api_key.clone(), Timestamp::now);
    if let Some(endpoint) = endpoint {
        tokio::spawn(simulator.send_events(endpoint, stop.clone()));
    }
    simulator.serve(listeners, stop).await;
    Ok(())
}

/// A receiver of the simulated events. What failed is not tried again more slowly than in life.
fn endpoint(url: &str, secret: &str, flags: &SimFlags) -> Result<Endpoint, EndpointError> {
    let mut endpoint = Endpoint::new(url, secret)?;
    (endpoint.seed, endpoint.speed) = (flags.seed, flags.speed.max(1.0));
    Ok(endpoint)
}

fn plan(flags: &SimFlags) -> Plan {
    let &SimFlags { companies, connections, accounts, seed, speed } = flags;
    Plan { companies, connections, accounts, seed, speed }
}

/// Raises the soft limit of file descriptors to the hard one, and returns the limit.
fn descriptors() -> u64 {
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or_else(|error| {
        warn!(msg = "The limit of open files cannot be raised", error = %error);
        rlimit::Resource::NOFILE.get_soft().unwrap_or(DESCRIPTORS)
    })
}

/// Reads the web configuration, if there is a file.
async fn web_config(path: Option<&PathBuf>) -> Result<Option<ConfigReloader>, StartError> {
    let Some(path) = path else { return Ok(None) };
    Ok(Some(within_time(path, ConfigReloader::load(path.clone())).await??))
}

/// Reads the files for webhook events, if they are received.
async fn webhooks(settings: &Config) -> Result<Option<Webhooks>, StartError> {
    let Some(webhook) = &settings.webhook else { return Ok(None) };
    let secrets = match &webhook.secrets {
        WebhookSecrets::File(path) => secrets_in(path.clone()).await?,
        WebhookSecrets::Demo => Secret::Fixed(WEBHOOK_SECRET.into()),
    };
    let web_config = web_config(webhook.config_file.as_ref()).await?;
    if let Some(config) = web_config.as_ref().filter(|config| config.now().has_users()) {
        return Err(StartError::WebhookUsers(config.path().to_owned()));
    }
    let (secrets, web_config) = (secrets.into(), web_config.map(Into::into));
    Ok(Some(Webhooks { path: webhook.path.clone(), secrets, web_config }))
}

async fn within_time<T>(path: &Path, reading: impl Future<Output = T>) -> Result<T, StartError> {
    tokio::time::timeout(FILE_READ_TIMEOUT, reading).await.map_err(|_| StartError::Hangs(path.to_owned()))
}
