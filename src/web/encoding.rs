//! Content encoding: does the client take gzip, and gzip itself.
//!
//! Source of the rules: RFC 9110, section 12.5.3. Must not know what is being encoded.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::HeaderMap;
use hyper::header::ACCEPT_ENCODING;

/// Whether `Accept-Encoding` lets us answer with gzip. `gzip;q=0` forbids it; `*` stands for what is not named.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut star = false;
    for value in headers.get_all(ACCEPT_ENCODING) {
        let Ok(value) = value.to_str() else { continue };
        for item in value.split(',') {
            let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
            match coding.trim().to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => return is_wanted(parameters),
                "*" => star = is_wanted(parameters),
                _ => {}
            }
        }
    }
    star
}

fn is_wanted(parameters: &str) -> bool {
    let weight = parameters.split(';').find_map(|p| {
        let (name, value) = p.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    weight.is_none_or(|w| w.parse::<f32>().is_ok_and(|q| q > 0.0))
}

/// `bytes` as one gzip member, so that browsers and curl read it too.
///
/// # Errors
/// Never in practice: the target is memory. The signature is that of the encoder.
pub fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}
