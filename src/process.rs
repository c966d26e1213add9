//! The process: its runtime, its log, its signals and its exit code.

use std::fmt::Display;
use std::future::Future;
use std::io;
use std::num::NonZero;
use std::os::unix::net::UnixStream;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use nectar_exporter::config::LogFlags;
use nectar_exporter::log::{self, Lines};
use nectar_exporter::observe::DroppedLines;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// For work that outlives the stop signal, such as a scrape still being written.
const LAST_WORK: Duration = Duration::from_secs(1);

/// The signal for a file that reached the limit for its size. It has the same number on Linux and macOS.
const SIGXFSZ: i32 = 25;

/// Runs `work` to its end. Threads that hang, on a file for instance, are abandoned.
pub fn on_runtime<T, E: From<io::Error>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    // Tokio receives signals through such a pair, and panics if it gets none.
    UnixStream::pair().map_err(|error| {
        let hint =
            "where Unix sockets are forbidden, allow them (systemd: add AF_UNIX to RestrictAddressFamilies)";
        io::Error::new(error.kind(), format!("{error}; {hint}"))
    })?;
    // Set explicitly: Tokio panics at a TOKIO_WORKER_THREADS that is not a number.
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_timeout(LAST_WORK);
    outcome
}

/// Signals from the operating system.
pub struct Signals {
    /// SIGTERM or SIGINT: end.
    pub stop: CancellationToken,
    /// SIGHUP: read files again.
    pub reload: Arc<Notify>,
}

/// What SIGHUP does.
#[derive(Clone, Copy)]
pub enum Hangup {
    Reloads,
    /// There are no files to read again: the signal means that the terminal is gone.
    Ends,
}

/// Runs `job` until it ends or SIGTERM or SIGINT comes, and turns its outcome into an exit code.
pub fn start<F, E>(
    flags: LogFlags,
    on_hangup: Hangup,
    job: impl FnOnce(Signals, DroppedLines) -> F,
) -> ExitCode
where
    F: Future<Output = Result<(), E>>,
    E: Display + From<io::Error>,
{
    let dropped = DroppedLines::default();
    let lines = match log_to_standard_error(flags, dropped.clone()) {
        Ok(lines) => lines,
        Err(fault) => {
            eprintln!("nectar-exporter: cannot set up the log: {fault}");
            return ExitCode::FAILURE;
        }
    };
    // A panic has been logged, and its line must still be written.
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        on_runtime(async { job(signals(on_hangup)?, dropped).await })
    }));
    if let Ok(Err(fault)) = &outcome {
        error!(msg = "nectar-exporter ends", error = %fault);
    }
    lines.wait_until_written();
    if matches!(outcome, Ok(Ok(()))) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn log_to_standard_error(flags: LogFlags, dropped: DroppedLines) -> io::Result<Lines> {
    let lines = Lines::to_standard_error(dropped)?;
    tracing::subscriber::set_global_default(log::subscriber(flags, lines.clone()))
        .map_err(io::Error::other)?;
    // The default hook would write to standard error, and block if its reader is slow.
    panic::set_hook(Box::new(|fault| {
        let fault = fault.to_string();
        let msg = if fault.contains("OS can't spawn") {
            "The system gives no further thread; raise its limits on threads or memory"
        } else {
            "A fault in this program; please report it"
        };
        error!(msg, fault);
    }));
    Ok(lines)
}

fn signals(on_hangup: Hangup) -> io::Result<Signals> {
    let signals = Signals { stop: CancellationToken::new(), reload: Arc::default() };
    // A log that may not grow any further costs lines, and not the program: once there is a listener, the signal does nothing by
    // itself.
    let _grown = signal(SignalKind::from_raw(SIGXFSZ))?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (stop, reload) = (signals.stop.clone(), Arc::clone(&signals.reload));
    tokio::spawn(async move {
        let name = loop {
            tokio::select! {
                _ = terminate.recv() => break "SIGTERM",
                _ = interrupt.recv() => break "SIGINT",
                _ = hangup.recv() => match on_hangup {
                    Hangup::Reloads => reload.notify_one(),
                    Hangup::Ends => break "SIGHUP",
                },
            }
        };
        info!(msg = "Stopping", signal = name);
        stop.cancel();
    });
    Ok(signals)
}
