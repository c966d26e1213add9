//! Several exporters that share the companies of one key.

use std::collections::BTreeSet;

use nectar_simulator::{Plan, Simulator};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::scrape::Scrape;
use test_support::webhooks::{Event, SecretPlace};

const SHARDS: u8 = 3;
const PLAN: Plan = Plan { companies: 40, connections: 12, accounts: 2, seed: 2, speed: 0.0 };

/// All shards, and the Nectar that they poll.
struct World {
    simulator: Simulator,
    shards: Vec<Exporter>,
    _secret: SecretPlace,
}

impl World {
    async fn with(flags: &[&str]) -> Self {
        let (clock, secret) = (TestClock::new(), SecretPlace::new());
        let simulator = Simulator::new(&PLAN, KEY, wall(&clock));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v2.2", listener.local_addr().unwrap());
        tokio::spawn(simulator.clone().serve(vec![listener], CancellationToken::new()));
        let mut shards = Vec::new();
        for number in 0..SHARDS {
            let own = [&*format!("--shard={number}"), &*format!("--total-shards={SHARDS}")];
            let flags = secret.flags(&[&own, flags].concat());
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            shards.push(Exporter::start(&base_url, &flags, clock.clone()).await);
        }
        Self { simulator, shards, _secret: secret }
    }

    async fn scrapes(&self) -> Vec<Scrape> {
        let mut scrapes = Vec::new();
        for shard in &self.shards {
            scrapes.push(shard.after_polls(1).await);
        }
        scrapes
    }
}

fn companies(scrape: &Scrape) -> BTreeSet<String> {
    scrape.family("nectar_company_info").map(|(labels, _)| labels["company_id"].clone()).collect()
}

#[tokio::test]
async fn each_company_is_served_by_one_of_them() {
    let world = World::with(&["--nectar.max-concurrent-requests=10"]).await;
    let scrapes = world.scrapes().await;
    let all: BTreeSet<String> = world.simulator.companies().into_iter().collect();
    let mut seen = BTreeSet::new();
    for (number, scrape) in scrapes.iter().enumerate() {
        assert_eq!(scrape.value("nectar_up", &[]), Some(1.0));
        let labels = [("shard", &*number.to_string()), ("total_shards", "3")];
        assert_eq!(scrape.value("nectar_exporter_shard_info", &labels), Some(1.0));
        assert_eq!(scrape.value("nectar_exporter_total_shards", &[]), Some(f64::from(SHARDS)));
        let own = companies(scrape);
        assert!(own.len() > 5 && own.is_disjoint(&seen), "shard {number}: {}", own.len());
        seen.extend(own);
    }
    assert_eq!(seen, all);
    let connections: f64 = scrapes.iter().map(|scrape| scrape.sum("nectar_connections", &[])).sum();
    let expected: usize = all.iter().map(|company| world.simulator.connections(company).len()).sum();
    assert_eq!(connections, expected as f64);
    let peak = world.simulator.peak_in_flight();
    assert!(peak <= 10, "{peak} requests at once");
}

/// A company that is asked for by id is missed by its own shard alone.
#[tokio::test]
async fn a_company_that_is_not_there_is_missed_by_one() {
    let world = World::with(&["--nectar.company=no-such-company"]).await;
    let missed: Vec<f64> =
        world.scrapes().await.iter().map(|scrape| scrape.value("nectar_up", &[]).unwrap()).collect();
    assert_eq!(missed.iter().sum::<f64>(), f64::from(SHARDS) - 1.0, "{missed:?}");
}

/// Each shard gets all events, and reads what is its own.
#[tokio::test]
async fn an_event_is_for_one_of_them() {
    let world = World::with(&[]).await;
    world.scrapes().await;
    let company = world.simulator.companies()[0].clone();
    let event = Event::of("a", "connection.updated.v2", "unknown", Some(&company));
    let (mut read, mut dropped) = (0.0, 0.0);
    for shard in &world.shards {
        assert_eq!(shard.send(&event).await.status(), 204);
        let scrape = shard.scrape().await;
        let of = |outcome| scrape.sum("nectar_webhook_events_total", &[("outcome", outcome)]);
        read += of("reading");
        dropped += of("not_watched");
    }
    assert_eq!((read, dropped), (1.0, f64::from(SHARDS) - 1.0));
}
