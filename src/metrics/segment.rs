//! Exposition text compressed in segments, so that text rendered at different times can be served as one gzip member.

use std::io;

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

use super::RenderError;
use crate::gzip::{Deflater, Sum};

/// Some whole lines, compressed on their own. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    deflated: Bytes,
    sum: Sum,
}

impl Segment {
    pub(super) fn new(text: &str, deflater: &mut Deflater) -> Result<Self, RenderError> {
        let mut deflated = Vec::new();
        deflater.segment(text.as_bytes(), &mut deflated)?;
        Ok(Self { deflated: Bytes::copy_from_slice(&deflated), sum: Sum::of(text.as_bytes()) })
    }

    pub(super) fn sum(&self) -> Sum {
        self.sum
    }

    pub(super) fn deflated(&self) -> &Bytes {
        &self.deflated
    }

    pub(super) fn inflate(&self) -> io::Result<Bytes> {
        let mut text = Vec::with_capacity(usize::try_from(self.sum.len()).map_err(io::Error::other)? + 1);
        let status =
            Decompress::new(false).decompress_vec(&self.deflated, &mut text, FlushDecompress::Sync)?;
        if status == Status::BufError || Sum::of(&text) != self.sum {
            return Err(io::Error::other("a segment does not inflate to what it was made from"));
        }
        Ok(text.into())
    }
}
