//! The bare loop that a poll is compared with: the exporter's own client fetches and decodes the same pages, with as many requests at
//! once, and drops what it has read. Both ends of its process are here.

use std::io::BufRead;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt, stream};
use nectar_exporter::clock::SystemClock;
use nectar_exporter::failure::Reason;
use nectar_exporter::nectar::{Client, Key, Settings};
use nectar_exporter::observe::{Endpoint, ObserveRequests};

use super::api::{Api, KEY};
use super::child::Servant;
use super::fleet::PAGE;

/// The argument that starts this role.
pub const ROLE: &str = "bare-client";
/// The exporter's default.
pub const CONCURRENCY: usize = 8;

/// The process, as seen by the benchmark.
pub struct Bare(Servant);

impl Bare {
    /// Starts it, and runs it once to warm up.
    pub fn start(api: &Api) -> Self {
        let mut servant = Servant::start(&[ROLE.to_owned(), api.base.clone()]);
        servant.ask("go");
        Self(servant)
    }

    /// The CPU time of one loop.
    pub fn cpu(&mut self) -> Duration {
        let before = self.0.process().settled_cpu();
        self.0.ask("go");
        self.0.process().settled_cpu() - before
    }
}

/// Runs the role: one loop for each line of input, answered with the number of connections read.
pub fn run(mut words: impl Iterator<Item = String>) -> ExitCode {
    let settings = Settings {
        base_url: words.next().unwrap().parse().unwrap(),
        request_timeout: Duration::from_secs(30),
        max_concurrent_requests: CONCURRENCY,
        page_size: PAGE,
        extra_certificates: None,
        proxy: None,
    };
    let key = Key::fixed(KEY.into()).unwrap();
    let client = Arc::new(Client::new(settings, key, SystemClock::shared(), Arc::new(Nobody)).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for line in std::io::stdin().lock().lines() {
        line.unwrap();
        let client = Arc::clone(&client);
        // A task of its own, as the exporter's poller is.
        let read = runtime.block_on(runtime.spawn(async move { read_all(&client).await })).unwrap();
        println!("{read}");
    }
    ExitCode::SUCCESS
}

async fn read_all(client: &Client) -> usize {
    client.begin_poll().await;
    let list = client.company_list().await.unwrap();
    let companies = stream::iter(list.companies).map(|company| {
        async move {
            let (mut read, mut number, mut pages) = (0, 0, 1);
            while number < pages {
                number += 1;
                let page = client.page(&company.id, number).await.unwrap();
                read += page.rows.len();
                pages = page.total_pages;
            }
            read
        }
        .boxed()
    });
    companies.buffer_unordered(client.max_concurrent_requests()).fold(0, async |sum, read| sum + read).await
}

/// An observer that counts nothing.
struct Nobody;

impl ObserveRequests for Nobody {
    fn finished(&self, _: Endpoint, _: Option<u16>, _: Duration, _: Option<Reason>) {}

    fn retried(&self, _: Endpoint) {}
}
