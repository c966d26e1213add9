//! What one moment's scrapes are answered with.
//!
//! Most of it lies on the shelf already, and is shared with it. Knows how a body is put together. Must not know the network.

use std::fmt;
use std::iter::once;
use std::sync::{Arc, Weak};

use bytes::{Buf, Bytes};

use super::piece::Run;
use super::stretch::{Part, parts};
use super::{Moment, RenderError};
use crate::fleet::Fleet;
use crate::gzip::{self, Deflater, Sum};

/// Which fleet, and the second that ages are as of. It keeps the fleet's place, and not the fleet.
#[derive(Debug)]
pub struct Shows(Weak<Fleet>, i64);

impl Shows {
    pub(super) fn of(Moment { fleet, now }: &Moment) -> Self {
        Self(Arc::downgrade(fleet), now.as_second())
    }
}

impl PartialEq for Shows {
    fn eq(&self, other: &Self) -> bool {
        self.1 == other.1 && self.0.ptr_eq(&other.0)
    }
}

/// All metrics but the exporter's own counters, as of one moment. Many scrapes may share it.
#[derive(Debug)]
pub struct Rendering {
    pub(super) shows: Shows,
    /// Whether it is to be sent compressed.
    pub(super) zipped: bool,
    /// All of them, in their order.
    pub(super) runs: Vec<Arc<Run>>,
}

impl Rendering {
    /// Whether one of `moment` would be the same.
    pub fn is_of(&self, moment: &Moment) -> bool {
        self.shows == Shows::of(moment)
    }
}

/// Some bytes, where they lie.
pub type Chunk = Part<Box<dyn Buf + Send>>;

/// The body of one scrape, chunk by chunk: a rendering, and the exporter's own counters at its end.
pub struct Chunks {
    /// Bytes left to come.
    len: u64,
    /// They hold the rendering.
    left: Box<dyn Iterator<Item = Chunk> + Send>,
}

impl Chunks {
    /// The body, with `own` as its last families.
    ///
    /// # Errors
    /// Never in practice; see [`RenderError`].
    pub fn new(rendering: Arc<Rendering>, own: Bytes) -> Result<Self, RenderError> {
        let zipped = rendering.zipped;
        let plain = Sum::of(&own);
        let sum = rendering.runs.iter().map(|run| run.sum()).fold(Sum::NOTHING, Sum::then).then(plain);
        let head = Bytes::from_static(if zipped { &gzip::HEAD } else { &[] });
        let end = if zipped { [segment(&own)?, sum.tail()].concat().into() } else { own };
        let runs = rendering.runs.iter().map(|run| run.len(zipped)).sum::<u64>();
        let len = runs + u64::try_from(head.len() + end.len()).unwrap_or(u64::MAX);
        let runs = (0..rendering.runs.len()).filter_map(move |number| rendering.runs.get(number).cloned());
        let stretches = runs.flat_map(move |run| parts(run, zipped)).map(|part| match part {
            Part::Memory(stretch) => chunk(stretch),
            Part::File(extent) => Part::File(extent),
        });
        Ok(Self { len, left: Box::new(once(chunk(head)).chain(stretches).chain(once(chunk(end)))) })
    }

    /// How many bytes it has.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has none, which does not happen.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

fn segment(plain: &[u8]) -> Result<Vec<u8>, RenderError> {
    let mut packed = Vec::new();
    Deflater::default().segment(plain, &mut packed)?;
    Ok(packed)
}

fn chunk(bytes: impl Buf + Send + 'static) -> Chunk {
    Part::Memory(Box::new(bytes))
}

impl Iterator for Chunks {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        self.left.next()
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("len", &self.len).finish_non_exhaustive()
    }
}
