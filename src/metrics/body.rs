//! The body of one scrape, written as fast as its client takes it: a slow reader costs a buffer, and not a rendering.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::published::{Family, Published};
use crate::gzip::{self, Deflater, Sum};

/// Ages are written in pieces of about this size.
const AGES_LEN: usize = 64 * 1024;

/// Plain text, or one gzip member.
#[derive(Debug)]
pub struct Body {
    gzip: bool,
    published: Arc<Published>,
    /// Ages are as of this time.
    now: Timestamp,
    /// What comes before the families.
    before: Option<String>,
    /// What comes after them.
    after: Option<String>,
    /// The family that is being written, and where in it.
    family: usize,
    at: usize,
    deflater: Deflater,
    sum: Sum,
    ready: VecDeque<Bytes>,
}

impl Body {
    pub(super) fn new(
        gzip: bool,
        published: Arc<Published>,
        now: Timestamp,
        before: String,
        after: String,
    ) -> Self {
        let ready = if gzip { [Bytes::from_static(&gzip::HEAD)].into() } else { VecDeque::new() };
        let (before, after) = (Some(before), Some(after));
        let (deflater, sum) = (Deflater::default(), Sum::NOTHING);
        Self { gzip, published, now, before, after, family: 0, at: 0, deflater, sum, ready }
    }

    fn write(&mut self, text: String) -> io::Result<Bytes> {
        self.sum = self.sum.then(Sum::of(text.as_bytes()));
        if !self.gzip {
            return Ok(text.into());
        }
        let mut deflated = Vec::new();
        self.deflater.segment(text.as_bytes(), &mut deflated)?;
        Ok(deflated.into())
    }

    /// The next bytes of the families; none when all are written.
    fn next_of_families(&mut self) -> Option<io::Result<Bytes>> {
        let published = Arc::clone(&self.published);
        while let Some(family) = published.families().get(self.family) {
            let first = self.at == 0;
            match family {
                Family::Static { segments, sum } => {
                    if let Some(segment) = segments.get(self.at) {
                        self.sum = if first { self.sum.then(*sum) } else { self.sum };
                        self.at += 1;
                        return Some(if self.gzip {
                            Ok(segment.deflated().clone())
                        } else {
                            segment.inflate()
                        });
                    }
                }
                Family::Ages { head, ages } => {
                    let mut text = if first { head.lines() } else { String::new() };
                    while let Some(aging) = ages.get(self.at)
                        && text.len() < AGES_LEN
                    {
                        aging.write(self.now, &mut text);
                        self.at += 1;
                    }
                    if !text.is_empty() {
                        return Some(self.write(text));
                    }
                }
            }
            (self.family, self.at) = (self.family + 1, 0);
            // It holds a quarter of a megabyte.
            self.deflater = Deflater::default();
        }
        None
    }
}

impl Iterator for Body {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(bytes) = self.ready.pop_front() {
            return Some(Ok(bytes));
        }
        if let Some(before) = self.before.take() {
            return Some(self.write(before));
        }
        if let Some(bytes) = self.next_of_families() {
            return Some(bytes);
        }
        let after = self.after.take()?;
        let last = self.write(after);
        if self.gzip {
            self.ready.push_back(self.sum.tail().into());
        }
        Some(last)
    }
}
