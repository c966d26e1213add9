//! Scrapes under way, and what they share.
//!
//! All scrapes of one second and one encoding get the same rendering, so that many at once cost as much as one. A client
//! that takes its time keeps a rendering alive: there are few of them, and when one more is wanted, those who still read
//! the oldest are cut off. Must not know HTTP, or what is rendered.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::held::Held;
use crate::clock::SharedClock;
use crate::metrics::{Chunks, Counters, Exposition, Moment, Part, RenderError, Rendering};
use crate::web::{Chunk, Hangup, Lane};

/// Renderings that may be read at once; and one more, in an encoding that has none that can be shared.
const RENDERINGS: usize = 8;
/// Nobody is cut off whose rendering is younger. Then those who come share what there is.
const MIN_READING_TIME: Duration = Duration::from_secs(10);
/// So long a rendering is kept for others of its second, when nobody reads it.
const USEFUL_TIME: Duration = Duration::from_secs(1);

/// Renders when there is something new to be rendered. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Scrapes {
    exposition: Exposition,
    clock: SharedClock,
    current: Arc<Mutex<Current>>,
}

#[derive(Debug, Default)]
struct Current {
    /// To be sent as it is.
    plain: Option<Newest>,
    /// To be sent compressed.
    zipped: Option<Newest>,
    begun: u64,
    /// The exporter's own counters, as read last.
    own: Counters,
    /// By when they were done.
    alive: VecDeque<Alive>,
}

/// The rendering of its encoding that was begun last.
#[derive(Debug, Clone)]
struct Newest {
    number: u64,
    /// The exporter's own counters as they were before its fleet was looked at; never older than any that were sent.
    own: Bytes,
    done: Done,
}

/// A rendering under way, or what became of it.
type Done = Shared<BoxFuture<'static, Result<Arc<Rendering>, RenderError>>>;

/// A rendering that somebody may still be reading.
#[derive(Debug)]
struct Alive {
    number: u64,
    since: Duration,
    rendering: Weak<Rendering>,
    readers: Vec<Weak<Hangup>>,
}

impl Alive {
    fn has_readers(&self) -> bool {
        self.readers.iter().any(|reader| reader.strong_count() > 0)
    }
}

/// The body of one scrape. While it is there, its reader can be cut off.
#[derive(Debug)]
pub(super) struct Reading {
    chunks: Chunks,
    lane: Option<Lane>,
    rendering: Arc<Rendering>,
    reader: Arc<Hangup>,
}

impl Reading {
    /// How many bytes it has.
    pub(super) fn len(&self) -> u64 {
        self.chunks.len()
    }
}

impl Iterator for Reading {
    type Item = io::Result<Chunk>;

    fn next(&mut self) -> Option<io::Result<Chunk>> {
        let chunk: Chunk = match (self.chunks.next()?, &self.lane) {
            (Part::Memory(chunk), _) => chunk,
            (Part::File(extent), Some(lane)) => lane.put(extent),
            (Part::File(extent), None) => match extent.read() {
                Ok(text) => Box::new(Bytes::from(text)),
                Err(error) => return Some(Err(error)),
            },
        };
        // Until the last one was sent, the reader counts as one, and can be cut off.
        let _with = (Arc::clone(&self.rendering), Arc::clone(&self.reader));
        Some(Ok(Box::new(Held { chunk, _with })))
    }
}

impl Scrapes {
    /// Nobody scrapes yet.
    pub(super) fn new(exposition: Exposition, clock: SharedClock) -> Self {
        Self { exposition, clock, current: Arc::default() }
    }

    /// The body of one scrape, whose `reader` may be cut off later. What lies in files goes by its `lane`, if there is one.
    ///
    /// # Errors
    /// Never in practice; see [`RenderError`].
    pub(super) async fn body(
        &self,
        zipped: bool,
        reader: Hangup,
        lane: Option<Lane>,
    ) -> Result<Reading, RenderError> {
        let own = self.exposition.counters();
        let Newest { number, own, done, .. } = self.newest(own, zipped);
        let rendering = done.await?;
        let reader = Arc::new(reader);
        self.is_read(number, &rendering, Arc::downgrade(&reader));
        let chunks = Chunks::new(Arc::clone(&rendering), own)?;
        Ok(Reading { chunks, lane, rendering, reader })
    }

    /// The rendering of this moment in its encoding, which may just have been begun, with counters beside it that are no
    /// newer; or, with too many alive, the last one, with what was beside that.
    fn newest(&self, own: Counters, zipped: bool) -> Newest {
        let mut current = self.current();
        current.note(own);
        // Only now: the fleet must be no older than the counters, whoever read them.
        if let Some(newest) = current.shared(&self.exposition.moment(), zipped) {
            return newest;
        }
        let has_room = current.make_room(self.clock.monotonic());
        if let Some(newest) = current.newest(zipped)
            && !has_room
        {
            return newest.clone();
        }
        current.begun += 1;
        let newest =
            Newest { number: current.begun, own: current.own.text.clone(), done: self.begin(zipped) };
        let before = current.newest(zipped).replace(newest.clone());
        // A rendering may go with it, and all that it was put together from: not while others wait.
        drop(current);
        drop(before);
        let current = Arc::downgrade(&self.current);
        tokio::spawn(forget_later(current, newest.number, newest.done.clone(), zipped));
        newest
    }

    fn begin(&self, zipped: bool) -> Done {
        let exposition = self.exposition.clone();
        // A task of its own: who waits for it may go away.
        let done = tokio::spawn(async move { exposition.render(zipped).await.map(Arc::new) });
        async move { done.await.map_err(|_| RenderError::Ended)? }.boxed().shared()
    }

    fn is_read(&self, number: u64, rendering: &Arc<Rendering>, reader: Weak<Hangup>) {
        let mut current = self.current();
        match current.alive.iter_mut().find(|alive| alive.number == number) {
            Some(alive) => {
                // Who asks over and over is gone as often: one rendering may have thousands of readers.
                alive.readers.retain(|reader| reader.strong_count() > 0);
                alive.readers.push(reader);
            }
            None => {
                let (since, rendering) = (self.clock.monotonic(), Arc::downgrade(rendering));
                current.alive.push_back(Alive { number, since, rendering, readers: vec![reader] });
            }
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        locked(&self.current)
    }
}

fn locked(current: &Mutex<Current>) -> MutexGuard<'_, Current> {
    current.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets go of a rendering that nobody reads and nobody may come for any more: at rest none takes up memory. While it is read,
/// it may yet be shared.
async fn forget_later(current: Weak<Mutex<Current>>, number: u64, done: Done, zipped: bool) {
    // Whoever waited may be gone, and what nobody waits for never counts as done.
    drop(done.await);
    loop {
        tokio::time::sleep(USEFUL_TIME).await;
        // The server has ended: it need not wait for this.
        let Some(current) = current.upgrade() else { return };
        let mut current = locked(&current);
        if current.newest(zipped).as_ref().is_none_or(|newest| newest.number != number) {
            return;
        }
        let is_read = |alive: &Alive| alive.number == number && alive.has_readers();
        if !current.alive.iter().any(is_read) {
            let gone = current.newest(zipped).take();
            drop(current);
            drop(gone);
            return;
        }
    }
}

impl Current {
    fn newest(&mut self, zipped: bool) -> &mut Option<Newest> {
        if zipped { &mut self.zipped } else { &mut self.plain }
    }

    /// Two who read the counters may come here in the other order.
    fn note(&mut self, own: Counters) {
        if own.number > self.own.number {
            self.own = own;
        }
    }

    /// The newest rendering, if it is of `moment` or still under way. One is made at a time: a fleet that changes while it
    /// is polled must not begin one for each scrape.
    fn shared(&mut self, moment: &Moment, zipped: bool) -> Option<Newest> {
        let own = self.own.text.clone();
        // Beside one under way stand older counters. Were newer ones sent meanwhile, they would seem to fall.
        let is_quiet = self.newest(!zipped).as_ref().is_none_or(|other| other.done.peek().is_some());
        let newest = self.newest(zipped).as_mut()?;
        match newest.done.peek() {
            None => {}
            Some(Ok(rendering)) if rendering.is_of(moment) && is_quiet => newest.own = own,
            Some(Ok(rendering)) if rendering.is_of(moment) => {}
            Some(_) => return None,
        }
        Some(newest.clone())
    }

    /// Whether there may be one more. If need be, the readers of the oldest are cut off for it.
    fn make_room(&mut self, now: Duration) -> bool {
        self.alive.retain(|alive| alive.rendering.strong_count() > 0);
        // The newest of each encoding may be there without a reader, for a second: it is in nobody's way.
        if self.alive.iter().filter(|alive| alive.has_readers()).count() < RENDERINGS {
            return true;
        }
        let is_old = |alive: &&mut Alive| now.saturating_sub(alive.since) >= MIN_READING_TIME;
        let oldest = self.alive.iter_mut().find(|alive| alive.has_readers());
        let Some(oldest) = oldest.filter(is_old) else { return false };
        oldest.readers.drain(..).filter_map(|reader| reader.upgrade()).for_each(|reader| reader.hang_up());
        true
    }
}
