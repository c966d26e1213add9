//! `nectar-exporter check`: reports what would be exported, and what would keep the exporter from working, before it runs.
//!
//! It writes no log, and never shows the key.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use jiff::SignedDuration;

use crate::clock::SharedClock;
use crate::config::Config;
use crate::failure::{Failure, ReadError, Reason};
use crate::fleet::FleetWriter;
use crate::metrics::{self, Detail};
use crate::model::Company;
use crate::nectar::pagination::first_page;
use crate::nectar::{Client, ClientError, Key};
use crate::observe::Uncounted;
use crate::poll::CompanySelection;

/// How many companies are looked at without `--all`.
const SAMPLE: usize = 10;
/// Clocks that differ by less count as equal: Nectar gives its time to the second, and its response takes a while.
const SAME_TIME: SignedDuration = SignedDuration::from_secs(5);
/// Beyond this, ages and overdue counts are wrong by as much as a poll interval.
const OTHER_TIME: SignedDuration = SignedDuration::from_mins(5);

/// A check does not wait as long as a poll would: if Nectar asks for a longer pause than this, the request counts as failed.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// Why the check could not be completed.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The client for Nectar could not be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The report cannot be written, because nobody reads it any more.
    #[error("the report cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// The report of a check, written line by line.
#[derive(Debug)]
pub struct Report<W> {
    out: W,
    failures: usize,
}

impl<W: Write> Report<W> {
    /// An empty report, to be written to `out`.
    pub fn to(out: W) -> Self {
        Self { out, failures: 0 }
    }

    /// Whether nothing failed.
    pub fn is_good(&self) -> bool {
        self.failures == 0
    }

    /// Reports something that is as it should be.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn ok(&mut self, text: &str) -> io::Result<()> {
        self.say("ok      ", text)
    }

    /// Reports something worth knowing that is no failure.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        self.say("note    ", text)
    }

    /// Reports something that would keep the exporter from working, and what to do about it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn failed(&mut self, text: &str, advice: &str) -> io::Result<()> {
        self.failures += 1;
        self.say("failed  ", text)?;
        self.say("        ", &format!("What to do: {advice}."))
    }

    /// Writes one line, even where a company's name has several.
    fn say(&mut self, mark: &str, text: &str) -> io::Result<()> {
        writeln!(self.out, "{mark}{}", text.replace('\n', " "))
    }
}

/// What the companies that were looked at add up to.
#[derive(Debug, Default)]
struct Sample {
    companies: usize,
    connections: u64,
    accounts: u64,
    /// Pages to request for a full reading of these companies.
    pages: u64,
    /// Connections on the first pages, and the series about them and their accounts.
    on_first_pages: u64,
    series: u64,
    /// Series about the companies themselves.
    company_series: u64,
    took: Duration,
}

/// Asks Nectar what a first poll would ask, of ten companies or of `all`, and reports.
///
/// # Errors
/// [`CheckError`], if there is no client, or the report cannot be written.
pub async fn check<W: Write>(
    report: &mut Report<W>,
    settings: Config,
    key: Key,
    clock: SharedClock,
    all: bool,
) -> Result<(), CheckError> {
    let Config { nectar, poll, metrics, .. } = settings;
    let base_url = nectar.base_url.clone();
    let page_size = u64::from(nectar.page_size.max(1));
    let client = Client::new(nectar, key, Arc::clone(&clock), Arc::new(Uncounted))?;
    let client = client.until(clock.monotonic().saturating_add(poll.timeout.min(MAX_WAIT)));
    client.begin_poll().await;
    match client.ping().await {
        Ok(date) => {
            report.ok(&format!("Nectar answers at {base_url}, and takes the key."))?;
            let ahead = date.map(|date| clock.now().duration_since(date));
            clocks(report, ahead)?;
        }
        Err(error) => return Ok(refused(report, &client, &format!("Nectar at {base_url}"), &error)?),
    }
    let began = clock.monotonic();
    let list = match client.company_list().await {
        Ok(list) => list,
        Err(error) => return Ok(refused(report, &client, "The company list", &error)?),
    };
    let list_took = clock.monotonic().saturating_sub(began);
    let listed = list.companies.len();
    if list.dropped > 0 {
        report.note(&format!(
            "{} of the list have no readable id, and cannot be read.",
            count(list.dropped, "record")
        ))?;
    }
    let CompanySelection { listed: chosen, absent, unmatched_exclusions } =
        CompanySelection::from(list.companies, &poll.selection);
    let text = format!("The list has {}; to be read: {}.", count(listed, "company"), chosen.len());
    if chosen.is_empty() {
        report.note(&format!("{text} There is nothing to export."))?;
    } else {
        report.ok(&text)?;
    }
    for company in absent {
        let advice = Failure::NotListed.advice();
        report.failed(
            &format!("The company {} is asked for, and the key does not list it.", company.id),
            advice,
        )?;
    }
    for id in unmatched_exclusions {
        report.note(&format!("The company {id} is to be left out, and is not in the list."))?;
    }
    let client = client.until(clock.monotonic().saturating_add(poll.timeout));
    client.begin_poll().await;
    let wanted = if all { chosen.len() } else { SAMPLE };
    let companies: Vec<Company> = chosen.values().take(wanted).cloned().collect();
    let wanted = companies.len();
    let sample = look(report, &client, companies, metrics.check_interval, metrics.detail, page_size).await?;
    if sample.companies == 0 {
        if wanted > 0 {
            report.failed("No company could be read.", "mend what stands above")?;
        }
        return Ok(());
    }
    report.ok(&format!(
        "Looked at {}: {}, and {} on the first pages.",
        count(sample.companies, "company"),
        count(sample.connections, "connection"),
        count(sample.accounts, "account"),
    ))?;
    let whole = Estimate::of(&sample, chosen.len(), client.max_concurrent_requests(), list_took);
    whole.say(report, &metrics, &poll)?;
    Ok(())
}

/// "1 company", "2 companies".
fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {noun}s"),
    }
}

fn clocks<W: Write>(report: &mut Report<W>, ahead: Option<SignedDuration>) -> io::Result<()> {
    match ahead {
        None => report.note("Nectar does not say what time it is, so the clocks cannot be compared."),
        Some(ahead) if ahead.abs() <= SAME_TIME => report.ok("The clocks agree."),
        Some(ahead) => {
            let side = if ahead.is_negative() { "behind" } else { "ahead of" };
            let by = humantime::format_duration(Duration::from_secs(ahead.unsigned_abs().as_secs()));
            let text = format!("The clock of this machine is {by} {side} Nectar's.");
            if ahead.abs() <= OTHER_TIME {
                return report.note(&text);
            }
            report.failed(
                &text,
                "set the clock of this machine, most likely with NTP: every age is wrong by as much",
            )
        }
    }
}

fn refused<W: Write>(
    report: &mut Report<W>,
    client: &Client,
    what: &str,
    error: &ReadError,
) -> io::Result<()> {
    report.failed(&why(client, what, error), error.failure.advice())
}

fn why(client: &Client, what: &str, ReadError { failure, host, cause }: &ReadError) -> String {
    let mut text = format!("{what} cannot be read: {}", failure.words());
    match (host, cause) {
        (Some(host), Some(cause)) => text += &format!(" ({host}: {cause})"),
        (None, Some(cause)) => text += &format!(" ({cause})"),
        _ => {}
    }
    if let Some(hint) = client.key_hint().filter(|_| *failure == Failure::Request(Reason::Auth)) {
        text += &format!(" ({hint})");
    }
    text + "."
}

/// Reads the first page of each of these companies.
async fn look<W: Write>(
    report: &mut Report<W>,
    client: &Client,
    companies: Vec<Company>,
    check_interval: SignedDuration,
    detail: Detail,
    page_size: u64,
) -> io::Result<Sample> {
    let mut sample = Sample::default();
    let clock = client.clock();
    let pages = stream::iter(companies).map(|company| async move {
        let began = clock.monotonic();
        let page = first_page(client, &company.id).await;
        (company, page, clock.monotonic().saturating_sub(began))
    });
    let mut pages = pages.buffer_unordered(client.max_concurrent_requests());
    let (mut listed, mut snapshots) = (BTreeMap::new(), Vec::new());
    while let Some((company, page, took)) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                // The other companies are exported all the same.
                let text = why(client, &format!("The company {} ({})", company.name, company.id), &error);
                report.note(&format!("{text} What to do: {}.", error.failure.advice()))?;
                continue;
            }
        };
        if let Some(cause) = page.contradiction {
            report.note(&format!(
                "The company {} ({}) does not add up, and would not be exported: {cause}. What to do: {}.",
                company.name,
                company.id,
                Failure::Incomplete.advice()
            ))?;
            continue;
        }
        sample.companies += 1;
        sample.connections += page.total_connections;
        sample.pages += page.total_connections.div_ceil(page_size).max(1);
        sample.took += took;
        snapshots.push((Arc::clone(&company.id), page.snapshot));
        listed.insert(Arc::clone(&company.id), company);
    }
    let writer = FleetWriter::new(check_interval);
    writer.apply_list(&listed, &[], Duration::ZERO);
    snapshots.into_iter().for_each(|(id, snapshot)| writer.record_success(&id, snapshot));
    let fleet = writer.reader().current();
    for stored in fleet.companies.values().filter_map(|state| state.stored.as_ref()) {
        sample.accounts += stored.tallies.accounts.count();
        sample.on_first_pages += stored.tallies.connections.count();
        sample.series += detail.series(&stored.tallies);
    }
    sample.company_series = metrics::company_series(&fleet, clock.now());
    Ok(sample)
}

/// What the companies that were looked at say about all of them.
struct Estimate {
    companies: usize,
    is_sample: bool,
    connections: f64,
    series: f64,
    company_series: f64,
    requests: f64,
    poll_seconds: f64,
}

impl Estimate {
    fn of(sample: &Sample, companies: usize, at_once: usize, list_took: Duration) -> Self {
        let share = |of: usize| f64::from(u32::try_from(of).unwrap_or(u32::MAX));
        let number = |of: u64| f64::from(u32::try_from(of).unwrap_or(u32::MAX));
        let times = share(companies) / share(sample.companies);
        let pages = number(sample.pages) * times;
        let each = sample.took.as_secs_f64() / share(sample.companies);
        Self {
            companies,
            is_sample: sample.companies < companies,
            connections: number(sample.connections) * times,
            series: number(sample.series) / number(sample.on_first_pages.max(1))
                * number(sample.connections)
                * times,
            company_series: number(sample.company_series) * times,
            requests: pages + 1.0,
            // First the list, then the pages, several at once.
            poll_seconds: list_took.as_secs_f64() + (pages / share(at_once)).ceil() * each,
        }
    }

    fn say<W: Write>(
        &self,
        report: &mut Report<W>,
        metrics: &crate::metrics::Settings,
        poll: &crate::poll::Settings,
    ) -> io::Result<()> {
        let about = if self.is_sample { "about " } else { "" };
        let series = match metrics.detail {
            Detail::None => "no series about single ones".to_owned(),
            _ => format!("about {:.0} series about single ones", self.series),
        };
        report.note(&format!(
            "That makes {about}{:.0} connections of {}; at --metrics.detail={}: {series}, and about {:.0} about companies.",
            self.connections,
            count(self.companies, "company"),
            metrics.detail.label(),
            self.company_series,
        ))?;
        let per_hour = self.requests * 3600.0 / poll.interval.as_secs_f64();
        report.note(&format!(
            "A poll sends about {:.0} requests and takes about {:.1} s; that is {per_hour:.0} requests in an hour.",
            self.requests, self.poll_seconds
        ))?;
        if self.series > f64::from(u32::try_from(metrics.detail_limit).unwrap_or(u32::MAX)) {
            report.failed(
                "There are more series about single connections than --metrics.detail-limit: all of them would be withheld.",
                "raise --metrics.detail-limit, or say --metrics.detail=none",
            )?;
        }
        if self.poll_seconds > poll.timeout.min(poll.interval).as_secs_f64() {
            report.failed(
                "A poll takes longer than --nectar.poll-interval or --nectar.poll-timeout.",
                "raise them, or leave out companies",
            )?;
        }
        Ok(())
    }
}
