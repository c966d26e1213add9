//! Content type: does the client want CSV rather than HTML.
//!
//! Source of the rules: RFC 9110, section 12.5.1.

use hyper::HeaderMap;
use hyper::header::ACCEPT;

use super::encoding::weight;

/// Whether `Accept` asks for CSV more than for HTML; of two that are wanted as much, the one that is named more exactly.
pub fn prefers_csv(headers: &HeaderMap) -> bool {
    let csv = wish(headers, "csv");
    csv.0 > 0.0 && csv > wish(headers, "html")
}

/// How much `text/SUBTYPE` is wanted: the weight of the most exact range that it is in, and how exact that is.
fn wish(headers: &HeaderMap, subtype: &str) -> (f32, u8) {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(',')).filter_map(|item| {
        let (range, parameters) = item.split_once(';').unwrap_or((item, ""));
        let exactness = match range.trim().to_ascii_lowercase().as_str() {
            "*/*" => 1,
            "text/*" => 2,
            range if range.strip_prefix("text/") == Some(subtype) => 3,
            _ => return None,
        };
        Some((weight(parameters), exactness))
    });
    ranges.max_by_key(|(_, exactness)| *exactness).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn who_is_sent_csv() {
        for (accepted, is_sent) in [
            (None, false),
            (Some(""), false),
            (Some("*/*"), false),
            (Some("text/*"), false),
            (Some("text/csv"), true),
            (Some("Text/CSV; header=present"), true),
            (Some("text/csv;q=0.5"), true),
            (Some("text/csv;q=0"), false),
            (Some("text/csv;q=nonsense"), false),
            (Some("text/csv, */*"), true),
            (Some("text/csv;q=0.5, */*;q=0.1"), true),
            (Some("text/csv;q=0.5, */*"), false),
            (Some("text/html;q=0.4, text/csv;q=0.5"), true),
            (Some("text/html, text/csv;q=0.5"), false),
            (Some("text/html, text/csv"), false),
            (Some("text/html;q=0, */*"), true),
            (Some("text/csv;q=0, text/*"), false),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"), false),
            (Some("application/json"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accepted) = accepted {
                headers.insert(ACCEPT, accepted.parse().unwrap());
            }
            assert_eq!(prefers_csv(&headers), is_sent, "{accepted:?}");
        }
    }
}
