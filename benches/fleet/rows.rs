//! The rows of the table: each target, and how its figure follows from what was measured.

use std::time::Duration;

use super::beside::Beside;
use super::fleet::Fleet::{Large, Small};
use super::lab::Lab;
use super::memory::{Memory, News, POLLS, POLLS_ALONE};
use super::polls::{Growth, Polls};
use super::prometheus::Cost;
use super::scrapes::Turns;
use super::series::{median, percentile, ratio};

/// What a figure must be.
pub enum Target {
    AtMost(f64),
    /// Any figure is fine: the row is for information.
    ToKnow,
}

use Target::{AtMost, ToKnow};

/// A figure, and in words what it was computed from.
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
    row("gzip", "scrape, gzip, beside nginx", AtMost(4.0), "×", |lab| beside_nginx(&lab.scrapes(Large).gzip)),
    row("plain", "scrape, plain, beside nginx", ToKnow, "×", |lab| beside_nginx(&lab.scrapes(Large).plain)),
    row("worklist", "the whole worklist as CSV, beside a plain scrape", AtMost(0.3), "×", worklist),
    row("bytes", "bytes of a gzip scrape for each series, beside client_golang's", AtMost(1.1), "×", bytes),
    row("series", "series for each connection", AtMost(4.0), "", series_of_connections),
    row("prometheus", "Prometheus' CPU for one scrape, beside one of the series of 67333a3", AtMost(0.8), "×", prometheus),
    row("crowd", "memory with ten scrapers, gzip, beside one", AtMost(1.5), "×", crowd),
    row("poll-first", "CPU of the first poll, beside the bare loop", AtMost(1.6), "×", |lab| beside_bare(lab, |p| &p.first)),
    row("poll-unchanged", "CPU of a poll that finds nothing new, beside the bare loop", AtMost(1.1), "×", |lab| beside_bare(lab, |p| &p.unchanged)),
    row("poll-changed", "CPU of a poll that finds changes, beside the bare loop", AtMost(1.6), "×", |lab| beside_bare(lab, |p| &p.changed)),
    row("wall", "time of a poll, API answering in 50 ms, beside (1 + pages ÷ concurrency) × 50 ms", AtMost(1.25), "×", wall),
    row("rest", "memory at rest", AtMost(130.0), "MiB", |lab| rest(lab, News::Nothing)),
    row("peak", "peak memory, polls and scrapes together", AtMost(230.0), "MiB", |lab| peak(lab, News::Nothing)),
    row("peak-changing", "peak memory, nearly every connection changed at each poll", AtMost(230.0), "MiB", |lab| peak(lab, News::Everything)),
    row("rest-changing", "memory at rest after such polls", ToKnow, "MiB", |lab| rest(lab, News::Everything)),
    row("beside-changes", "99th percentile of gzip scrapes during polls with changes, beside an idle exporter's", AtMost(3.0), "×", beside_polls),
    row("growth-gzip", "growth tenfold: time of a gzip scrape", AtMost(13.0), "×", grown_scrape),
    row("growth-first", "growth tenfold: CPU of the first poll", AtMost(13.0), "×", |lab| grown_poll(lab, |g| &g.first)),
    row("growth-unchanged", "growth tenfold: CPU of a poll that finds nothing new", AtMost(13.0), "×", |lab| grown_poll(lab, |g| &g.unchanged)),
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

fn beside_nginx(Turns { exporter, nginx }: &Turns) -> Figure {
    (ratio(median(exporter), median(nginx)), format!("{}, nginx {}", of(exporter), of(nginx)))
}

fn worklist(lab: &Lab) -> Figure {
    let scrapes = lab.scrapes(Large);
    let (csv, plain) = (&scrapes.worklist, &scrapes.plain.exporter);
    (ratio(median(csv), median(plain)), format!("{}, plain scrape {}", of(csv), of(plain)))
}

/// What client_golang sends for such series with gzip: 17.2 MB for 739,190 of them.
const CLIENT_GOLANG_BYTES: f64 = 17.2e6 / 739_190.0;

fn bytes(lab: &Lab) -> Figure {
    let scrapes = lab.scrapes(Large);
    let series = samples(&scrapes.text).count();
    let each = scrapes.packed as f64 / series as f64;
    let from = format!("{:.1} MB for {series} series, {each:.1} bytes each", scrapes.packed as f64 / 1e6);
    (each / CLIENT_GOLANG_BYTES, from)
}

fn series_of_connections(lab: &Lab) -> Figure {
    let scrapes = lab.scrapes(Large);
    let of = |prefix: &str| samples(&scrapes.text).filter(|line| line.starts_with(prefix)).count();
    let (all, connections) = (of("nectar_connection_"), of("nectar_connection_info{"));
    let changes = of("nectar_connection_status_changes_total{");
    let from = format!(
        "{} series of {connections} connections; {} in all",
        all - changes,
        samples(&scrapes.text).count()
    );
    ((all - changes) as f64 / connections as f64, from)
}

fn prometheus(lab: &Lab) -> Figure {
    let [today, earlier] = &*lab.prometheus();
    let from = |cost: &Cost| format!("{} for {} series", ms(cost.cpu), cost.series);
    (ratio(today.cpu, earlier.cpu), format!("{}, earlier {}", from(today), from(earlier)))
}

fn samples(text: &[u8]) -> impl Iterator<Item = &str> {
    std::str::from_utf8(text).unwrap().lines().filter(|line| !line.starts_with('#'))
}

fn crowd(lab: &Lab) -> Figure {
    let (one, ten) = *lab.crowd();
    (ten / one, format!("{ten:.0} MiB, one {one:.0} MiB"))
}

fn beside_bare(lab: &Lab, of_polls: fn(&Polls) -> &Vec<Duration>) -> Figure {
    let polls = lab.polls(Large);
    let ours = of_polls(&polls);
    (ratio(median(ours), median(&polls.bare)), format!("{}, bare loop {}", of(ours), of(&polls.bare)))
}

fn wall(lab: &Lab) -> Figure {
    let (taken, least) = (lab.wall(), lab.least_wall());
    (ratio(median(&taken), least), format!("{}, least {}", of(&taken), ms(least)))
}

fn peak(lab: &Lab, news: News) -> Figure {
    let Memory { peak, scrapes, .. } = *lab.memory(Large, news);
    (
        peak,
        format!("{} polls from the start, {scrapes} scrapes, plain and gzip by turns", POLLS + POLLS_ALONE),
    )
}

fn rest(lab: &Lab, news: News) -> Figure {
    (lab.memory(Large, news).rest, format!("after {POLLS_ALONE} more polls, nobody scraping"))
}

fn beside_polls(lab: &Lab) -> Figure {
    let Beside { idle, busy, polls } = &*lab.beside();
    let [worst_idle, worst_busy] = [idle, busy].map(|runs| percentile(runs, 99));
    let medians = format!("medians {} and {}", of(busy), of(idle));
    let from = format!("{}, idle {}, {medians}, {polls} polls", ms(worst_busy), ms(worst_idle));
    (ratio(worst_busy, worst_idle), from)
}

fn grown_scrape(lab: &Lab) -> Figure {
    let (large, small) = (lab.scrapes(Large), lab.scrapes(Small));
    grown(&large.gzip.exporter, &small.gzip.exporter)
}

fn grown_poll(lab: &Lab, times: fn(&Growth) -> &[Vec<Duration>; 2]) -> Figure {
    let growth = lab.growth();
    let [large, small] = times(&growth);
    grown(large, small)
}

fn grown(large: &[Duration], small: &[Duration]) -> Figure {
    (ratio(median(large), median(small)), format!("{}, small fleet {}", of(large), of(small)))
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
