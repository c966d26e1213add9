//! The rows of the table: each target, and how its figure comes from what was measured.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use super::beside::Beside;
use super::fleet::Fleet::{Large, Nothing, Small};
use super::lab::Lab;
use super::memory::{Memory, News, POLLS, POLLS_ALONE};
use super::polls::{Growth, Polls};
use super::scrapes::{Scrapes, Turns};
use super::series::{median, percentile, ratio};

/// What a figure must be.
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// Anything: it stands here to be known.
    ToKnow,
}

use Target::{AtLeast, AtMost, ToKnow};

/// A figure, and what it came from, in words.
type Figure = (f64, String);

/// One row.
pub struct Row {
    pub name: &'static str,
    pub what: &'static str,
    pub target: Target,
    pub unit: &'static str,
    pub figure: fn(&Lab) -> Figure,
}

const fn row(
    name: &'static str,
    what: &'static str,
    target: Target,
    unit: &'static str,
    figure: fn(&Lab) -> Figure,
) -> Row {
    Row { name, what, target, unit, figure }
}

/// All rows, in the order of the table.
#[rustfmt::skip]
pub static ROWS: &[Row] = &[
    row("plain", "scrape, plain, beside nginx", AtMost(1.5), "×", |lab| beside_nginx(&lab.scrapes(Large).plain)),
    row("plain-loop", "the same bytes from memory by a bare loop, plain, beside nginx", ToKnow, "×", |lab| loop_beside_nginx(&lab.scrapes(Large).plain)),
    row("gzip", "scrape, gzip, beside nginx", AtMost(6.0), "×", |lab| beside_nginx(&lab.scrapes(Large).gzip)),
    row("crate", "scrape, gzip: the prometheus crate beside it", AtLeast(20.0), "×", beside_crate),
    row("gzip-cpu", "CPU of a gzip scrape, beside compressing the body", AtMost(0.125), "×", gzip_cpu),
    row("crowd", "memory with ten scrapers, gzip, beside one", AtMost(1.5), "×", |lab| crowd(lab, true)),
    row("crowd-plain", "memory with ten scrapers, plain, beside one", AtMost(1.5), "×", |lab| crowd(lab, false)),
    row("poll-first", "CPU of the first poll, beside the bare loop", AtMost(2.0), "×", |lab| beside_bare(lab, |p| &p.first)),
    row("poll-unchanged", "CPU of a poll that finds nothing new, beside the bare loop", AtMost(2.0), "×", |lab| beside_bare(lab, |p| &p.unchanged)),
    row("poll-changed", "CPU of a poll that finds changes, beside the bare loop", AtMost(2.0), "×", |lab| beside_bare(lab, |p| &p.changed)),
    row("nothing-new", "the same, both without the bare loop: nothing new beside the first", AtMost(0.5), "×", nothing_new),
    row("wall", "time of a poll, API answering in 50 ms, beside (1 + pages ÷ concurrency) × 50 ms", AtMost(1.25), "×", wall),
    row("peak", "peak memory, polls and scrapes together", AtMost(450.0), "MiB", |lab| peak(lab, News::Nothing)),
    row("rest", "memory at rest", AtMost(300.0), "MiB", |lab| rest(lab, News::Nothing)),
    row("peak-changing", "peak memory, nearly every connection changed at each poll", AtMost(450.0), "MiB", |lab| peak(lab, News::Everything)),
    row("rest-changing", "memory at rest after such polls", AtMost(300.0), "MiB", |lab| rest(lab, News::Everything)),
    row("peak-words", "peak memory, a status never seen before at each poll", AtMost(450.0), "MiB", |lab| peak(lab, News::Word)),
    row("rest-words", "memory at rest after these polls", AtMost(300.0), "MiB", |lab| rest(lab, News::Word)),
    row("beside-polls", "99th percentile of scrapes during polls, beside an idle exporter's", AtMost(3.0), "×", |lab| beside_polls(lab, false)),
    row("beside-changes", "the same, a tenth of the companies changing in each round", AtMost(3.0), "×", |lab| beside_polls(lab, true)),
    row("growth-plain", "growth tenfold: time of a plain scrape", AtMost(13.0), "×", |lab| grown_scrape(lab, |s| &s.plain.exporter)),
    row("growth-gzip", "growth tenfold: time of a gzip scrape", AtMost(13.0), "×", |lab| grown_scrape(lab, |s| &s.gzip.exporter)),
    row("growth-first", "growth tenfold: CPU of the first poll", AtMost(13.0), "×", |lab| grown_poll(lab, |g| &g.first)),
    row("growth-unchanged", "growth tenfold: CPU of a poll that finds nothing new", AtMost(13.0), "×", |lab| grown_poll(lab, |g| &g.unchanged)),
    row("growth-nginx", "growth tenfold: nginx, plain", ToKnow, "×", |lab| grown_scrape(lab, |s| &s.plain.nginx)),
    row("growth-peak", "growth tenfold: peak memory beside an empty exporter's", AtMost(11.0), "×", |lab| grown_memory(lab, |m| m.peak)),
    row("growth-rest", "growth tenfold: memory at rest beside an empty exporter's", AtMost(11.0), "×", |lab| grown_memory(lab, |m| m.rest)),
    row("simulator", "CPU of the simulator in a poll, beside the bare loop", AtMost(0.25), "×", simulator),
];

/// The rows with these names; all when there are none.
pub fn chosen(names: &[String]) -> Vec<&'static Row> {
    for name in names {
        assert!(ROWS.iter().any(|row| row.name == name), "there is no row {name}; `list` names them");
    }
    ROWS.iter().filter(|row| names.is_empty() || names.iter().any(|name| row.name == name)).collect()
}

fn of(runs: &[Duration]) -> String {
    format!("{} (n={})", ms(median(runs)), runs.len())
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn beside_nginx(Turns { exporter, nginx, .. }: &Turns) -> Figure {
    (ratio(median(exporter), median(nginx)), format!("{}, nginx {}", of(exporter), of(nginx)))
}

fn loop_beside_nginx(turns: &Turns) -> Figure {
    let Turns { nginx, from_memory, .. } = turns;
    (ratio(median(from_memory), median(nginx)), format!("{}, nginx {}", of(from_memory), of(nginx)))
}

fn beside_crate(lab: &Lab) -> Figure {
    let (ours, theirs) = (lab.scrapes(Large), lab.crate_way());
    let figure = ratio(median(&theirs), median(&ours.gzip.exporter));
    (figure, format!("{}, crate {}", of(&ours.gzip.exporter), of(&theirs)))
}

fn gzip_cpu(lab: &Lab) -> Figure {
    let Scrapes { gzip, gzip_cpu, compress_cpu, compressed, text, packed, .. } = &*lab.scrapes(Large);
    let [text, compressed, packed] = [text.len(), *compressed, *packed].map(|bytes| bytes as f64 / 1e6);
    let from = format!(
        "{} (mean of {}) for {packed:.1} MB, compressing {text:.1} MB to {compressed:.1} MB {}",
        ms(*gzip_cpu),
        gzip.exporter.len() + 2,
        ms(*compress_cpu)
    );
    (ratio(*gzip_cpu, *compress_cpu), from)
}

fn crowd(lab: &Lab, gzip: bool) -> Figure {
    let (one, ten) = *lab.crowd(gzip);
    (ten / one, format!("{ten:.0} MiB, one {one:.0} MiB"))
}

fn beside_bare(lab: &Lab, of_polls: fn(&Polls) -> &Vec<Duration>) -> Figure {
    let polls = lab.polls(Large);
    let ours = of_polls(&polls);
    (ratio(median(ours), median(&polls.bare)), format!("{}, bare loop {}", of(ours), of(&polls.bare)))
}

/// From round to round this machine may be slower or faster; within one, less so: what fetching and decoding took in the same
/// round is taken off. Off the first poll, which its process has just started for, a bare loop for which one has, too.
fn nothing_new(lab: &Lab) -> Figure {
    let Polls { unchanged, first, bare, cold_bare, .. } = &*lab.polls(Large);
    let (unchanged, first) = (beyond(unchanged, bare), beyond(first, cold_bare));
    // Where the median is lost in the noise, it was below the upper quartile in most rounds.
    let least = if unchanged.median > 0.0 { unchanged.median } else { unchanged.quartiles[1] };
    let figure = if first.median > 0.0 && least > 0.0 { least / first.median } else { f64::NAN };
    (figure, format!("{unchanged}, first {first} (n={})", bare.len()))
}

/// What runs take beyond others of the same rounds, in seconds.
struct Beyond {
    median: f64,
    quartiles: [f64; 2],
}

fn beyond(runs: &[Duration], others: &[Duration]) -> Beyond {
    let rounds = runs.iter().zip(others);
    let mut all: Vec<f64> = rounds.map(|(run, other)| run.as_secs_f64() - other.as_secs_f64()).collect();
    all.sort_by(f64::total_cmp);
    let at = |percent| all[all.len() * percent / 100];
    Beyond { median: at(50), quartiles: [at(25), at(75)] }
}

impl Display for Beyond {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [median, low, high] = [self.median, self.quartiles[0], self.quartiles[1]].map(|time| time * 1e3);
        write!(f, "{median:.1} ms (quartiles {low:.1} and {high:.1})")
    }
}

fn wall(lab: &Lab) -> Figure {
    let (taken, least) = (lab.wall(), lab.least_wall());
    (ratio(median(&taken), least), format!("{}, least {}", of(&taken), ms(least)))
}

fn peak(lab: &Lab, news: News) -> Figure {
    let Memory { peak, scrapes, .. } = *lab.memory(Large, news);
    (peak, format!("{POLLS} polls from the start, {scrapes} scrapes, plain and gzip by turns"))
}

fn rest(lab: &Lab, news: News) -> Figure {
    (lab.memory(Large, news).rest, format!("after {POLLS_ALONE} more polls, nobody scraping"))
}

fn beside_polls(lab: &Lab, changing: bool) -> Figure {
    let Beside { idle, busy, polls } = &*lab.beside(changing);
    let [worst_idle, worst_busy] = [idle, busy].map(|runs| percentile(runs, 99));
    let medians = format!("medians {} and {}", of(busy), of(idle));
    let from = format!("{}, idle {}, {medians}, {polls} polls", ms(worst_busy), ms(worst_idle));
    (ratio(worst_busy, worst_idle), from)
}

fn grown_scrape(lab: &Lab, times: fn(&Scrapes) -> &Vec<Duration>) -> Figure {
    let (large, small) = (lab.scrapes(Large), lab.scrapes(Small));
    grown(times(&large), times(&small))
}

fn grown_poll(lab: &Lab, times: fn(&Growth) -> &[Vec<Duration>; 2]) -> Figure {
    let growth = lab.growth();
    let [large, small] = times(&growth);
    grown(large, small)
}

fn grown(large: &[Duration], small: &[Duration]) -> Figure {
    (ratio(median(large), median(small)), format!("{}, small fleet {}", of(large), of(small)))
}

fn grown_memory(lab: &Lab, part: fn(&Memory) -> f64) -> Figure {
    let [large, small, base] = [Large, Small, Nothing].map(|fleet| part(&lab.memory(fleet, News::Nothing)));
    let from = format!("{large:.0} MiB, small fleet {small:.1} MiB, empty {base:.1} MiB");
    // A small fleet that takes no more than none leaves nothing to compare with.
    let figure = if small > base { (large - base) / (small - base) } else { f64::NAN };
    (figure, from)
}

fn simulator(lab: &Lab) -> Figure {
    let polls = lab.polls(Large);
    let from = format!(
        "{}; {} connections had changed in the {} polls with changes",
        ms(polls.api),
        polls.connections_changed,
        polls.changed.len()
    );
    (ratio(polls.api, median(&polls.bare)), from)
}
