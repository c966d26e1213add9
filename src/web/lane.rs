//! How bytes that lie in a file get to the socket past hyper, which writes from memory only.
//!
//! Hyper is given a stand-in: as many bytes, which nobody reads. When the socket is told to write some of these, it has the
//! system send as many from the file. Hyper writes each byte once, in their order, so that the next stand-in is always for
//! the next part. Must not know HTTP, or who else writes.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Buf;

use super::answer::{Chunk, Request};
use crate::store::Extent;

/// Known by its place in memory. At most so many bytes are sent at a time: most parts of files are shorter, and go whole.
static STAND_IN: [u8; 256 * 1024] = [0; 256 * 1024];

/// The parts of files that are to be sent on one connection. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lane(Arc<Mutex<VecDeque<Extent>>>);

impl Lane {
    /// That of the connection that `request` came in on, where its bytes are sent as they are.
    pub fn of(request: &Request) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    /// Bytes of a body that are those of `extent`. What is put here must be written to the connection, and in this order.
    pub fn put(&self, extent: Extent) -> Chunk {
        let stand_in = StandIn { left: extent.len() };
        if !extent.is_empty() {
            self.waiting().push_back(extent);
        }
        Box::new(stand_in)
    }

    /// Sends at most `most` bytes of the next part to `socket`. Returns how many.
    ///
    /// # Errors
    /// Those of the socket.
    pub(super) fn send(&self, socket: impl AsFd, most: usize) -> io::Result<usize> {
        let mut waiting = self.waiting();
        let Some(next) = waiting.front_mut() else {
            return Err(io::Error::other("a stand-in has nothing to stand for: a fault in this program"));
        };
        let sent = next.send(socket, most)?;
        if next.is_empty() {
            waiting.pop_front();
        }
        Ok(sent)
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Extent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether hyper wants bytes written that only stand for others.
pub(super) fn stand_in(bytes: &[u8]) -> bool {
    !bytes.is_empty() && STAND_IN.as_ptr_range().contains(&bytes.as_ptr())
}

/// How many of `buffers` stand before the first one that is a stand-in.
pub(super) fn in_memory(buffers: &[IoSlice<'_>]) -> usize {
    buffers.iter().take_while(|buffer| !stand_in(buffer)).count()
}

struct StandIn {
    left: u64,
}

impl Buf for StandIn {
    fn remaining(&self) -> usize {
        usize::try_from(self.left).unwrap_or(usize::MAX)
    }

    fn chunk(&self) -> &[u8] {
        STAND_IN.get(..self.remaining()).unwrap_or(&STAND_IN)
    }

    fn advance(&mut self, count: usize) {
        self.left = self.left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
    }
}
