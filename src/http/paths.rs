//! The paths of everything that is served, and the prefix before them.

use percent_encoding::percent_decode_str;

/// Whether the process lives.
const HEALTHY: &str = "/-/healthy";
/// Whether there is something to scrape.
const READY: &str = "/-/ready";
/// The logins that somebody must act on.
pub(crate) const WORKLIST: &str = "/worklist";
/// Paths that are taken. The health checks need no password, so the metrics must not be served there.
pub const RESERVED_PATHS: [&str; 3] = [HEALTHY, READY, WORKLIST];

/// The paths that are served.
#[derive(Debug, Clone)]
pub struct WebPaths {
    /// What all paths begin with, without a slash at its end; empty where they have no prefix.
    pub prefix: String,
    /// The same as it is reached from outside, where a proxy in front changes it.
    pub prefix_outside: String,
    /// Path of the metrics, behind the prefix.
    pub telemetry_path: String,
}

impl WebPaths {
    /// The whole path of the metrics.
    pub fn metrics(&self) -> String {
        format!("{}{}", self.prefix, self.telemetry_path)
    }

    /// Whether there is a landing page: not where the metrics are served in its place.
    pub(super) fn has_landing(&self) -> bool {
        self.telemetry_path != "/"
    }

    /// By the path as it was sent, and also with its escapes undone: clients differ in what they escape.
    pub(super) fn route(&self, path: &str) -> Option<Route> {
        self.route_to(path).or_else(|| self.route_to(&percent_decode_str(path).decode_utf8().ok()?))
    }

    fn route_to(&self, path: &str) -> Option<Route> {
        match path.strip_prefix(&self.prefix) {
            // The metrics first: they may be served at `/`, and then there is no page.
            Some(path) if path == self.telemetry_path => Some(Route::Metrics),
            Some("/") => Some(Route::Landing),
            Some(WORKLIST) => Some(Route::Worklist),
            Some(HEALTHY) => Some(Route::Healthy),
            Some(READY) => Some(Route::Ready),
            Some("") => Some(Route::RedirectToLanding),
            None if path == "/" => Some(Route::RedirectToLanding),
            _ => None,
        }
    }
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Metrics,
    Landing,
    Worklist,
    Healthy,
    Ready,
    /// The landing page is at another path: the prefix with a slash behind it.
    RedirectToLanding,
}

/// Whether this is a path that needs no escapes. Dot segments are refused: clients resolve them, and would ask for another path.
pub fn is_path(text: &str) -> bool {
    let has_dots = text.split('/').any(|segment| matches!(segment, "." | ".."));
    text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic() && !b"?#%".contains(&b)) && !has_dots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_paths_lead() {
        for (prefix, telemetry_path, path, route) in [
            ("", "/metrics", "/metrics", Some(Route::Metrics)),
            ("", "/metrics", "/%6Detrics", Some(Route::Metrics)),
            ("", "/metrics", "/metrics/", None),
            ("", "/metrics", "/", Some(Route::Landing)),
            ("", "/", "/", Some(Route::Metrics)),
            ("", "/metrics", "/worklist", Some(Route::Worklist)),
            ("", "/metrics", "/worklist/", None),
            ("", "/metrics", "/-/healthy", Some(Route::Healthy)),
            ("", "/metrics", "/-/ready", Some(Route::Ready)),
            ("/n", "/metrics", "/n/metrics", Some(Route::Metrics)),
            ("/n", "/metrics", "/metrics", None),
            ("/n", "/metrics", "/n/", Some(Route::Landing)),
            ("/n", "/metrics", "/n", Some(Route::RedirectToLanding)),
            ("/n", "/metrics", "/", Some(Route::RedirectToLanding)),
            ("/n", "/metrics", "/nm", None),
        ] {
            let paths = WebPaths {
                prefix: prefix.to_owned(),
                prefix_outside: String::new(),
                telemetry_path: telemetry_path.to_owned(),
            };
            assert_eq!(paths.route(path), route, "{prefix:?} {telemetry_path} {path}");
        }
    }
}
