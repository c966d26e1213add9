//! Bytes that are on their way to a reader, with what must live as long as they do.
//!
//! The end of a body is handed over before the client has taken it, and keeps more in memory than its own bytes. Must not know
//! what is kept.

use std::io::IoSlice;

use bytes::Buf;

use crate::web::Chunk;

/// A chunk, and what lives until it was sent.
pub(super) struct Held<T> {
    pub(super) chunk: Chunk,
    pub(super) _with: T,
}

impl<T> Buf for Held<T> {
    fn remaining(&self) -> usize {
        self.chunk.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.chunk.chunk()
    }

    fn chunks_vectored<'a>(&'a self, places: &mut [IoSlice<'a>]) -> usize {
        self.chunk.chunks_vectored(places)
    }

    fn advance(&mut self, count: usize) {
        self.chunk.advance(count);
    }
}
