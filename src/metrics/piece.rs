//! Text that is ready to be sent, as it is and compressed, and such pieces in a row.
//!
//! A piece is made once and sent often. Must not know what the text says.

use bytes::Bytes;
use flate2::CompressError;

use crate::gzip::{Deflater, Sum};

/// Some lines, ready in both encodings. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Piece {
    plain: Bytes,
    packed: Bytes,
    sum: Sum,
}

impl Piece {
    /// Compresses `text`, if there is a `deflater`. Without one, it can be sent only as it is.
    ///
    /// # Errors
    /// Never in practice; see [`Deflater::segment`].
    pub fn new(text: String, deflater: Option<&mut Deflater>) -> Result<Self, CompressError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let mut packed = Vec::new();
        if let Some(deflater) = deflater {
            deflater.segment(text.as_bytes(), &mut packed)?;
        }
        let sum = Sum::of(text.as_bytes());
        Ok(Self { plain: text.into(), packed: packed.into(), sum })
    }

    /// The same text in both encodings, and its sum. It may be a part of a larger allocation.
    pub fn of(plain: Bytes, packed: Bytes, sum: Sum) -> Self {
        Self { plain, packed, sum }
    }

    /// Whether it says exactly `text`.
    pub fn says(&self, text: &str) -> bool {
        self.plain == text.as_bytes()
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }

    /// Checksum and length of the plain text.
    pub fn sum(&self) -> Sum {
        self.sum
    }

    /// As it is, or compressed.
    pub fn bytes(&self, zipped: bool) -> &Bytes {
        if zipped { &self.packed } else { &self.plain }
    }
}

/// Pieces one after the other, summed up.
#[derive(Debug, Clone, Default)]
pub struct Run {
    pieces: Vec<Piece>,
    sum: Sum,
    packed: u64,
}

impl Run {
    /// Adds one at the end.
    pub fn push(&mut self, piece: Piece) {
        if !piece.is_empty() {
            self.sum = self.sum.then(piece.sum);
            self.packed += u64::try_from(piece.packed.len()).unwrap_or(u64::MAX);
            self.pieces.push(piece);
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The pieces.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Checksum and length of the plain text.
    pub fn sum(&self) -> Sum {
        self.sum
    }

    /// How many bytes it has, as it is or compressed.
    pub fn len(&self, zipped: bool) -> u64 {
        if zipped { self.packed } else { self.sum.len() }
    }
}

impl From<Piece> for Run {
    fn from(piece: Piece) -> Self {
        let mut run = Self::default();
        run.push(piece);
        run
    }
}
