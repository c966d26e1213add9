//! Everything that was measured so far: what two rows of the table need is measured once. Also how many runs each measurement has.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;
use std::time::Duration;

use super::bare;
use super::beside::{self, Beside};
use super::fleet::Fleet;
use super::memory::{self, Memory, News};
use super::polls::{self, Growth, Polls};
use super::prometheus::{self, Cost};
use super::scrapes::{self, Scrapes};

/// How long the API waits before each response, for rows about a slow API.
pub const LATENCY: Duration = Duration::from_millis(50);

type Memo<K, T> = RefCell<HashMap<K, Rc<T>>>;

/// The measurements.
pub struct Lab {
    quick: bool,
    scrapes: Memo<Fleet, Scrapes>,
    polls: Memo<Fleet, Polls>,
    growth: Memo<(), Growth>,
    memory: Memo<(Fleet, News), Memory>,
    crowd: Memo<(), (f64, f64)>,
    beside: Memo<(), Beside>,
    wall: Memo<(), Vec<Duration>>,
    prometheus: Memo<(), [Cost; 2]>,
}

impl Lab {
    /// Nothing measured yet. `quick` is for trying it out.
    pub fn new(quick: bool) -> Self {
        Self {
            quick,
            scrapes: Memo::default(),
            polls: Memo::default(),
            growth: Memo::default(),
            memory: Memo::default(),
            crowd: Memo::default(),
            beside: Memo::default(),
            wall: Memo::default(),
            prometheus: Memo::default(),
        }
    }

    /// What a reader of the table must know.
    pub fn conditions(&self) -> String {
        let plan = Fleet::Large.plan(self.quick);
        let trial =
            if self.quick { "A trial: the targets are those of a fleet ten times as large.\n" } else { "" };
        format!(
            "{trial}Fleet: {} companies, {} connections, {} accounts each in the mean. Medians of n runs. Each scrape is in \
             another second of the clock than the last, and nginx serves in turn with it (A B A B).\n",
            plan.companies,
            plan.companies * plan.connections,
            plan.accounts
        )
    }

    fn runs(&self, runs: usize) -> usize {
        if self.quick { 3 } else { runs }
    }

    pub fn scrapes(&self, fleet: Fleet) -> Rc<Scrapes> {
        once(&self.scrapes, fleet, || scrapes::measure(&fleet.plan(self.quick), self.runs(15)))
    }

    pub fn polls(&self, fleet: Fleet) -> Rc<Polls> {
        once(&self.polls, fleet, || polls::measure(&fleet.plan(self.quick), self.runs(9)))
    }

    /// Polls of the large and the small fleet.
    pub fn growth(&self) -> Rc<Growth> {
        let plans = [Fleet::Large, Fleet::Small].map(|fleet| fleet.plan(self.quick));
        once(&self.growth, (), || polls::growth(plans.each_ref(), self.runs(7)))
    }

    pub fn memory(&self, fleet: Fleet, news: News) -> Rc<Memory> {
        once(&self.memory, (fleet, news), || memory::measure(&fleet.plan(self.quick), news))
    }

    /// Peak memory with one scraper, and with ten.
    pub fn crowd(&self) -> Rc<(f64, f64)> {
        once(&self.crowd, (), || scrapes::crowd(&Fleet::Large.plan(self.quick)))
    }

    /// Scrapes beside polls that find changes.
    pub fn beside(&self) -> Rc<Beside> {
        let rounds = if self.quick { 5 } else { 100 };
        once(&self.beside, (), || beside::measure(&Fleet::Large.plan(self.quick), rounds))
    }

    /// A scrape by Prometheus: of the series of today, and of earlier ones.
    pub fn prometheus(&self) -> Rc<[Cost; 2]> {
        once(&self.prometheus, (), || prometheus::measure(&self.scrapes(Fleet::Large).text))
    }

    /// Polls of a slow API.
    pub fn wall(&self) -> Rc<Vec<Duration>> {
        once(&self.wall, (), || polls::wall(&Fleet::Large.plan(self.quick), LATENCY, self.runs(3)))
    }

    /// The least that a poll of a slow API takes: the list, and then all pages, several at once.
    pub fn least_wall(&self) -> Duration {
        // There is one page for each company.
        let pages = f64::from(Fleet::Large.plan(self.quick).companies);
        LATENCY.mul_f64(1.0 + pages / bare::CONCURRENCY as f64)
    }
}

fn once<K: Hash + Eq, T>(memo: &Memo<K, T>, key: K, measure: impl FnOnce() -> T) -> Rc<T> {
    let known = memo.borrow().get(&key).map(Rc::clone);
    known.unwrap_or_else(|| {
        let measured = Rc::new(measure());
        memo.borrow_mut().insert(key, Rc::clone(&measured));
        measured
    })
}
