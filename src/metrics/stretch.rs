//! How the pieces of a run are sent: those in memory many at once, from where they lie; those in a file one by one.
//!
//! One by one, all are handed over, and who holds each is counted up and down. Must not know what they say.

use std::io::IoSlice;
use std::iter;
use std::ops::Range;
use std::sync::Arc;

use bytes::Buf;

use super::piece::Run;
use crate::store::Extent;

/// Pieces in a stretch: as many as hyper writes with one call to the system.
const PIECES: usize = 64;

/// Some pieces of a run in a row, until they were read.
#[derive(Debug)]
pub struct Stretch {
    run: Arc<Run>,
    zipped: bool,
    /// Those that are left.
    pieces: Range<usize>,
    /// Bytes of the first of them that were read.
    read: usize,
    /// Bytes left.
    left: usize,
}

/// Some bytes of a body.
#[derive(Debug)]
pub enum Part<M> {
    /// They lie in memory.
    Memory(M),
    /// They lie in a file.
    File(Extent),
}

/// All of `run`, part by part: compressed if `zipped`.
pub fn parts(run: Arc<Run>, zipped: bool) -> impl Iterator<Item = Part<Stretch>> {
    let mut begin = 0;
    iter::from_fn(move || {
        let rest = run.pieces().get(begin..)?;
        if let Some(extent) = rest.first().and_then(|piece| piece.in_file(zipped)) {
            begin += 1;
            return Some(Part::File(extent.clone()));
        }
        let in_memory = rest.iter().take(PIECES).take_while(|piece| piece.in_file(zipped).is_none()).count();
        let pieces = begin..begin + in_memory;
        begin = pieces.end;
        (in_memory > 0).then(|| Part::Memory(Stretch::of(Arc::clone(&run), zipped, pieces)))
    })
}

impl Stretch {
    fn of(run: Arc<Run>, zipped: bool, pieces: Range<usize>) -> Self {
        let mut stretch = Self { run, zipped, pieces, read: 0, left: 0 };
        stretch.left = stretch.slices().map(<[u8]>::len).sum();
        stretch
    }

    fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let pieces = self.run.pieces().get(self.pieces.clone()).unwrap_or_default();
        let mut read = self.read;
        pieces.iter().map(move |piece| {
            let rest = piece.in_memory(self.zipped).get(read..).unwrap_or_default();
            read = 0;
            rest
        })
    }
}

impl Buf for Stretch {
    fn remaining(&self) -> usize {
        self.left
    }

    fn chunk(&self) -> &[u8] {
        self.slices().next().unwrap_or_default()
    }

    fn chunks_vectored<'a>(&'a self, places: &mut [IoSlice<'a>]) -> usize {
        let filled = places.iter_mut().zip(self.slices());
        filled.map(|(place, slice)| *place = IoSlice::new(slice)).count()
    }

    fn advance(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        self.read += count;
        while !self.pieces.is_empty()
            && let Some(piece) = self.run.pieces().get(self.pieces.start)
            && let Some(beyond) = self.read.checked_sub(piece.in_memory(self.zipped).len())
        {
            self.pieces.start += 1;
            self.read = beyond;
        }
    }
}
