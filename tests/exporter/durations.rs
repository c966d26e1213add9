//! For how long connections were broken, against the record that the simulated Nectar keeps.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nectar_exporter::status::{Category, Kind, Status};
use nectar_simulator::{Plan, Simulator};

use test_support::clock::{START, TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::scrape::Scrape;

const HISTOGRAM: &str = "nectar_connection_status_duration_seconds";
const HOURS_PER_POLL: u32 = 12;
const POLLS: u32 = 50;

/// Company, status, and seconds in it.
type Episode = (String, String, f64);

/// What polls at these times see of a connection: each status that ended, if it was broken and Nectar has both times.
fn seen_to_end(company: &str, statuses: &[(String, Option<Timestamp>)], polls: &[Timestamp]) -> Vec<Episode> {
    let at = |poll: &Timestamp| statuses.iter().rfind(|(_, since)| since.is_none_or(|since| since <= *poll));
    let mut seen: Vec<_> = polls.iter().filter_map(at).collect();
    seen.dedup_by(|later, earlier| later.0 == earlier.0);
    let ends = seen.windows(2).filter_map(|pair| {
        let duration = pair[1].1?.duration_since(pair[0].1?).as_secs_f64();
        category(&pair[0].0).is_broken().then(|| (company.to_owned(), pair[0].0.clone(), duration))
    });
    ends.collect()
}

fn category(status: &str) -> Category {
    Status::read(Kind::Connection, Some(status)).category()
}

/// Nectar writes some of its times in whole seconds.
fn is_about(sum: Option<f64>, expected: &[&Episode]) -> bool {
    let total: f64 = expected.iter().map(|(_, _, seconds)| seconds).sum();
    sum.is_some_and(|sum| (sum - total).abs() <= expected.len() as f64)
}

#[tokio::test]
async fn durations_are_those_of_nectars_own_record() {
    let clock = TestClock::new();
    let plan = Plan { companies: 9, connections: 20, accounts: 0, seed: 4, speed: 1.0 };
    let simulator = Simulator::new(&plan, KEY, wall(&clock));
    let flags = [&format!("--nectar.poll-interval={HOURS_PER_POLL}h")[..]];
    let program = Exporter::against(&simulator, &flags, clock).await;
    program.after_polls(1).await;
    for poll in 2..=POLLS {
        program.clock.advance(Duration::from_secs(u64::from(HOURS_PER_POLL) * 3600));
        program.after_polls(poll).await;
    }
    let start: Timestamp = START.parse().unwrap();
    let polls: Vec<Timestamp> =
        (0..POLLS).map(|poll| start + SignedDuration::from_hours((poll * HOURS_PER_POLL).into())).collect();
    let mut episodes = Vec::new();
    for company in simulator.companies() {
        for connection in simulator.connections(&company) {
            episodes.extend(seen_to_end(&company, &simulator.statuses(&connection), &polls));
        }
    }
    assert!(episodes.len() > 50, "only {} episodes", episodes.len());
    are_in_the_histogram(&program.scrape().await, &episodes);
    are_counted_by_company(&program.scrape().await, &simulator.companies(), &episodes);
}

fn are_in_the_histogram(scrape: &Scrape, episodes: &[Episode]) {
    let broken = Kind::Connection.documented().iter().filter(|status| status.category.is_broken());
    let mut observed = 0;
    for status in broken {
        let labels = [("status", status.value), ("category", status.category.label())];
        let expected: Vec<_> = episodes.iter().filter(|episode| episode.1 == status.value).collect();
        let value = |suffix: &str| scrape.value(&format!("{HISTOGRAM}_{suffix}"), &labels);
        assert_eq!(value("count"), Some(expected.len() as f64), "{}", status.value);
        assert!(is_about(value("sum"), &expected), "{}: {:?}", status.value, value("sum"));
        for (bucket, count) in scrape.family(&format!("{HISTOGRAM}_bucket")) {
            if bucket["status"] != status.value {
                continue;
            }
            let bound: f64 = bucket["le"].parse().unwrap();
            let below = expected.iter().filter(|(_, _, seconds)| *seconds <= bound).count();
            assert_eq!(count, below as f64, "{bucket:?}");
            observed += 1;
        }
    }
    assert_eq!(observed, 8 * 11, "statuses and buckets, the last of which is endless");
}

fn are_counted_by_company(scrape: &Scrape, companies: &[String], episodes: &[Episode]) {
    let mut by_company: BTreeMap<(&str, Category), Vec<&Episode>> = BTreeMap::new();
    for episode in episodes {
        by_company.entry((&episode.0, category(&episode.1))).or_default().push(episode);
    }
    for company in companies {
        for category in Category::BROKEN {
            let expected = by_company.remove(&(company.as_str(), category)).unwrap_or_default();
            let labels = [("company_id", company.as_str()), ("category", category.label())];
            let count = scrape.value("nectar_company_status_durations_total", &labels);
            assert_eq!(count, Some(expected.len() as f64), "{labels:?}");
            let sum = scrape.value("nectar_company_status_duration_seconds_total", &labels);
            assert!(is_about(sum, &expected), "{labels:?}: {sum:?}");
        }
    }
    assert!(by_company.is_empty());
}
