//! A thread of its own for work that takes a processor for milliseconds: one job after the other, in the order of arrival.
//!
//! On the threads that serve requests, such work would delay all of them. On whichever thread is free, the memory that stays allocated
//! would be spread over many of the allocator's arenas, and what is free in one arena is of no use to another thread. Work that is not
//! urgent can have a low priority; `docs/performance.md` has the gain and the price.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tokio::sync::{mpsc, oneshot};

type Work = Box<dyn FnOnce() + Send>;

/// The thread. It ends when this and its clones are dropped and all work is done.
#[derive(Debug, Clone)]
pub struct Worker(mpsc::UnboundedSender<Work>);

/// Which threads go first when processors are short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// The same as all other threads.
    Normal,
    /// Behind the other threads of this program, and behind other programs of the same scheduling group. Only on Linux, which has
    /// priorities for threads.
    Low,
}

/// Added to the niceness that the program was started with. Against the program's other threads, that leaves a tenth of a processor.
#[cfg(target_os = "linux")]
const LOWER_BY: i32 = 10;

fn lower_priority() {
    // For this thread alone: Linux keeps niceness by thread. If that is forbidden, the thread has the same priority as the others.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::getpriority_process(None)
        .and_then(|niceness| rustix::process::setpriority_process(None, niceness.saturating_add(LOWER_BY)));
}

/// The thread could not be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no further thread; raise its limits on threads or memory")]
pub struct SpawnError;

/// The work panicked, so there is no result. The panic is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panicked;

impl Worker {
    /// Starts the thread, under a `name` that a debugger shows.
    ///
    /// # Errors
    /// [`SpawnError`], if the system gives no thread.
    pub fn start(name: &str, priority: Priority) -> Result<Self, SpawnError> {
        let (sender, mut queue) = mpsc::unbounded_channel::<Work>();
        let work = move || {
            if priority == Priority::Low {
                lower_priority();
            }
            while let Some(work) = queue.blocking_recv() {
                // A job that panics loses its own result, and no other.
                let _ = catch_unwind(AssertUnwindSafe(work));
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|_| SpawnError)?;
        Ok(Self(sender))
    }

    /// Runs `work` after all work that came before, even if nobody waits for its result any more.
    ///
    /// # Errors
    /// [`Panicked`], if `work` panics.
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
