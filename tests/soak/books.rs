//! What the exporter counts about itself, compared with what others saw: polls, their failures, requests.

use test_support::scrape::Scrape;

/// Requests that may be in flight at once.
pub const AT_ONCE: u64 = 8;

/// The counts so far.
#[derive(Debug, Default)]
pub struct Books {
    pub polls: u64,
    pub failed: u64,
    /// Requests that reached Nectar.
    pub requests: u64,
    /// Those of them that were dropped before they ended: by a reading that failed, or a poll that ran out of time.
    pub cut_off: u64,
}

impl Books {
    /// One more poll has ended, as `scrape` says. So far, `requests` of the exporter have reached Nectar.
    pub fn polled(&mut self, scrape: &Scrape, requests: u64) {
        self.polls += 1;
        self.failed += u64::from(scrape.value("nectar_up", &[]) == Some(0.0));
        self.requests = requests;
        let polls = scrape.value("nectar_exporter_polls_total", &[]);
        assert_eq!(polls, Some(self.polls as f64), "polls");
        assert_eq!(
            scrape.sum("nectar_exporter_poll_failures_total", &[]),
            self.failed as f64,
            "failed polls"
        );
        let timed = scrape.value("nectar_exporter_poll_duration_seconds_count", &[]);
        assert_eq!(timed, Some(self.polls as f64), "polls that were timed");
        let counted = scrape.sum("nectar_api_requests_total", &[]);
        let timed = scrape.sum("nectar_api_request_duration_seconds_count", &[]);
        assert_eq!(counted, timed, "requests that were timed");
        self.settle(requests as f64 - counted, scrape.family("nectar_company_last_failure").count());
    }

    /// `more` is how many requests reached Nectar and were not counted by the exporter. A reading that fails drops its other requests.
    fn settle(&mut self, more: f64, failed_readings: usize) {
        let before = self.cut_off as f64;
        let most = before + AT_ONCE as f64 * failed_readings as f64;
        assert!((before..=most).contains(&more), "{more} requests are missing, not {before} to {most}");
        self.cut_off = more as u64;
    }
}
