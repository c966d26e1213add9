//! The form of the file: what it is, its version, whose it is, the fleet, and a checksum over all of that.

use std::io::{self, Write};

use aws_lc_rs::digest::{SHA256, digest};
use crc32fast::Hasher;
use url::Url;

use crate::poll::Selection;

const MAGIC: &[u8; 16] = b"nectar-exporter\n";
/// Goes up with every change of what stands in the file, also of `records.rs`.
const VERSION: u8 = 1;
const FINGERPRINT_LEN: usize = 32;
const CHECKSUM_LEN: usize = 4;

/// Tells apart exporters that read other companies or another Nectar. It does not say which ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; FINGERPRINT_LEN]);

impl Fingerprint {
    /// Of an exporter that reads these companies there. Neither the order of ids nor their letter case matters.
    pub fn of(base_url: &Url, selection: &Selection) -> Self {
        let sorted = |ids: &[String]| {
            let mut ids: Vec<String> = ids.iter().map(|id| id.to_ascii_lowercase()).collect();
            ids.sort();
            ids.dedup();
            // No id contains a blank.
            ids.join(" ")
        };
        let Selection { only, except, shard } = selection;
        let lines = [base_url.to_string(), sorted(only), sorted(except), shard.to_string()];
        let mut fingerprint = [0; FINGERPRINT_LEN];
        fingerprint
            .iter_mut()
            .zip(digest(&SHA256, lines.join("\n").as_bytes()).as_ref())
            .for_each(|(to, from)| *to = *from);
        Self(fingerprint)
    }
}

/// Why a file cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Its form is that of another version.
    #[error("another version of this program wrote it")]
    Version,
    /// It is not as it was written.
    #[error("it is truncated, corrupt, or none of this program's")]
    Corrupt,
    /// It is of other settings.
    #[error("it is of another --nectar.base-url, other companies or another shard")]
    Other,
}

/// Writes a file, whose inner part `write_body` writes.
///
/// # Errors
/// When it cannot be written.
pub fn write(
    out: &mut dyn Write,
    Fingerprint(fingerprint): Fingerprint,
    write_body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut summed = Summed { out, sum: Hasher::new() };
    summed.write_all(MAGIC)?;
    summed.write_all(&[VERSION])?;
    summed.write_all(&fingerprint)?;
    write_body(&mut summed)?;
    let Summed { out, sum } = summed;
    out.write_all(&sum.finalize().to_le_bytes())
}

/// The inner part of a file, if it is whole, and of an exporter with this fingerprint.
///
/// # Errors
/// Why it cannot be used.
pub fn body(file: &[u8], expected: Fingerprint) -> Result<&[u8], Unusable> {
    let rest = file.strip_prefix(MAGIC).ok_or(Unusable::Corrupt)?;
    // First of all: in other versions, everything else may be different.
    let rest = match rest.split_first() {
        Some((&VERSION, rest)) => rest,
        Some(_) => return Err(Unusable::Version),
        None => return Err(Unusable::Corrupt),
    };
    let (_, sum) = file.split_last_chunk::<CHECKSUM_LEN>().ok_or(Unusable::Corrupt)?;
    let (rest, _) = rest.split_last_chunk::<CHECKSUM_LEN>().ok_or(Unusable::Corrupt)?;
    let summed = file.get(..file.len() - CHECKSUM_LEN).unwrap_or_default();
    if crc32fast::hash(summed) != u32::from_le_bytes(*sum) {
        return Err(Unusable::Corrupt);
    }
    let (fingerprint, body) = rest.split_first_chunk::<FINGERPRINT_LEN>().ok_or(Unusable::Corrupt)?;
    if *fingerprint == expected.0 { Ok(body) } else { Err(Unusable::Other) }
}

/// Sums up what is written.
struct Summed<'a> {
    out: &'a mut dyn Write,
    sum: Hasher,
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sum.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used)]

    use super::*;
    use crate::shard::Shard;

    const OWN: Fingerprint = Fingerprint([7; FINGERPRINT_LEN]);

    fn file() -> Vec<u8> {
        let mut file = Vec::new();
        write(&mut file, OWN, |out| out.write_all(b"within")).unwrap();
        file
    }

    #[test]
    fn what_was_written_is_read_by_whom_it_belongs_to() {
        assert_eq!(body(&file(), OWN), Ok(&b"within"[..]));
        assert_eq!(body(&file(), Fingerprint([8; FINGERPRINT_LEN])), Err(Unusable::Other));
    }

    #[test]
    fn no_other_file_is_read() {
        let file = file();
        for length in 0..file.len() {
            assert_eq!(body(&file[..length], OWN), Err(Unusable::Corrupt), "{length} bytes");
        }
        for place in 0..file.len() {
            let mut file = file.clone();
            file[place] ^= 0x10;
            let expected = if place == MAGIC.len() { Unusable::Version } else { Unusable::Corrupt };
            assert_eq!(body(&file, OWN), Err(expected), "byte {place}");
        }
    }

    #[test]
    fn whose_it_is() {
        let fingerprint = |url: &str, only: &[&str], except: &[&str], shard: (u8, u8)| {
            let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
            let shard = Shard::new(shard.0, shard.1).unwrap();
            let selection = Selection { only: ids(only), except: ids(except), shard };
            Fingerprint::of(&Url::parse(url).unwrap(), &selection)
        };
        let (url, one) =
            ("https://a.example/v2.2", fingerprint("https://a.example/v2.2", &["a", "b"], &["c"], (0, 2)));
        assert_eq!(one, fingerprint(url, &["B", "a", "A"], &["C"], (0, 2)), "order and letter case");
        let others = [
            fingerprint("https://a.example/v2.3", &["a", "b"], &["c"], (0, 2)),
            fingerprint(url, &["a"], &["c"], (0, 2)),
            fingerprint(url, &["a", "b"], &[], (0, 2)),
            fingerprint(url, &["c"], &["a", "b"], (0, 2)),
            fingerprint(url, &[], &["a", "b", "c"], (0, 2)),
            fingerprint(url, &["a", "b"], &["c"], (1, 2)),
            fingerprint(url, &["a", "b"], &["c"], (0, 3)),
        ];
        assert!(others.iter().all(|other| *other != one));
    }
}
