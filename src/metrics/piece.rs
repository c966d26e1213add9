//! Text that is ready to be sent, as it is and compressed, and such pieces in a row.
//!
//! A piece is made once and sent often. Must not know what the text says.

use bytes::Bytes;
use flate2::CompressError;

use crate::gzip::{Deflater, Sum};
use crate::store::Extent;

/// Where text lies.
#[derive(Debug, Clone)]
pub enum Plain {
    /// Where it may be read.
    Memory(Bytes),
    /// Where it is sent from without being read.
    File(Extent),
}

impl Plain {
    /// The first `len` bytes, or as many as there are. They are taken off here.
    pub fn split_to(&mut self, len: u64) -> Self {
        match self {
            Self::Memory(bytes) => {
                let len = usize::try_from(len).unwrap_or(usize::MAX).min(bytes.len());
                Self::Memory(bytes.split_to(len))
            }
            Self::File(extent) => Self::File(extent.split_to(len)),
        }
    }
}

impl Default for Plain {
    fn default() -> Self {
        Self::Memory(Bytes::new())
    }
}

/// Some lines, ready in both encodings. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Piece {
    plain: Plain,
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
        Ok(Self { plain: Plain::Memory(text.into()), packed: packed.into(), sum })
    }

    /// The same text in both encodings, and its sum. It may be a part of a larger allocation.
    pub fn of(plain: Plain, packed: Bytes, sum: Sum) -> Self {
        Self { plain, packed, sum }
    }

    /// Whether it says exactly `text`.
    pub fn says(&self, text: &str) -> bool {
        match &self.plain {
            Plain::Memory(plain) => plain == text.as_bytes(),
            // A sum alone would do for all but one of four billion texts.
            Plain::File(plain) => {
                self.sum == Sum::of(text.as_bytes())
                    && plain.read().is_ok_and(|plain| plain == text.as_bytes())
            }
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.sum.is_empty()
    }

    /// Checksum and length of the plain text.
    pub fn sum(&self) -> Sum {
        self.sum
    }

    /// Compressed.
    pub fn packed(&self) -> &Bytes {
        &self.packed
    }

    /// As it is or compressed, if that lies in memory; else nothing.
    pub fn in_memory(&self, zipped: bool) -> &[u8] {
        match &self.plain {
            _ if zipped => &self.packed,
            Plain::Memory(plain) => plain,
            Plain::File(_) => &[],
        }
    }

    /// As it is or compressed, if that lies in a file.
    pub fn in_file(&self, zipped: bool) -> Option<&Extent> {
        match &self.plain {
            Plain::File(plain) if !zipped => Some(plain),
            _ => None,
        }
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
