//! The soak: thousands of polls and scrapes against a simulated Nectar that fails at random, and nothing may grow.
//!
//! `make soak` runs it. After every poll, each value of a scrape is compared with an independent count of what Nectar has. At the end,
//! what the process uses is compared with what it used after a tenth of the polls. The exporter has a runtime of its own, so that its
//! tasks can be told from those of the simulator and the scrapers.

// Tests may panic when something is unexpected.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![allow(missing_docs, missing_debug_implementations, reason = "a program, and no library")]

mod books;
mod ledger;
mod measure;
mod plan;
mod reader;
mod report;
mod round;
mod rude;
mod scraper;
mod strike;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use nectar_simulator::{self as simulator, Simulator};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;

use crate::books::{AT_ONCE, Books};
use crate::ledger::Ledger;
use crate::measure::{Held, Memory, Rest, Taken};
use crate::plan::Plan;
use crate::reader::Reader;
use crate::report::Report;
use crate::round::{INTERVAL, MAX_DATA_AGE, POLL_TIMEOUT, Soak};
use crate::rude::Visitors;
use crate::scraper::Scraper;
use crate::strike::{KINDS, PAGE_SIZE};
use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};

/// From this many polls on, every kind of fault must have occurred.
const ENOUGH_FOR_ALL: u64 = 20_000;

/// Polls and scrapes against a simulated Nectar that fails at random.
#[derive(Debug, Clone, Parser)]
struct Asked {
    /// The same seed makes the same fleet, faults and visitors.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many polls; a tenth of them is warm-up.
    #[arg(long, default_value_t = 20_000, value_parser = whole_tenths)]
    polls: u64,
}

/// What a panic's message is completed with, wherever it happens.
#[derive(Debug, Clone, Default)]
struct Course {
    polls: Arc<AtomicU64>,
    panics: Arc<AtomicU64>,
}

fn main() -> ExitCode {
    let asked = Asked::parse();
    println!("soak: seed {}, {} polls", asked.seed, asked.polls);
    let course = Course::default();
    tell_panics(&asked, &course);
    let [of_exporter, of_simulator] = [2, 1].map(runtime);
    let here = Builder::new_current_thread().enable_all().build().unwrap();
    let mut rest = Rest::now();
    // The two listeners, and the threads that decode and render.
    rest.sockets += 2;
    rest.threads += 2;
    let (mut soak, _program) = start(&asked, &of_exporter, &of_simulator);
    let report = here.block_on(run(&asked, &mut soak, &rest, of_exporter.handle(), &course));
    println!("\n{}", report.table());
    let faults = report.faults();
    faults.iter().for_each(|fault| println!("DOES NOT HOLD: {fault}"));
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn whole_tenths(text: &str) -> Result<u64, String> {
    let polls = text.parse().ok().filter(|polls: &u64| *polls >= 100 && polls.is_multiple_of(10));
    polls.ok_or_else(|| "takes a multiple of ten, 100 at least".to_owned())
}

fn runtime(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap()
}

/// A panic in a task would go unnoticed: all are counted, and printed with what reproduces them.
fn tell_panics(asked: &Asked, course: &Course) {
    let (Asked { seed, polls }, course) = (asked.clone(), course.clone());
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        course.panics.fetch_add(1, Ordering::Relaxed);
        default(info);
        let at = course.polls.load(Ordering::Relaxed);
        eprintln!("in round {at}; repeat it with: make soak SEED={seed} POLLS={polls}");
    }));
}

fn start(asked: &Asked, of_exporter: &Runtime, of_simulator: &Runtime) -> (Soak, Exporter) {
    // Two simulated hours pass from poll to poll: a few statuses change each time.
    let plan = simulator::Plan { companies: 8, connections: 8, accounts: 2, seed: asked.seed, speed: 24.0 };
    // Waits between attempts end at once, those between polls do not.
    let clock = TestClock::skipping(POLL_TIMEOUT - Duration::from_secs(1));
    let simulator = Simulator::new(&plan, KEY, wall(&clock));
    let listener = of_simulator.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let base_url = format!("http://{}/v2.2", listener.local_addr().unwrap());
    of_simulator.spawn(simulator.clone().serve(vec![listener], CancellationToken::new()));
    let seconds = |duration: Duration| format!("{}s", duration.as_secs());
    let flags = [
        "--metrics.detail=accounts".to_owned(),
        "--nectar.request-timeout=1s".to_owned(),
        format!("--nectar.page-size={PAGE_SIZE}"),
        format!("--nectar.max-concurrent-requests={AT_ONCE}"),
        format!("--nectar.poll-interval={}", seconds(INTERVAL)),
        format!("--nectar.poll-timeout={}", seconds(POLL_TIMEOUT)),
        format!("--nectar.max-data-age={}", seconds(MAX_DATA_AGE)),
    ];
    let flags = flags.each_ref().map(String::as_str);
    let program = of_exporter.block_on(Exporter::start(&base_url, &flags, clock.clone()));
    let soak = Soak {
        clock,
        simulator,
        reader: Reader::new(&base_url),
        scraper: Scraper::new(&program.url),
        visitors: Visitors::new(&program.url),
        ledger: Ledger::new(MAX_DATA_AGE),
        books: Books::default(),
        strikes: KINDS.map(|kind| (kind, 0)).into(),
        steps: 0,
        waits: 0,
    };
    (soak, program)
}

async fn run(asked: &Asked, soak: &mut Soak, rest: &Rest, exporter: &Handle, course: &Course) -> Report {
    let began = Instant::now();
    let mut plan = Plan::new(asked.seed, soak.simulator.companies());
    let mut memory = Memory::for_polls(usize::try_from(asked.polls).unwrap());
    let mut warm = None;
    soak.first().await;
    memory.sample();
    for tenth in 0..10 {
        while soak.books.polls < asked.polls / 10 * (tenth + 1) {
            soak.play(&plan.next()).await;
            memory.sample();
            course.polls.store(soak.books.polls, Ordering::Relaxed);
        }
        let Taken { heap, resident } = memory.tenth(tenth as usize);
        let (seconds, polls, scrapes) = (began.elapsed().as_secs(), soak.books.polls, soak.scraper.taken);
        println!(
            "{seconds:>4} s {polls:>6} polls {scrapes:>6} scrapes, heap {heap} KiB, resident {resident} KiB"
        );
        if warm.is_none() {
            soak.hang_up();
            warm = Some(rest.come(exporter).await);
        }
    }
    soak.hang_up();
    let warm = warm.expect("a tenth of the polls is over");
    let end = rest.come_back_to(warm, exporter).await;
    report(asked, soak, [warm, end], &memory, began.elapsed(), course)
}

fn report(
    asked: &Asked,
    soak: &Soak,
    [warm, end]: [Held; 2],
    memory: &Memory,
    took: Duration,
    course: &Course,
) -> Report {
    let mut done = vec![
        ("seconds", took.as_secs()),
        ("polls", soak.books.polls),
        ("polls that were not whole", soak.books.failed),
        ("scrapes", soak.scraper.taken),
        ("requests to Nectar", soak.books.requests),
        ("requests dropped", soak.books.cut_off),
        ("values held against truth", soak.ledger.compared),
        ("changes of status", soak.ledger.changes() as u64),
        ("scrapes that withheld data", soak.ledger.withdrawn),
        ("steps of the wall clock", soak.steps),
        ("waits before a retry", soak.waits),
        ("rude clients", soak.visitors.seen),
        ("resident at its peak, KiB", measure::status("VmHWM:")),
    ];
    done.extend(soak.strikes.iter().map(|(kind, number)| (*kind, *number)));
    let mut due = vec![("polls", asked.polls), ("scrapes", asked.polls)];
    if asked.polls >= ENOUGH_FOR_ALL {
        due.extend(soak.strikes.keys().map(|kind| (*kind, 1)));
        due.extend([("changes of status", 10_000), ("scrapes that withheld data", 100)]);
    }
    let panics = course.panics.load(Ordering::Relaxed);
    Report { warm, end, memory: [memory.tenth(1), memory.tenth(9)], panics, done, due }
}
