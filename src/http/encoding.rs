//! Content encoding: does the client take gzip.
//!
//! Source of the rules: RFC 9110, section 12.5.3.

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
    weight(parameters) > 0.0
}

/// `q` among the parameters of an item, which is 1 if it is missing. What is no number is not wanted.
pub(super) fn weight(parameters: &str) -> f32 {
    let weight = parameters.split(';').find_map(|p| {
        let (name, value) = p.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    weight.map_or(1.0, |w| w.parse().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn who_is_sent_gzip() {
        for (accepted, is_sent) in [
            (None, false),
            (Some("gzip"), true),
            (Some("x-gzip"), true),
            (Some("deflate, GZIP;q=0.5"), true),
            (Some("gzip;q=0"), false),
            (Some("gzip; q=0.000"), false),
            (Some("gzip; Q=0"), false),
            (Some("gzip;q=nonsense"), false),
            (Some("*"), true),
            (Some("*;q=0"), false),
            (Some("gzip;q=0, *"), false),
            (Some("identity"), false),
            (Some("br, zstd"), false),
            (Some(""), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accepted) = accepted {
                headers.insert(ACCEPT_ENCODING, accepted.parse().unwrap());
            }
            assert_eq!(accepts_gzip(&headers), is_sent, "{accepted:?}");
        }
    }
}
