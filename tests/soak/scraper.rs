//! Scrapes like a Prometheus, plain and gzip in turn, and checks what must hold for every scrape whatever happens.

use std::io::Read;

use flate2::read::GzDecoder;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING};

use test_support::PATIENCE;
use test_support::scrape::Scrape;

/// A connection is used for this many scrapes.
const SCRAPES_PER_CONNECTION: u64 = 50;
/// No scrape may have more series than this many times those of the first complete one.
const GROWTH: usize = 2;

pub struct Scraper {
    client: reqwest::Client,
    url: String,
    /// Scrapes so far, each of them checked.
    pub taken: u64,
    /// None until [`expect_no_more_than`](Self::expect_no_more_than).
    most_series: Option<usize>,
}

impl Scraper {
    pub fn new(url: &str) -> Self {
        Self { client: client(), url: format!("{url}/metrics"), taken: 0, most_series: None }
    }

    /// From now on no scrape may be much larger than this one.
    pub fn expect_no_more_than(&mut self, first: &Scrape) {
        self.most_series = Some(first.samples.len() * GROWTH);
    }

    pub async fn scrape(&mut self) -> Scrape {
        if self.taken.is_multiple_of(SCRAPES_PER_CONNECTION) {
            self.hang_up();
        }
        let packed = self.taken.is_multiple_of(2);
        let text = if packed { self.packed().await } else { self.plain().await };
        let scrape = Scrape::read(&text);
        self.taken += 1;
        self.check(&scrape);
        scrape
    }

    /// Closes its connections.
    pub fn hang_up(&mut self) {
        self.client = client();
    }

    async fn plain(&self) -> String {
        let answer = self.get("identity").await;
        assert!(!answer.headers().contains_key(CONTENT_ENCODING), "packed, and nobody asked for it");
        answer.text().await.unwrap()
    }

    async fn packed(&self) -> String {
        let answer = self.get("gzip").await;
        assert_eq!(answer.headers()[CONTENT_ENCODING], "gzip");
        let bytes = answer.bytes().await.unwrap();
        let mut text = String::new();
        GzDecoder::new(bytes.as_ref()).read_to_string(&mut text).unwrap();
        text
    }

    async fn get(&self, encoding: &str) -> reqwest::Response {
        let answer = self.client.get(&self.url).header(ACCEPT_ENCODING, encoding).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer
    }

    /// Parsing has made sure that the text is in the format, and has no series twice.
    fn check(&self, scrape: &Scrape) {
        for (name, labels, value) in &scrape.samples {
            assert!(value.is_finite() && *value >= 0.0, "{name}{labels:?} is {value}");
        }
        let series = scrape.samples.len();
        assert!(self.most_series.is_none_or(|most| series <= most), "{series} series are too many");
        let up = scrape.value("nectar_up", &[]).expect("nectar_up is always there");
        let polls = scrape.value("nectar_exporter_polls_total", &[]).unwrap();
        if polls > 0.0 {
            assert_eq!(up == 0.0, scrape.has("nectar_last_failure"), "nectar_up tells what the reason tells");
        }
    }
}

fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy();
    builder.timeout(PATIENCE).build().unwrap()
}
