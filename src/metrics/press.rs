//! Makes pieces of text: several side by side in memory, each compressed by itself.
//!
//! What is written and compressed on the way goes into buffers that are used again, so that what stays has exactly the size
//! it needs, and no holes are left around it. Must not know what the text says.

use bytes::Bytes;
use flate2::CompressError;

use super::piece::Piece;
use super::text::{Aging, Head, Samples, Text};
use crate::gzip::{Deflater, Sum};

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
#[derive(Debug, Default)]
pub(super) struct Press {
    deflater: Deflater,
    text: Text,
    packed: Vec<u8>,
}

/// A family while others are still compressed.
enum Proof {
    Written { packed: usize, sum: Sum },
    Aging(Aging),
}

impl Press {
    /// The families that `write` writes. Those that say the same as the one at their place in `before` are not compressed
    /// again.
    ///
    /// # Errors
    /// Never in practice; see [`Deflater::segment`].
    pub(super) fn families(
        &mut self,
        before: &[(Head, Pressed)],
        write: impl FnOnce(&mut Text),
    ) -> Result<Families, CompressError> {
        let Self { deflater, text, packed } = self;
        text.clear();
        packed.clear();
        write(text);
        let mut proofs = Vec::new();
        let mut before = before.iter();
        for (head, samples) in text.families() {
            let earlier = before.next().and_then(|(_, pressed)| pressed.piece());
            let proof = match samples {
                Samples::Aging(aging) => Proof::Aging(aging),
                Samples::Written(lines) => {
                    let begin = packed.len();
                    let sum = compress(lines, earlier, deflater, packed)?;
                    Proof::Written { packed: packed.len() - begin, sum }
                }
            };
            proofs.push((head, proof));
        }
        Ok(cut(proofs, text.lines(), packed))
    }
}

fn compress(
    lines: &str,
    earlier: Option<&Piece>,
    deflater: &mut Deflater,
    packed: &mut Vec<u8>,
) -> Result<Sum, CompressError> {
    match earlier.filter(|piece| piece.says(lines)) {
        _ if lines.is_empty() => Ok(Sum::NOTHING),
        Some(same) => {
            packed.extend_from_slice(same.bytes(true));
            Ok(same.sum())
        }
        None => {
            deflater.segment(lines.as_bytes(), packed)?;
            Ok(Sum::of(lines.as_bytes()))
        }
    }
}

/// Copies what was written into two allocations of exactly their sizes, and gives each family its parts.
fn cut(proofs: Vec<(Head, Proof)>, plain: &str, packed: &[u8]) -> Families {
    let mut plain = Bytes::copy_from_slice(plain.as_bytes());
    let mut packed = Bytes::copy_from_slice(packed);
    let families = proofs.into_iter().map(|(head, proof)| {
        let pressed = match proof {
            Proof::Aging(aging) => Pressed::Aging(aging),
            Proof::Written { packed: length, sum } => {
                let lines = usize::try_from(sum.len()).unwrap_or(usize::MAX).min(plain.len());
                let length = length.min(packed.len());
                Pressed::Piece(Piece::of(plain.split_to(lines), packed.split_to(length), sum))
            }
        };
        (head, pressed)
    });
    families.collect()
}
