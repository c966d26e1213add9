//! Lines of text, compressed independently: segments of different polls are joined into one gzip member.

use std::io;

use bytes::Bytes;
use flate2::{CompressError, Decompress, FlushDecompress};

use super::gzip::{Checksum, Deflater};

/// Some whole lines. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    deflated: Bytes,
    checksum: Checksum,
}

impl Segment {
    /// Compresses `text`.
    pub(super) fn new(text: &str, deflater: &mut Deflater) -> Result<Self, CompressError> {
        let mut deflated = Vec::new();
        deflater.segment(text.as_bytes(), &mut deflated)?;
        // Copied to its exact size, because it is kept for long.
        Ok(Self { deflated: Bytes::copy_from_slice(&deflated), checksum: Checksum::of(text.as_bytes()) })
    }

    /// The checksum of the plain text.
    pub(super) fn checksum(&self) -> Checksum {
        self.checksum
    }

    /// The bytes for a gzip member.
    pub(super) fn deflated(&self) -> &Bytes {
        &self.deflated
    }

    /// The plain text.
    pub(super) fn inflate(&self) -> io::Result<Bytes> {
        let length = usize::try_from(self.checksum.len()).map_err(io::Error::other)?;
        let mut text = Vec::with_capacity(length);
        Decompress::new(false).decompress_vec(&self.deflated, &mut text, FlushDecompress::Sync)?;
        if Checksum::of(&text) != self.checksum {
            return Err(io::Error::other("a segment is not what it was made from"));
        }
        Ok(text.into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Read;

    use flate2::bufread::GzDecoder;

    use super::super::gzip::HEAD;
    use super::*;

    #[test]
    fn segments_in_any_order_are_one_member() {
        let mut deflater = Deflater::default();
        let long = "nectar_connections{status=\"PENDING\"} 1\n".repeat(10_000);
        let texts = ["first 1\n", &long, "", "last 2\n", &long];
        let segments = texts.map(|text| Segment::new(text, &mut deflater).unwrap());
        let mut member = HEAD.to_vec();
        segments.iter().for_each(|segment| member.extend_from_slice(segment.deflated()));
        let checksum = segments.iter().map(Segment::checksum).fold(Checksum::EMPTY, Checksum::then);
        member.extend(checksum.trailer());
        let mut unpacked = String::new();
        let mut decoder = GzDecoder::new(&member[..]);
        decoder.read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, texts.concat());
        assert!(decoder.into_inner().is_empty());
        for (segment, text) in segments.iter().zip(texts) {
            assert_eq!(segment.inflate().unwrap(), text);
        }
    }
}
