//! What one moment's scrapes are answered with.
//!
//! Most of it is on the shelf already. Knows how a body is put together. Must not know the network.

use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::piece::Run;
use super::shelf::Shelf;
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
    /// None before the first good poll.
    pub(super) shelf: Option<Arc<Shelf>>,
    /// What stands above the fleet.
    pub(super) above: Run,
    /// The families that change with the clock, in their order.
    pub(super) ages: Vec<Run>,
    /// What stands below the fleet.
    pub(super) below: Run,
}

impl Rendering {
    /// Whether one of `moment` would be the same.
    pub fn is_of(&self, moment: &Moment) -> bool {
        self.shows == Shows::of(moment)
    }

    /// The runs in their order, by number: what is above, those of the shelf with the ages between them, what is
    /// below.
    fn run(&self, number: usize) -> Option<&Run> {
        let shelved = self.shelf.as_ref().map_or(&[][..], |shelf| shelf.gathered());
        let between = (2 * shelved.len()).saturating_sub(1);
        let Some(place) = number.checked_sub(1) else { return Some(&self.above) };
        match place {
            _ if place > between => None,
            _ if place == between => Some(&self.below),
            _ if place % 2 == 0 => shelved.get(place / 2),
            // Without a company nothing ages.
            _ => self.ages.get(place / 2).or(Some(Run::EMPTY)),
        }
    }

    fn runs(&self) -> impl Iterator<Item = &Run> {
        (0..).map_while(|number| self.run(number))
    }
}

/// The body of one scrape, chunk by chunk: a rendering, and the exporter's own counters at its end.
#[derive(Debug)]
pub struct Chunks {
    rendering: Arc<Rendering>,
    /// Bytes left to come.
    len: u64,
    place: Place,
    own: Bytes,
    sum: Sum,
}

/// What comes next.
#[derive(Debug, Clone, Copy)]
enum Place {
    Head,
    Piece { run: usize, piece: usize },
    Own,
    Tail,
    End,
}

impl Chunks {
    /// The body, with `own` as its last families.
    ///
    /// # Errors
    /// Never in practice; see [`RenderError`].
    pub fn new(rendering: Arc<Rendering>, own: Bytes) -> Result<Self, RenderError> {
        let zipped = rendering.zipped;
        let sum = rendering.runs().fold(Sum::default(), |sum, run| sum.then(run.sum())).then(Sum::of(&own));
        let own = if zipped { segment(&own)?.into() } else { own };
        let frame = if zipped { gzip::HEAD.len() + sum.tail().len() } else { 0 };
        let runs = rendering.runs().map(|run| run.len(zipped)).sum::<u64>();
        let len = runs + u64::try_from(own.len() + frame).unwrap_or(u64::MAX);
        let place = if zipped { Place::Head } else { FIRST };
        Ok(Self { rendering, len, place, own, sum })
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

const FIRST: Place = Place::Piece { run: 0, piece: 0 };

impl Iterator for Chunks {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.place {
                Place::Head => {
                    self.place = FIRST;
                    return Some(Bytes::from_static(&gzip::HEAD));
                }
                Place::Piece { run, piece } => {
                    let pieces = self.rendering.run(run).map(Run::pieces);
                    self.place = match pieces.map(|pieces| pieces.get(piece)) {
                        None => Place::Own,
                        Some(None) => Place::Piece { run: run + 1, piece: 0 },
                        Some(Some(found)) => {
                            self.place = Place::Piece { run, piece: piece + 1 };
                            return Some(found.bytes(self.rendering.zipped).clone());
                        }
                    };
                }
                Place::Own => {
                    self.place = if self.rendering.zipped { Place::Tail } else { Place::End };
                    return Some(self.own.clone());
                }
                Place::Tail => {
                    self.place = Place::End;
                    return Some(self.sum.tail().into());
                }
                Place::End => return None,
            }
        }
    }
}
