//! A thread of its own for work that takes a processor for milliseconds: one piece after the other, in the order in which
//! they came.
//!
//! On the threads that answer requests, such work would hold up everybody; on whichever thread is free, what stays in memory of
//! it would lie in many of the allocator's arenas, and what one arena has free is of no use to another thread. Work that may take
//! its time can have a low priority: `docs/performance.md` says what that bought, and its price.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tokio::sync::{mpsc, oneshot};

type Work = Box<dyn FnOnce() + Send>;

/// The thread. It ends when this is gone, and its work is done.
#[derive(Debug)]
pub struct Worker(mpsc::UnboundedSender<Work>);

/// Who goes first when processors are short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// As all others.
    Normal,
    /// Behind the others of this program, and behind other programs of the same scheduling group, where the system has
    /// priorities for threads: on Linux.
    Low,
}

/// So much nicer than the program was started: against its other threads, a tenth of a processor.
#[cfg(target_os = "linux")]
const LOWER_BY: i32 = 10;

fn lower_priority() {
    // Of this thread alone: Linux keeps niceness by thread. Where it is forbidden, it works as all others do.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::getpriority_process(None)
        .and_then(|niceness| rustix::process::setpriority_process(None, niceness.saturating_add(LOWER_BY)));
}

/// There is no thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no further thread; raise its limits on threads or memory")]
pub struct SpawnError;

/// The work ended without a result: it panicked, which stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panicked;

impl Worker {
    /// Starts the thread, under a `name` that a debugger shows.
    ///
    /// # Errors
    /// [`SpawnError`], when the system gives none.
    pub fn start(name: &str, priority: Priority) -> Result<Self, SpawnError> {
        let (sender, mut queue) = mpsc::unbounded_channel::<Work>();
        let work = move || {
            if priority == Priority::Low {
                lower_priority();
            }
            while let Some(work) = queue.blocking_recv() {
                // What panics takes its own result with it, and nobody else's.
                let _ = catch_unwind(AssertUnwindSafe(work));
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|_| SpawnError)?;
        Ok(Self(sender))
    }

    /// Does `work` when all that came before is done. It is done even if nobody waits for it any more.
    ///
    /// # Errors
    /// [`Panicked`], when it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Panicked> {
        let (sender, result) = oneshot::channel();
        let work = move || drop(sender.send(work()));
        self.0.send(Box::new(work)).map_err(|_| Panicked)?;
        result.await.map_err(|_| Panicked)
    }
}
