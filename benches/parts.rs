//! Micro-benchmarks of the parts that a large fleet depends on: decode, summarise, render. `cargo bench --bench parts`
//!
//! The input is what the simulated Nectar sends: a page of 100 connections, or 100 companies with one such page each.

// A benchmark may panic when something is unexpected.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use nectar_exporter::clock::SystemClock;
use nectar_exporter::fleet::tally::Tallies;
use nectar_exporter::fleet::{FleetWriter, Moment};
use nectar_exporter::http::{self, ListenAddress};
use nectar_exporter::metrics::text::Format;
use nectar_exporter::metrics::{Detail, Exposition, SelfMetrics, Settings};
use nectar_exporter::model::{RecordFaults, Snapshot};
use nectar_exporter::nectar::pagination::fetch_all_pages;
use nectar_exporter::nectar::{Client, Key, Settings as NectarSettings, decode};
use nectar_exporter::observe::DroppedLines;
use nectar_exporter::shard::Shard;
use nectar_simulator::{Plan, Simulator};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const KEY: &str = "bench";
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A simulated Nectar, and the runtime that it runs on.
struct Nectar {
    runtime: Runtime,
    base: String,
}

impl Nectar {
    fn start(companies: u32) -> Self {
        let plan = Plan { companies, connections: 100, accounts: 2, seed: 1, speed: 0.0 };
        let runtime = Runtime::new().unwrap();
        let mut listeners = runtime.block_on(http::bind(&ListenAddress::loopback(0))).unwrap();
        let listener = listeners.remove(0);
        let base = format!("http://{}/v2.2", listener.local_addr().unwrap());
        let simulator = Simulator::new(&plan, KEY, Timestamp::now);
        runtime.spawn(simulator.serve(vec![listener], CancellationToken::new()));
        Self { runtime, base }
    }

    fn client(&self) -> Client {
        let settings = NectarSettings {
            base_url: self.base.parse().unwrap(),
            request_timeout: Duration::from_secs(30),
            max_concurrent_requests: 8,
            page_size: 500,
            extra_certificates: None,
            proxy: None,
        };
        let observer = Arc::new(SelfMetrics::new(DroppedLines::default()).unwrap());
        let key = Key::fixed(KEY.into()).unwrap();
        self.runtime.block_on(async { Client::new(settings, key, SystemClock::shared(), observer) }).unwrap()
    }

    /// The one company's only page, as it is sent.
    fn page(&self) -> Vec<u8> {
        let list = self.runtime.block_on(self.client().company_list()).unwrap();
        let url = format!("{}/connection/company/{}?limit=500", self.base, list.companies[0].id);
        self.runtime.block_on(async {
            let answer = reqwest::Client::new().get(url).header("X-API-Key", KEY).send().await.unwrap();
            answer.bytes().await.unwrap().to_vec()
        })
    }
}

fn decoding(criterion: &mut Criterion) {
    let body = Nectar::start(1).page();
    let now = SystemClock::shared().now();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(u64::try_from(body.len()).unwrap()));
    group.bench_function("page", |bencher| bencher.iter(|| decode::page(black_box(&body), now).unwrap()));
    group.finish();
}

fn summarising(criterion: &mut Criterion) {
    let nectar = Nectar::start(1);
    let client = nectar.client();
    let list = nectar.runtime.block_on(client.company_list()).unwrap();
    let snapshot = nectar.runtime.block_on(fetch_all_pages(&client, &list.companies[0].id)).unwrap();
    criterion.bench_function("summarise/company", |bencher| {
        bencher.iter(|| Tallies::of(black_box(&snapshot), WEEK));
    });
}

/// A fleet that was read from Nectar.
fn filled(nectar: &Nectar) -> FleetWriter {
    let (client, clock) = (nectar.client(), SystemClock::shared());
    let writer = FleetWriter::new(WEEK);
    let companies = nectar.runtime.block_on(client.company_list()).unwrap().companies;
    writer.apply_list(
        &companies.iter().map(|company| (company.id.clone(), company.clone())).collect(),
        &[],
        Duration::ZERO,
    );
    for company in companies {
        let snapshot = nectar.runtime.block_on(fetch_all_pages(&client, &company.id)).unwrap();
        writer.record_success(&company.id, snapshot);
    }
    writer.record_poll_end(Ok(()), true, Moment::of(clock.as_ref()));
    writer
}

fn exposition(writer: &FleetWriter) -> Exposition {
    let settings = Settings {
        detail: Detail::Connections,
        detail_limit: 1_000_000,
        check_interval: WEEK,
        max_data_age: Duration::from_secs(24 * 60 * 60),
        poll_interval: Duration::from_secs(5 * 60),
        shard: Shard::ALL,
    };
    let own = Arc::new(SelfMetrics::new(DroppedLines::default()).unwrap());
    Exposition::new(writer.reader(), own, SystemClock::shared(), settings).unwrap()
}

fn publishing(criterion: &mut Criterion) {
    let nectar = Nectar::start(100);
    let writer = filled(&nectar);
    let publish = |exposition: &Exposition| nectar.runtime.block_on(exposition.publish());
    // Nothing was published before: it renders and compresses everything.
    criterion.bench_function("publish/100 companies", |bencher| {
        bencher.iter_batched_ref(|| exposition(&writer), |new| publish(new), BatchSize::PerIteration);
    });
    let published = exposition(&writer);
    publish(&published);
    for (name, gzip) in [("scrape/100 companies, gzip", true), ("scrape/100 companies, plain", false)] {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let body = nectar.runtime.block_on(published.body(Format::Text, gzip)).unwrap();
                body.map(|piece| piece.unwrap().len()).sum::<usize>()
            });
        });
    }
}

/// One company of a thousand gains or loses a connection.
fn renewing(criterion: &mut Criterion) {
    let (nectar, clock) = (Nectar::start(1000), SystemClock::shared());
    let writer = filled(&nectar);
    let prepared = exposition(&writer);
    nectar.runtime.block_on(prepared.publish());
    let company = nectar.runtime.block_on(nectar.client().company_list()).unwrap().companies.remove(0);
    let read =
        || nectar.runtime.block_on(fetch_all_pages(&nectar.client(), &company.id)).unwrap().connections;
    let mut fewer = Arc::into_inner(read()).unwrap();
    assert!(fewer.pop().is_some());
    let mut turns = [read(), Arc::new(fewer)].into_iter().cycle();
    let mut change = || {
        let (connections, faults) = (turns.next().unwrap(), RecordFaults::default());
        let (begun_wall, begun_monotonic) = (clock.now(), clock.monotonic());
        writer.record_success(&company.id, Snapshot { begun_wall, begun_monotonic, connections, faults });
    };
    criterion.bench_function("publish/1000 companies, of which one has changed", |bencher| {
        let publish = || nectar.runtime.block_on(prepared.publish());
        bencher.iter_batched(&mut change, |()| publish(), BatchSize::PerIteration);
    });
}

criterion_group!(parts, decoding, summarising, publishing, renewing);
criterion_main!(parts);
