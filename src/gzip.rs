//! Builds one gzip member from segments that were compressed independently of each other.
//!
//! A segment ends in a full flush, so that nothing after it refers back to it, and segments can be joined in any order. Sources: RFC
//! 1951 and RFC 1952; zlib's manual on `Z_FULL_FLUSH`.

use crc32fast::Hasher;
use flate2::{Compress, CompressError, Compression, FlushCompress};

/// The header of a member: deflate, no name, no time, no system.
pub const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// An empty last block.
const LAST_BLOCK: [u8; 2] = [3, 0];
/// The least that a full flush adds, in bytes.
const FLUSH_BYTES: usize = 16;

/// Measured on 609,448 lines in segments (110.6 MB): level 1 of this library makes 21.7 MB in 0.74 s, 2 makes 14.9 MB in 0.88 s, 3
/// makes 14.6 MB in 1.36 s, and 6 makes 14.1 MB in 3.1 s.
const LEVEL: u32 = 2;

/// Compresses segments. Allocates a quarter of a megabyte with the first one.
#[derive(Debug, Default)]
pub struct Deflater(Option<Compress>);

impl Deflater {
    /// Compresses `plain` as a segment, and appends it to `packed`.
    ///
    /// # Errors
    /// Never in practice, because the target is memory. The signature is the library's.
    pub fn segment(&mut self, plain: &[u8], packed: &mut Vec<u8>) -> Result<(), CompressError> {
        let compress = self.0.get_or_insert_with(|| Compress::new(Compression::new(LEVEL), false));
        let begun = compress.total_in();
        packed.reserve(plain.len() / 6 + FLUSH_BYTES);
        loop {
            let read = usize::try_from(compress.total_in() - begun).unwrap_or(usize::MAX);
            let rest = plain.get(read..).unwrap_or_default();
            compress.compress_vec(rest, packed, FlushCompress::Full)?;
            // The flush is complete if there is unused space behind it.
            if packed.len() < packed.capacity() {
                return Ok(());
            }
            packed.reserve(plain.len() / 12 + FLUSH_BYTES);
        }
    }
}

/// Checksum and length of some plain bytes. Those of a concatenation are computed from those of its parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    crc: u32,
    len: u64,
}

impl Sum {
    /// The sum of no bytes.
    pub const NOTHING: Self = Self { crc: 0, len: 0 };

    /// The sum of `plain`.
    pub fn of(plain: &[u8]) -> Self {
        Self { crc: crc32fast::hash(plain), len: u64::try_from(plain.len()).unwrap_or(u64::MAX) }
    }

    /// Length in bytes.
    pub fn len(self) -> u64 {
        self.len
    }

    /// Whether the length is 0.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The sum of these bytes followed by those of `next`.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let mut hasher = Hasher::new_with_initial_len(self.crc, self.len);
        hasher.combine(&Hasher::new_with_initial_len(next.crc, next.len));
        Self { crc: hasher.finalize(), len: self.len.saturating_add(next.len) }
    }

    /// The trailer of a member of these bytes: an empty last block, checksum, length.
    pub fn tail(self) -> Vec<u8> {
        // The length is stored modulo 2^32, as the RFC requires.
        let [a, b, c, d, ..] = self.len.to_le_bytes();
        [&LAST_BLOCK[..], &self.crc.to_le_bytes(), &[a, b, c, d]].concat()
    }
}

/// Compresses `plain` as a whole member.
///
/// # Errors
/// Never in practice; see [`Deflater::segment`].
pub fn member(plain: &[u8]) -> Result<Vec<u8>, CompressError> {
    let mut member = HEAD.to_vec();
    Deflater::default().segment(plain, &mut member)?;
    member.extend(Sum::of(plain).tail());
    Ok(member)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Read;

    use flate2::bufread::GzDecoder;

    use super::*;

    #[test]
    fn a_member_of_one_segment() {
        for plain in [&b""[..], b"x", &[7; 1_000_000]] {
            let packed = member(plain).unwrap();
            let mut unpacked = Vec::new();
            GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == plain, "{} bytes", plain.len());
        }
    }

    #[test]
    fn sums_of_parts_are_the_sum_of_the_whole() {
        let (one, other) = (b"some".repeat(99), b"bytes".repeat(7));
        let whole = Sum::of(&[&*one, &other].concat());
        assert_eq!(Sum::of(&one).then(Sum::of(&other)), whole);
        assert_eq!(Sum::NOTHING.then(whole).then(Sum::NOTHING), whole);
    }
}
