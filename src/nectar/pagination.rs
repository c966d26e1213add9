//! Reads all pages of one company, until they add up.
//!
//! The list is not frozen while it is paged: a row can occur on two pages, or move past the reader. A reading is whole if it has every
//! page, and as many ids as the last page says; otherwise all of it is repeated.

use std::time::Duration;

use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use tracing::debug;

use super::client::Client;
use super::decode::{Page, Row};
use super::dedup::dedup_by_id;
use crate::failure::{Failure, ReadError};
use crate::model::{RecordFault, RecordFaults, Snapshot};
use crate::status::Kind;

/// The first time, and two more.
const MAX_FETCHES: usize = 3;

/// Reads one company, whole.
///
/// # Errors
/// A request that failed for good, or [`Failure::Incomplete`] if the pages never added up.
pub async fn fetch_all_pages(client: &Client, company: &str) -> Result<Snapshot, ReadError> {
    let mut cause = String::new();
    for number in 1..=MAX_FETCHES {
        let begun = (client.clock().now(), client.clock().monotonic());
        let pages_so_far = fetch_once(client, company).await?;
        if pages_so_far.is_whole() {
            return Ok(pages_so_far.into_snapshot(begun));
        }
        cause = pages_so_far.counts();
        debug!(msg = "The pages of a company did not add up", company_id = company, attempt = number, cause);
    }
    Err(ReadError { cause: Some(cause), ..Failure::Incomplete.into() })
}

/// What the first page of a company brings.
#[derive(Debug)]
pub struct FirstPage {
    /// Its connections.
    pub snapshot: Snapshot,
    /// How many connections the company has, according to the page.
    pub total_connections: u64,
    /// The two numbers that should agree but do not, for people; only if this is the only page.
    pub contradiction: Option<String>,
}

/// Reads the first page of one company.
///
/// # Errors
/// Why it cannot be read.
pub async fn first_page(client: &Client, company: &str) -> Result<FirstPage, ReadError> {
    let begun = (client.clock().now(), client.clock().monotonic());
    let page = client.page(company, 1).await?;
    let (total_connections, is_only) = (page.total_connections, page.total_pages <= 1);
    let mut pages_so_far = PageCollector::default();
    pages_so_far.add(page);
    pages_so_far.dedup();
    let contradiction = (is_only && !pages_so_far.is_whole()).then(|| pages_so_far.counts());
    Ok(FirstPage { snapshot: pages_so_far.into_snapshot(begun), total_connections, contradiction })
}

async fn fetch_once(client: &Client, company: &str) -> Result<PageCollector, ReadError> {
    let mut pages_so_far = PageCollector::default();
    let mut wanted = 1;
    // The list may grow while it is read: then the last page read says that there are more.
    while pages_so_far.pages_read < wanted {
        let numbers = pages_so_far.pages_read + 1..=wanted;
        // In page order, whichever response comes first; the first failure ends it.
        let pages = stream::iter(numbers).map(|number| client.page(company, number).boxed());
        let mut pages = pages.buffered(client.max_concurrent_requests());
        while let Some(page) = pages.try_next().await? {
            pages_so_far.add(page);
            if pages_so_far.has_too_many() {
                return Ok(pages_so_far);
            }
        }
        wanted = pages_so_far.total_pages;
    }
    pages_so_far.dedup();
    Ok(pages_so_far)
}

/// The pages read so far.
#[derive(Default)]
struct PageCollector {
    rows: Vec<Row>,
    /// How many rows were left after duplicates were last removed.
    distinct: usize,
    faults: RecordFaults,
    pages_read: u64,
    total_pages: u64,
    total_connections: u64,
    /// The highest `totalConnections` of all pages.
    most_named: u64,
}

impl PageCollector {
    fn add(&mut self, page: Page) {
        self.pages_read += 1;
        self.total_pages = page.total_pages;
        self.total_connections = page.total_connections;
        self.most_named = self.most_named.max(page.total_connections);
        self.faults.add_all(&page.faults);
        self.rows.extend(page.rows);
        // Removing them at every page would take quadratic time; never removing them would let a list that repeats itself pile up.
        if self.rows.len() > 2 * self.distinct {
            self.dedup();
        }
    }

    fn dedup(&mut self) {
        dedup_by_id(&mut self.rows);
        self.distinct = self.rows.len();
    }

    /// More rows than any page has named so far: this will not add up, and must not fill the memory meanwhile.
    fn has_too_many(&self) -> bool {
        u64::try_from(self.distinct).unwrap_or(u64::MAX) > self.most_named
    }

    /// A record without a readable id may or may not be one of those that were read: both counts are accepted.
    fn is_whole(&self) -> bool {
        let distinct = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        let nameless = self.faults.count(Kind::Connection, RecordFault::NoId);
        (distinct..=distinct.saturating_add(nameless)).contains(&self.total_connections)
    }

    /// The two numbers that should agree, for people.
    fn counts(&self) -> String {
        let more = if self.has_too_many() { " or more" } else { "" };
        let nameless = self.faults.count(Kind::Connection, RecordFault::NoId);
        let listed = u64::try_from(self.distinct).unwrap_or(u64::MAX).saturating_add(nameless);
        format!("Nectar names {} connections, and lists {listed}{more}", self.total_connections)
    }

    fn into_snapshot(self, (begun, begun_monotonic): (Timestamp, Duration)) -> Snapshot {
        let mut faults = self.faults;
        // Collected in place, they would keep the larger allocation.
        let mut connections = Vec::with_capacity(self.rows.len());
        for row in self.rows {
            faults.add_all(&row.faults);
            connections.push(row.connection);
        }
        Snapshot { begun, begun_monotonic, connections: connections.into(), faults }
    }
}
