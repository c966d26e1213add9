//! Content type: does the client want CSV rather than HTML, and metrics in OpenMetrics rather than as text.
//!
//! Source of the rules: RFC 9110, section 12.5.1.

use hyper::HeaderMap;
use hyper::header::ACCEPT;

use super::encoding::weight;
use crate::metrics::text::Format;

/// Whether `Accept` asks for CSV more than for HTML; of two that are wanted as much, the one that is named more exactly.
pub fn prefers_csv(headers: &HeaderMap) -> bool {
    let csv = wish(headers, "text/csv", &[]);
    csv.0 > 0.0 && csv > wish(headers, "text/html", &[])
}

/// The format of metrics that `Accept` asks for: OpenMetrics only where it is named, in a version that is written here or in none.
pub fn format(headers: &HeaderMap) -> Format {
    let (openmetrics, exactness) = wish(headers, "application/openmetrics-text", &["0.0.1", "1.0.0"]);
    let (text, _) = wish(headers, "text/plain", &["0.0.4"]);
    let is_named = exactness == EXACT;
    if is_named && openmetrics > 0.0 && openmetrics >= text { Format::OpenMetrics } else { Format::Text }
}

/// How exact a range is that names the type.
const EXACT: u8 = 3;

/// How much a media type is wanted, in one of `versions` or without one: the weight of the most exact range that it is in, and how
/// exact that is. Of several that are as exact, the greatest weight.
fn wish(headers: &HeaderMap, wanted: &str, versions: &[&str]) -> (f32, u8) {
    let any = wanted.split_once('/').map_or("", |(class, _)| class);
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(',')).filter_map(|item| {
        let (range, parameters) = item.split_once(';').unwrap_or((item, ""));
        let exactness = match range.trim().to_ascii_lowercase().as_str() {
            "*/*" => 1,
            range if range.strip_suffix("/*") == Some(any) => 2,
            range if range == wanted && is_version(parameters, versions) => EXACT,
            _ => return None,
        };
        Some((exactness, weight(parameters)))
    });
    let best = ranges.max_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    best.map(|(exactness, weight)| (weight, exactness)).unwrap_or_default()
}

/// Whether the version among the parameters is one of these, if they have one. Without any, versions do not matter.
fn is_version(parameters: &str, versions: &[&str]) -> bool {
    let version = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("version").then(|| value.trim().trim_matches('"'))
    });
    versions.is_empty() || version.is_none_or(|version| versions.contains(&version))
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

    /// What Prometheus sends, in versions 2.4, 2.42 and 3, and what others may.
    #[test]
    fn who_is_sent_openmetrics() {
        const PROMETHEUS_2_4: &str = "text/plain;version=0.0.4;q=1,*/*;q=0.1";
        const PROMETHEUS_2_42: &str = "application/openmetrics-text;version=1.0.0,\
                                       application/openmetrics-text;version=0.0.1;q=0.75,\
                                       text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                                    application/openmetrics-text;version=0.0.1;q=0.5,\
                                    text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                                    text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accepted, is_sent) in [
            (None, false),
            (Some(""), false),
            (Some("*/*"), false),
            (Some("application/*"), false),
            (Some(PROMETHEUS_2_4), false),
            (Some(PROMETHEUS_2_42), true),
            (Some(PROMETHEUS_3), true),
            (Some("application/openmetrics-text"), true),
            (Some("Application/OpenMetrics-Text; Version=\"1.0.0\"; charset=utf-8"), true),
            (Some("application/openmetrics-text;version=2.0.0"), false),
            (Some("application/openmetrics-text;version=2.0.0,*/*;q=0.1"), false),
            (
                Some(
                    "application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;q=0.1",
                ),
                true,
            ),
            (Some("application/openmetrics-text;q=0"), false),
            (Some("application/openmetrics-text;q=nonsense"), false),
            (Some("application/openmetrics-text;q=0.5, text/plain"), false),
            (Some("application/openmetrics-text;q=0.5, text/plain;q=0.5"), true),
            (Some("application/openmetrics-text;q=0.5, text/plain;version=1.0.0"), true),
            (
                Some(
                    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
                ),
                false,
            ),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accepted) = accepted {
                headers.insert(ACCEPT, accepted.parse().unwrap());
            }
            assert_eq!(format(&headers) == Format::OpenMetrics, is_sent, "{accepted:?}");
        }
    }
}
