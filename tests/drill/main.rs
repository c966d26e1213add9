//! The drill: logins break and are mended while exporter, Prometheus and Alertmanager go away and come back, with the shipped rules and
//! routes. It counts who was told what.
//!
//! `make drill` runs it with hundreds of episodes; `make test` with a few (`few`), and asserts who was told, not how fast. `script`
//! draws what happens to `nectar` and to the `world` (`servers`, `receiver`, `mail`), `scaling` shortens the waits of the shipped
//! files, `truth` is what should be told, `told` what was told, and `tally` compares them.

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
mod chat;
mod few;
mod nectar;
mod reach;
mod receiver;
mod scaling;
mod script;
mod servers;
mod tally;
mod told;
mod truth;
mod world;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use futures::future::join_all;

use crate::books::Books;
use crate::nectar::Nectar;
use crate::reach::Reach;
use crate::scaling::minutes;
use crate::script::Script;
use crate::tally::{Row, Tally};
use crate::world::{World, has_start_delay, now, versions};

/// How long a condition may take, in real time, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Time between two checks of a condition.
const GLANCE: Duration = Duration::from_millis(50);
/// The drill goes on for this many minutes after its last event: long enough for everything to be told.
const TO_BE_TOLD: f64 = 40.0;

/// Who is told what while everything breaks.
#[derive(Debug, Clone, Parser)]
pub struct Asked {
    /// How many episodes; without it, some of each kind, one after the other.
    #[arg(long)]
    episodes: Option<usize>,
    /// The same seed makes the same fleet and the same happenings.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Series per object of the exporter: connections, none, or both at once.
    #[arg(long, value_delimiter = ',', default_values = ["connections", "none"])]
    detail: Vec<String>,
    /// How many times shorter than in life every wait is. Prometheus sends nothing for the first 5 seconds after its start,
    /// real ones: if that were as long as group_wait, Alertmanager would tear apart what comes first.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=90))]
    scale: u32,
    /// Leave logs and data of Prometheus and Alertmanager, for whoever wonders.
    #[arg(long)]
    keep: bool,
    /// Names of tests, from `cargo test`: without one that is part of "drill" nothing is done.
    #[arg(hide = true)]
    names: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let asked = Asked::parse();
    if !asked.names.is_empty() && !asked.names.iter().any(|name| "drill".contains(name.as_str())) {
        return ExitCode::SUCCESS;
    }
    scaling::check();
    println!("{}", versions());
    let faults = match asked.episodes {
        Some(episodes) => join_all(asked.detail.iter().map(|detail| many(&asked, episodes, detail))).await,
        None => join_all(asked.detail.iter().map(|detail| few::run(detail))).await,
    }
    .concat();
    faults.iter().for_each(|fault| println!("DOES NOT HOLD: {fault}"));
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A drill that runs by the clock.
async fn many(asked: &Asked, episodes: usize, detail: &str) -> Vec<String> {
    let Asked { seed, scale, keep, .. } = asked;
    assert!(
        has_start_delay(),
        "the long drill needs Alertmanager 0.30: before, some of its waits cannot be shortened"
    );
    println!("drill: {episodes} episodes, seed {seed}, detail {detail}, a day in {} s", 86_400 / scale);
    let mut nectar = Nectar::open(40, *seed, i64::from(86_400 / scale)).await;
    let script = Script::draw(&nectar, *seed, episodes);
    let folder = tempfile::Builder::new().disable_cleanup(*keep).tempdir().unwrap();
    println!("detail {detail}: logs and data are in {}", folder.path().display());
    let mut world = World::start(folder, &nectar, detail, *scale, true).await;
    let (start, started) = (Instant::now(), now());
    let mut next = 0;
    let mut switches = script.switches().into_iter().peekable();
    println!(
        "{} outages, {:.1} hours, in {:.0} s",
        script.outages.len(),
        script.length / 60.0,
        minutes(script.length, *scale).as_secs_f64()
    );
    while next < script.life.len() || switches.peek().is_some() {
        let life = script.life.get(next).map_or(f64::INFINITY, |(at, _)| *at);
        let switch = switches.peek().map_or(f64::INFINITY, |(at, _, _)| *at);
        tokio::time::sleep_until((start + minutes(life.min(switch), *scale)).into()).await;
        if life <= switch {
            nectar.happen(&script.life[next].1);
            next += 1;
        } else if let Some((_, part, is_begin)) = switches.next() {
            if is_begin { world.begin(part, &nectar).await } else { world.end(part, &nectar).await }
        }
    }
    let end = minutes(script.length + TO_BE_TOLD, *scale);
    tokio::time::sleep_until((start + end).into()).await;
    let tally = close(&nectar, &world, started, detail).await;
    println!("\ndetail {detail}\n{}", tally.table());
    tally.remarks().iter().for_each(|remark| println!("{remark}"));
    tally.faults()
}

/// Counts who was told what.
async fn close(nectar: &Nectar, world: &World, started: f64, detail: &str) -> Tally {
    let mut evaluations = Vec::new();
    for company in &nectar.companies {
        evaluations.push(world.evaluations(&company.id).await);
    }
    let messages = world.receiver.messages();
    let has_detail = detail != "none";
    let mut log = [world.log.clone(), world.stalls().await].concat();
    log.sort_by(|one, other| one.from.total_cmp(&other.from));
    let reach = Reach { log, evaluations, minute: minutes(1.0, world.scale).as_secs_f64() };
    let (episodes, told) = (truth::episodes(nectar, started), told::told(nectar, &messages));
    let mut tally = Books { nectar, has_detail, episodes, told, reach }.tally();
    messages.iter().for_each(|message| tally.note(Row::Messages, message.receiver.clone()));
    let unlike = chat::differences(nectar, &messages, &world.receiver.chats(), has_detail);
    unlike.into_iter().for_each(|one| tally.note(Row::Unlike, one));
    tally
}

/// Waits for a condition.
async fn patiently(what: &str, is_so: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(GLANCE).await;
    }
}
