//! One round: a poll with whatever goes wrong in it, and everything that must hold afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nectar_exporter::clock::Clock;
use nectar_simulator::Simulator;

use crate::books::Books;
use crate::ledger::Ledger;
use crate::plan::Round;
use crate::reader::{Reader, Truth};
use crate::rude::Visitors;
use crate::scraper::Scraper;
use crate::strike::{Outcome, Strike, heal};
use test_support::clock::TestClock;
use test_support::scrape::Scrape;

/// How long a poll may take, in real time.
const PATIENCE: Duration = Duration::from_secs(60);
/// The poll interval, and the poll timeout, by the clock that the soak moves.
pub const INTERVAL: Duration = Duration::from_secs(5 * 60);
pub const POLL_TIMEOUT: Duration = Duration::from_secs(4 * 60);
/// After three failed polls the data is still shown, after a fourth it is withdrawn.
pub const MAX_DATA_AGE: Duration = Duration::from_secs(16 * 60);

/// Everything that takes part in a soak.
pub struct Soak {
    pub clock: Arc<TestClock>,
    pub simulator: Simulator,
    pub reader: Reader,
    pub scraper: Scraper,
    pub visitors: Visitors,
    pub ledger: Ledger,
    pub books: Books,
    /// Rounds by what went wrong in them.
    pub strikes: BTreeMap<&'static str, u64>,
    pub steps: u64,
    /// Waits between attempts, which the clock skips.
    pub waits: u64,
}

impl Soak {
    /// The first poll, which the exporter begins at its start.
    pub async fn first(&mut self) {
        let now = self.now();
        let scrape = self.poll_ends().await;
        self.scraper.expect_no_more_than(&scrape);
        self.settle(&scrape, now, None).await;
    }

    /// Lets time pass until the next poll, and checks its outcome.
    pub async fn play(&mut self, round: &Round) {
        if let Some(step) = round.step {
            self.clock.step(step);
            self.steps += 1;
            let scrape = self.scraper.scrape().await;
            self.ledger.check(&scrape, self.now());
        }
        if let Some(strike) = &round.strike {
            strike.set(&self.simulator);
            *self.strikes.entry(strike.kind()).or_default() += 1;
        }
        let asked = self.simulator.requests();
        self.clock.advance(INTERVAL);
        let began = self.now();
        self.visitors.come(&round.visitors).await;
        match &round.strike {
            Some(strike) if strike.runs_out() => self.run_out(strike, began, asked).await,
            strike => {
                let scrape = self.poll_ends().await;
                self.settle(&scrape, began, strike.as_ref()).await;
            }
        }
    }

    /// Closes all connections.
    pub fn hang_up(&mut self) {
        self.reader.hang_up();
        self.scraper.hang_up();
        self.visitors.leave();
    }

    fn now(&self) -> f64 {
        seconds(self.clock.now())
    }

    async fn poll_ends(&mut self) -> Scrape {
        let wanted = self.books.polls as f64 + 1.0;
        self.until("the poll to end", |scrape| polls(scrape) >= wanted).await
    }

    /// Lets the poll's time run out over a request that hangs, once everything else is done.
    async fn run_out(&mut self, strike: &Strike, began: f64, asked: u64) {
        let (before, simulator) = (self.books.polls as f64, self.simulator.clone());
        let hangs = |scrape: &Scrape| match strike.victim() {
            Some(victim) => {
                let read = scrape.family("nectar_company_last_success_timestamp_seconds");
                read.filter(|(labels, _)| labels["company_id"] != victim).all(|(_, at)| at == began)
            }
            None => simulator.requests() > asked,
        };
        self.until("the rest of a poll that hangs", |scrape| polls(scrape) > before || hangs(scrape)).await;
        heal(&self.simulator);
        let truth = self.reader.read().await;
        self.clock.advance(POLL_TIMEOUT);
        let scrape = self.poll_ends().await;
        self.check(&scrape, &truth, began, Some(strike));
    }

    /// Checks a poll whose responses came while the clock stood still: the truth is still what it was.
    async fn settle(&mut self, scrape: &Scrape, began: f64, strike: Option<&Strike>) {
        heal(&self.simulator);
        let truth = self.reader.read().await;
        self.check(scrape, &truth, began, strike);
    }

    fn check(&mut self, scrape: &Scrape, truth: &Truth, began: f64, strike: Option<&Strike>) {
        let outcome = strike.map_or(Outcome::Up, |strike| strike.outcome(truth));
        let up = scrape.value("nectar_up", &[]);
        let reasons: Vec<&String> =
            scrape.family("nectar_last_failure").map(|(labels, _)| &labels["reason"]).collect();
        let holds = match &outcome {
            Outcome::Up => up == Some(1.0),
            Outcome::Down(wanted) => reasons.len() == 1 && wanted.contains(&reasons[0].as_str()),
            Outcome::Open => true,
        };
        assert!(holds, "{outcome:?} was due, but up is {up:?}, for {reasons:?}, after {strike:?}");
        let companies = scrape.sum("nectar_company_up", &[]);
        assert_eq!(up == Some(1.0), companies == truth.len() as f64, "up is when all companies are up");
        let ahead = self.now() - self.clock.monotonic().as_secs_f64();
        self.ledger.polled(scrape, truth, began, ahead);
        self.ledger.check(scrape, self.now());
        let requests = self.simulator.requests() - self.reader.sent;
        self.books.polled(scrape, requests);
        // Taken each time, or the clock's own list would grow.
        self.waits += self.clock.skipped().len() as u64;
    }

    /// Scrapes until `condition` holds, at growing intervals.
    async fn until(&mut self, what: &str, condition: impl Fn(&Scrape) -> bool) -> Scrape {
        let until = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(2);
        loop {
            let scrape = self.scraper.scrape().await;
            if condition(&scrape) {
                return scrape;
            }
            assert!(Instant::now() < until, "waited in vain for {what}");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }
}

fn polls(scrape: &Scrape) -> f64 {
    scrape.value("nectar_exporter_polls_total", &[]).unwrap()
}

/// Unix time.
fn seconds(time: Timestamp) -> f64 {
    time.as_nanosecond() as f64 / 1e9
}
