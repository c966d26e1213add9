//! Pieces of a run that are sent at once, from where they lie.
//!
//! One by one, a plain scrape hands over 7,800, and counts up and down who holds each. Must not know what they say.

use std::io::IoSlice;
use std::ops::Range;
use std::sync::Arc;

use bytes::Buf;

use super::piece::Run;

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

impl Stretch {
    /// All of `run`, stretch by stretch: compressed if `zipped`.
    pub fn all(run: Arc<Run>, zipped: bool) -> impl Iterator<Item = Self> {
        let begins = (0..run.pieces().len()).step_by(PIECES);
        begins.map(move |begin| {
            let pieces = begin..run.pieces().len().min(begin + PIECES);
            let mut stretch = Self { run: Arc::clone(&run), zipped, pieces, read: 0, left: 0 };
            stretch.left = stretch.slices().map(<[u8]>::len).sum();
            stretch
        })
    }

    fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let pieces = self.run.pieces().get(self.pieces.clone()).unwrap_or_default();
        let mut read = self.read;
        pieces.iter().map(move |piece| {
            let rest = piece.bytes(self.zipped).get(read..).unwrap_or_default();
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
        while let Some(piece) = self.run.pieces().get(self.pieces.start)
            && let Some(beyond) = self.read.checked_sub(piece.bytes(self.zipped).len())
        {
            self.pieces.start += 1;
            self.read = beyond;
        }
    }
}
