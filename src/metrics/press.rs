//! Makes pieces of text: several side by side in memory, each compressed by itself.
//!
//! What is written and compressed on the way goes into buffers that are used again, so that what stays has exactly the size
//! it needs, and no holes are left around it. Must not know what the text says.

use std::sync::Arc;

use bytes::Bytes;
use flate2::CompressError;

use super::piece::{Piece, Plain};
use super::text::{Aging, Head, Samples, Text};
use crate::gzip::{Deflater, Sum};
use crate::store::Store;

/// Families whose text is as long as this in the mean lie in the store. The system hands on shorter ones no faster than it
/// copies them.
const STORED_LEN: usize = 32 * 1024;

/// A family's samples, ready to be kept.
#[derive(Debug)]
pub(super) enum Pressed {
    /// Ready to be sent.
    Piece(Piece),
    /// Written at the scrape.
    Aging(Aging),
}

impl Pressed {
    /// What is ready to be sent.
    pub(super) fn piece(&self) -> Option<&Piece> {
        match self {
            Self::Piece(piece) => Some(piece),
            Self::Aging(_) => None,
        }
    }

    /// What is written at the scrape.
    pub(super) fn aging(&self) -> Option<&Aging> {
        match self {
            Self::Piece(_) => None,
            Self::Aging(aging) => Some(aging),
        }
    }
}

/// Families in the order of writing.
pub(super) type Families = Vec<(Head, Pressed)>;

/// Made once for many families.
#[derive(Debug)]
pub(super) struct Press<'a> {
    store: &'a Store,
    deflater: Deflater,
    text: Text,
    packed: Vec<u8>,
}

/// A family while others are still compressed.
enum Proof {
    Written { packed: usize, sum: Sum },
    Aging(Aging),
}

impl<'a> Press<'a> {
    /// One that keeps long texts in `store`.
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, deflater: Deflater::default(), text: Text::default(), packed: Vec::new() }
    }

    /// The families that `write` writes; `before` itself, if they say the same. Those that say the same as the one at their
    /// place in `before` are not compressed again.
    ///
    /// # Errors
    /// Never in practice; see [`Deflater::segment`].
    pub(super) fn families(
        &mut self,
        before: Option<&Arc<Families>>,
        write: impl FnOnce(&mut Text),
    ) -> Result<Arc<Families>, CompressError> {
        let Self { store, deflater, text, packed } = self;
        text.clear();
        packed.clear();
        write(text);
        let mut proofs = Vec::new();
        let mut earlier = before.into_iter().flat_map(|before| before.iter());
        let mut are_same = true;
        for (head, samples) in text.families() {
            let earlier = earlier.next().map(|(_, pressed)| pressed);
            let proof = match samples {
                Samples::Aging(aging) => {
                    are_same &= earlier.and_then(Pressed::aging) == Some(&aging);
                    Proof::Aging(aging)
                }
                Samples::Written(lines) => {
                    let begin = packed.len();
                    let same = earlier.and_then(Pressed::piece).filter(|piece| piece.says(lines));
                    are_same &= same.is_some();
                    let sum = compress(lines, same, deflater, packed)?;
                    Proof::Written { packed: packed.len() - begin, sum }
                }
            };
            proofs.push((head, proof));
        }
        Ok(match before {
            Some(before) if are_same && earlier.next().is_none() => Arc::clone(before),
            _ => Arc::new(cut(proofs, text.lines(), packed, store)),
        })
    }
}

fn compress(
    lines: &str,
    same: Option<&Piece>,
    deflater: &mut Deflater,
    packed: &mut Vec<u8>,
) -> Result<Sum, CompressError> {
    match same {
        _ if lines.is_empty() => Ok(Sum::NOTHING),
        Some(same) => {
            packed.extend_from_slice(same.packed());
            Ok(same.sum())
        }
        None => {
            deflater.segment(lines.as_bytes(), packed)?;
            Ok(Sum::of(lines.as_bytes()))
        }
    }
}

/// Copies what was written to where it stays, into two places of exactly its sizes, and gives each family its parts.
fn cut(proofs: Vec<(Head, Proof)>, plain: &str, packed: &[u8], store: &Store) -> Families {
    let mut plain = place(plain, proofs.len(), store);
    let mut packed = Bytes::copy_from_slice(packed);
    let families = proofs.into_iter().map(|(head, proof)| {
        let pressed = match proof {
            Proof::Aging(aging) => Pressed::Aging(aging),
            Proof::Written { packed: length, sum } => {
                let length = length.min(packed.len());
                Pressed::Piece(Piece::of(plain.split_to(sum.len()), packed.split_to(length), sum))
            }
        };
        (head, pressed)
    });
    families.collect()
}

fn place(plain: &str, families: usize, store: &Store) -> Plain {
    let is_long = plain.len() / families.max(1) >= STORED_LEN;
    let stored = if is_long { store.keep(plain.as_bytes()) } else { None };
    stored.map_or_else(|| Plain::Memory(Bytes::copy_from_slice(plain.as_bytes())), Plain::File)
}
