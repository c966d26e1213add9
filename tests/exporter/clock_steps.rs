//! The machine's clock steps, back and forth: no negative age, no panic, no storm, and data that is withdrawn when it is old.

use std::time::Duration;

use jiff::SignedDuration;
use nectar_simulator::{Fault, Plan, Scope, Simulator};

use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::scrape::Scrape;

const SMALL: Plan = Plan { companies: 3, connections: 4, accounts: 1, seed: 7, speed: 0.0 };
/// The list, and a page of each company.
const REQUESTS: u64 = 4;
const HOUR: i64 = 60 * 60;
const YEAR: i64 = 365 * 24 * HOUR;

/// In seconds. The tests' time begins in 2026.
const STEPS: [(&str, i64); 6] = [
    ("an hour back", -HOUR),
    ("an hour forward", HOUR),
    ("a year back", -YEAR),
    ("a year forward", YEAR),
    ("to before 1970", -60 * YEAR),
    ("to after 9000", 6_980 * YEAR),
];

/// Ages and counts; a time before 1970 is negative by rights.
fn nothing_is_negative(scrape: &Scrape, context: &str) {
    for (name, labels, value) in &scrape.samples {
        let is_time = name.ends_with("_timestamp_seconds");
        assert!(is_time || *value >= 0.0, "{context}: {name}{labels:?} is {value}");
    }
}

#[tokio::test]
async fn steps_between_polls() {
    for (name, seconds) in STEPS {
        let (program, simulator) = Exporter::simulated(&SMALL, &["--metrics.detail=accounts"]).await;
        let before = program.after_polls(1).await;
        program.clock.step(SignedDuration::from_secs(seconds));
        let stepped = program.scrape().await;
        nothing_is_negative(&stepped, name);
        assert_eq!(stepped.value("nectar_up", &[]), Some(1.0), "{name}");
        // What looks older than an hour is not shown; what looks younger than it is, is.
        assert_eq!(stepped.has("nectar_connections"), seconds <= HOUR, "{name}");
        assert_eq!(program.get("/").await.status(), 200, "{name}");
        assert_eq!(simulator.requests(), REQUESTS, "{name}: no poll before its time");

        let after = program.next_poll().await;
        nothing_is_negative(&after, name);
        assert_eq!(after.value("nectar_up", &[]), Some(1.0), "{name}");
        let connections = |scrape: &Scrape| scrape.sum("nectar_connections", &[]);
        assert_eq!(connections(&after), connections(&before), "{name}");
        assert_eq!(simulator.requests(), 2 * REQUESTS, "{name}: one poll, and no more");
    }
}

#[tokio::test]
async fn steps_during_a_poll() {
    for (name, seconds) in STEPS {
        let clock = TestClock::skipping(Duration::from_secs(60));
        let simulator = Simulator::new(&SMALL, KEY, wall(&clock));
        let program = Exporter::against(&simulator, &["--metrics.detail=accounts"], clock).await;
        let before = program.after_polls(1).await;
        // Asked to wait for longer than this clock skips: the poll stands in its middle.
        let wait = Fault::StatusRetryAfter(503, "200".to_owned());
        simulator.faults().set_times(Scope::Company(simulator.companies()[0].clone()), wait, 1);
        program.clock.advance(Duration::from_secs(300));
        let of = |scrape: &Scrape, code| {
            scrape.value("nectar_api_requests_total", &[("endpoint", "connections"), ("code", code)])
        };
        // Three of the first poll, and two of this one.
        let is_waiting = |scrape: &Scrape| of(scrape, "200") == Some(5.0) && of(scrape, "503") == Some(1.0);
        program.until("the refusal, and the other two", is_waiting).await;
        program.clock.step(SignedDuration::from_secs(seconds));
        nothing_is_negative(&program.scrape().await, name);
        assert_eq!(simulator.requests(), 2 * REQUESTS, "{name}: it still waits");
        program.clock.advance(Duration::from_secs(200));
        let after = program.after_polls(2).await;
        nothing_is_negative(&after, name);
        assert_eq!(after.value("nectar_up", &[]), Some(1.0), "{name}");
        // The two read before the step look too old after one forward.
        let healed = program.next_poll().await;
        assert_eq!(healed.sum("nectar_connections", &[]), before.sum("nectar_connections", &[]), "{name}");
        assert_eq!(simulator.requests(), 3 * REQUESTS + 1, "{name}: three polls and one retry");
    }
}

/// A clock that was set back does not keep data that nobody can read any more: its age goes on by the monotonic clock.
#[tokio::test]
async fn a_clock_set_back_does_not_keep_old_data() {
    for (name, seconds) in STEPS {
        let (program, simulator) = Exporter::simulated(&SMALL, &[]).await;
        program.after_polls(1).await;
        program.clock.step(SignedDuration::from_secs(seconds));
        simulator.faults().set(Scope::Everything, Fault::Status(500));
        for minutes in (5..=60).step_by(5) {
            let scrape = program.next_poll().await;
            assert_eq!(scrape.has("nectar_connections"), seconds < 0, "{name}, after {minutes} minutes");
        }
        let old = program.next_poll().await;
        assert!(!old.has("nectar_connections"), "{name}: more than an hour old");
        simulator.faults().clear();
        assert!(program.next_poll().await.has("nectar_connections"), "{name}");
    }
}
