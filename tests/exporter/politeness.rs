//! What the exporter owes Nectar: few requests, and none while it was asked to wait.

use std::time::Duration;

use nectar_simulator::{Fault, Plan, Scope, Simulator};

use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::scrape::Scrape;

/// One company is answered 429: no request of anybody is sent until the time that Nectar named has passed.
#[tokio::test]
async fn after_a_429_the_whole_program_waits() {
    let clock = TestClock::new();
    let plan = Plan { companies: 20, connections: 3, accounts: 1, seed: 7, speed: 0.0 };
    let simulator = Simulator::new(&plan, KEY, wall(&clock));
    let mut companies = simulator.companies();
    companies.sort();
    let slow_down = Fault::StatusRetryAfter(429, "60".to_owned());
    simulator.faults().set_times(Scope::Company(companies[1].clone()), slow_down, 1);
    let flags = ["--nectar.max-concurrent-requests=1"];
    let program = Exporter::against(&simulator, &flags, clock).await;

    let refused = [("endpoint", "connections"), ("code", "429")];
    program
        .until("the refusal", |scrape| scrape.value("nectar_api_requests_total", &refused) == Some(1.0))
        .await;
    // The list, the company before, and the one that was refused.
    let sent = simulator.requests();
    assert_eq!(sent, 3);
    program.clock.advance(Duration::from_secs(59));
    for _ in 0..20 {
        program.scrape().await;
        assert_eq!(simulator.requests(), sent, "nobody asks while Nectar wants peace");
    }
    program.clock.advance(Duration::from_secs(1));
    let scrape = program.after_polls(1).await;
    assert_eq!(scrape.value("nectar_up", &[]), Some(1.0));
    assert_eq!(simulator.requests(), 22);
}

/// One company is answered 429 and told to wait for a year, at every attempt. It is given up when the next attempt would come after
/// the poll's end, for the cause that it had; the other companies are fresh, and few requests are sent. Once Nectar answers again, so
/// does everything.
#[tokio::test]
async fn a_wait_of_a_year_for_one_company() {
    let plan = Plan { companies: 3, connections: 3, accounts: 1, seed: 7, speed: 0.0 };
    for wait in ["31536000", "99999999999999999999999", "Tue, 15 Jun 2027 12:05:00 GMT"] {
        // So rare that no poll begins before this test turns the clock for it.
        let flags = ["--nectar.poll-interval=20m", "--nectar.max-data-age=2h"];
        let (program, simulator) = Exporter::simulated(&plan, &flags).await;
        let before = program.after_polls(1).await;
        let victim = simulator.companies()[0].clone();
        let slow_down = Fault::StatusRetryAfter(429, wait.to_owned());
        simulator.faults().set(Scope::Company(victim.clone()), slow_down);
        let sent = simulator.requests();
        program.clock.advance(Duration::from_secs(1200));
        let refused = [("endpoint", "connections"), ("code", "429")];
        let is_refused = |scrape: &Scrape| scrape.value("nectar_api_requests_total", &refused) == Some(1.0);
        program.until("the refusal", is_refused).await;
        assert_eq!(program.scrape().await.value("nectar_exporter_polls_total", &[]), Some(1.0), "{wait}");
        program.clock.advance(Duration::from_secs(300));
        // Five minutes more would be the ten that a poll has.
        let after = program.after_polls(2).await;
        let why = [("company_id", victim.as_str()), ("reason", "rate_limited")];
        assert_eq!(after.value("nectar_company_last_failure", &why), Some(1.0), "{wait}");
        assert_eq!(after.sum("nectar_company_up", &[]), 2.0, "{wait}: the others were read before");
        let connections = |scrape: &Scrape| scrape.sum("nectar_connections", &[]);
        assert_eq!(connections(&after), connections(&before), "{wait}");
        assert!(simulator.requests() - sent <= 4 + 3, "{wait}: {} requests", simulator.requests() - sent);

        simulator.faults().clear();
        program.clock.advance(Duration::from_secs(900));
        let healed = program.after_polls(3).await;
        assert_eq!(healed.value("nectar_up", &[]), Some(1.0), "{wait}");
        assert_eq!(connections(&healed), connections(&before), "{wait}");
    }
}

/// Everything is refused with a wait that leaves no time: the cause stays what it was, for the list, for a company, and for those
/// whose turn never came.
#[tokio::test]
async fn a_long_wait_does_not_hide_why() {
    for (status, reason) in [(503, "server_error"), (429, "rate_limited")] {
        for wait in [200, 300, 3600] {
            for is_list in [true, false] {
                let context = format!("{status}, {wait} s, the list: {is_list}");
                let after = refused_for_long(status, wait, is_list).await;
                assert_eq!(after.value("nectar_last_failure", &[("reason", reason)]), Some(1.0), "{context}");
                assert_eq!(
                    after.sum("nectar_company_last_failure", &[("reason", reason)]),
                    50.0,
                    "{context}"
                );
            }
        }
    }
}

/// After the poll in which the list, or each company, was refused.
async fn refused_for_long(status: u16, wait: u64, is_list: bool) -> Scrape {
    let plan = Plan { companies: 50, connections: 3, accounts: 1, seed: 7, speed: 0.0 };
    let clock = TestClock::skipping(Duration::from_secs(60));
    let simulator = Simulator::new(&plan, KEY, wall(&clock));
    // A time that no wait of these ends at.
    let flags = ["--nectar.poll-interval=20m", "--nectar.max-data-age=2h", "--nectar.poll-timeout=590s"];
    let program = Exporter::against(&simulator, &flags, clock).await;
    program.after_polls(1).await;
    let companies = || simulator.companies().into_iter().map(Scope::Company).collect();
    for scope in if is_list { vec![Scope::CompanyList] } else { companies() } {
        simulator.faults().set(scope, Fault::StatusRetryAfter(status, wait.to_string()));
    }
    program.clock.advance(Duration::from_secs(1200));
    // A longer one counts as five minutes.
    let wait = Duration::from_secs(wait.min(300));
    program
        .until("the end of the poll", |scrape| {
            if program.clock.is_awaited(wait) {
                program.clock.advance(wait);
            }
            scrape.value("nectar_exporter_polls_total", &[]) == Some(2.0)
        })
        .await
}

/// All pages of all companies fail: each company is asked for, but not each four times. And the next poll is as patient as
/// the first.
#[tokio::test]
async fn an_api_that_fails_is_not_stormed() {
    let plan = Plan { companies: 100, connections: 1, accounts: 0, seed: 7, speed: 0.0 };
    let clock = TestClock::skipping(Duration::from_secs(60));
    let simulator = Simulator::new(&plan, KEY, wall(&clock));
    for company in simulator.companies() {
        simulator.faults().set(Scope::Company(company), Fault::Status(500));
    }
    let program = Exporter::against(&simulator, &[], clock).await;
    let scrape = program.after_polls(1).await;
    assert_eq!(scrape.value("nectar_up", &[]), Some(0.0));
    let first = simulator.requests();
    assert!((101..=101 + 40).contains(&first), "{first} requests for 100 companies");
    let retries = scrape.sum("nectar_api_request_retries_total", &[]);
    assert_eq!(retries, 40.0, "few, but not none");

    let scrape = program.next_poll().await;
    assert_eq!(scrape.sum("nectar_api_request_retries_total", &[]), 80.0);
}

/// A key that Nectar refuses is sent once per poll.
#[tokio::test]
async fn a_refused_key_is_sent_once_per_poll() {
    let (program, simulator) =
        Exporter::simulated(&Plan { companies: 5, connections: 1, ..Plan::default() }, &[]).await;
    program.after_polls(1).await;
    simulator.faults().set(Scope::Everything, Fault::Status(401));
    for _ in 0..3 {
        let before = simulator.requests();
        program.next_poll().await;
        assert_eq!(simulator.requests() - before, 1);
    }
}
