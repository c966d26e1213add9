//! The body of one scrape, written as fast as its client takes it. A slow client keeps one piece in memory, and what was published when
//! it asked.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::gzip::{self, Checksum, Deflater};
use super::published::{Block, Written};
use super::text::Format;

/// Plain text, or one gzip member, piece by piece.
#[derive(Debug)]
pub struct Body {
    gzip: bool,
    format: Format,
    blocks: Arc<[Block]>,
    /// The time that ages are computed for.
    now: Timestamp,
    /// Text before the published part, and after it; none once it is written.
    before: Option<String>,
    after: Option<String>,
    /// The next piece of the published part: the index of its block, and of the segment or ages within that.
    next: (usize, usize),
    deflater: Deflater,
    /// The checksum of the text so far.
    checksum: Checksum,
}

impl Body {
    pub(super) fn new(
        gzip: bool,
        format: Format,
        blocks: Arc<[Block]>,
        now: Timestamp,
        before: String,
        after: String,
    ) -> Self {
        let (before, after) = (Some(before), Some(after));
        let (next, deflater, checksum) = ((0, 0), Deflater::default(), Checksum::EMPTY);
        Self { gzip, format, blocks, now, before, after, next, deflater, checksum }
    }

    fn next_published(&mut self) -> Option<io::Result<Bytes>> {
        let blocks = Arc::clone(&self.blocks);
        loop {
            let (number, place) = self.next;
            let block = blocks.get(number)?;
            let Written { segments, checksum } = block.written(self.format);
            self.next.1 += 1;
            if place == 0 {
                self.checksum = self.checksum.then(*checksum);
            }
            if let Some(segment) = segments.get(place) {
                return Some(if self.gzip { Ok(segment.deflated().clone()) } else { segment.inflate() });
            }
            if let Some(ages) = block.ages.get(place - segments.len()) {
                let mut text = String::new();
                ages.write(self.now, &mut text);
                return Some(self.write(&text).map(Bytes::from));
            }
            self.next = (number + 1, 0);
            self.forget_deflater();
        }
    }

    fn write(&mut self, text: &str) -> io::Result<Vec<u8>> {
        self.checksum = self.checksum.then(Checksum::of(text.as_bytes()));
        if !self.gzip {
            return Ok(text.into());
        }
        let mut deflated = Vec::new();
        self.deflater.segment(text.as_bytes(), &mut deflated)?;
        Ok(deflated)
    }

    /// Frees a quarter of a megabyte: a slow client may take long until the next piece.
    fn forget_deflater(&mut self) {
        self.deflater = Deflater::default();
    }

    fn write_first(&mut self, text: &str) -> io::Result<Bytes> {
        let written = self.write(text)?;
        self.forget_deflater();
        let head: &[u8] = if self.gzip { &gzip::HEAD } else { &[] };
        Ok([head, &written].concat().into())
    }

    fn write_last(&mut self, text: &str) -> io::Result<Bytes> {
        let mut written = self.write(text)?;
        if self.gzip {
            written.extend(self.checksum.trailer());
        }
        Ok(written.into())
    }
}

impl Iterator for Body {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(before) = self.before.take() {
            return Some(self.write_first(&before));
        }
        if let Some(piece) = self.next_published() {
            return Some(piece);
        }
        let after = self.after.take()?;
        Some(self.write_last(&after))
    }
}
