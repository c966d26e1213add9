//! Tells systemd how the exporter is, for a unit with `Type=notify`: that it serves, how the last poll ended, and that polling goes on.

use std::time::Duration;

use futures::future::OptionFuture;
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::fleet::EndedPoll;
use crate::poll::Watched;

/// The systemd that has started the program and wants to be told.
#[derive(Debug, Clone, Copy)]
pub struct Systemd {
    /// It restarts a program of which it hears nothing for so long.
    watchdog: Option<Duration>,
}

impl Systemd {
    /// As the variables that systemd sets have it; none if it does not want to be told. See sd_notify(3) and sd_watchdog_enabled(3).
    pub fn from_env() -> Option<Self> {
        std::env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty())?;
        // Zero is no time to wait for: telling would never pause.
        Some(Self { watchdog: sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) })
    }

    /// Says that the exporter serves, whether or not Nectar can be reached; then how each poll ends, and that polling goes on, until
    /// `stop`.
    pub async fn tell(self, mut watched: Watched, stop: CancellationToken) {
        let began = watched.clock.monotonic();
        self.say(&[NotifyState::Ready, NotifyState::Status("Serving. The first poll has not ended yet.")]);
        // Half the time, as sd_watchdog_enabled(3) recommends.
        let next_tick = || OptionFuture::from(self.watchdog.map(|limit| watched.clock.sleep(limit / 2)));
        let mut tick = next_tick();
        loop {
            let polls = &mut watched.polls;
            tokio::select! {
                () = stop.cancelled() => break,
                Ok(()) = polls.changed() => {
                    let ended = *polls.borrow();
                    self.say(&[NotifyState::Status(&ended.map_or_else(String::new, words))]);
                }
                Some(()) = &mut tick => {
                    if watched.goes_on(began) {
                        self.say(&[NotifyState::Watchdog]);
                    }
                    tick = next_tick();
                }
            }
        }
        self.say(&[NotifyState::Stopping]);
    }

    /// Says that files are read again. [`reloaded`](Self::reloaded) must follow.
    pub fn reloading(self) {
        // systemd 253 and later compares this time with that of its own signal.
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.say(&[NotifyState::Reloading, now]),
            Err(_) => self.say(&[NotifyState::Reloading]),
        }
    }

    /// Says that files were read again.
    pub fn reloaded(self) {
        self.say(&[NotifyState::Ready]);
    }

    fn say(self, states: &[NotifyState<'_>]) {
        if let Err(error) = sd_notify::notify(states) {
            warn!(msg = "systemd cannot be told how the exporter is", %error);
        }
    }
}

fn words(poll: EndedPoll) -> String {
    let EndedPoll { at, companies, outcome } = poll;
    let at = at.wall.strftime("%Y-%m-%d %H:%M:%S UTC");
    match outcome {
        Ok(()) => format!("The last poll ended at {at}: all {companies} companies were read."),
        Err(failure) => format!(
            "The last poll ended at {at}: {companies} companies were read, and not all, because {}.",
            failure.words()
        ),
    }
}
