//! A walk through all pages of one company, until it adds up.
//!
//! Nothing freezes the list while it is paged: a row can show up on two pages, or move past the reader. A walk is
//! whole when every page was read and the ids number what the last page says; else it is walked again.
//! Knows paging. Must not know HTTP, or what a snapshot is for.

use std::time::Duration;

use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use tracing::debug;

use super::client::Client;
use super::decode::{Page, Row};
use super::distinct::keep_distinct;
use crate::failure::{Failure, ReadError};
use crate::model::{RecordFault, RecordFaults, Snapshot};
use crate::status::Kind;

/// The first walk, and two more.
const MAX_WALKS: usize = 3;

/// Reads one company, whole.
///
/// # Errors
/// A request that failed for good, or [`Failure::Incomplete`] when no walk added up.
pub async fn walk(client: &Client, company: &str) -> Result<Snapshot, ReadError> {
    let mut cause = String::new();
    for number in 1..=MAX_WALKS {
        let begun = (client.clock().now(), client.clock().monotonic());
        let gathered = walk_once(client, company).await?;
        if gathered.is_whole() {
            return Ok(gathered.into_snapshot(begun));
        }
        cause = gathered.counts();
        debug!(msg = "The pages of a company did not add up", company_id = company, walk = number, cause);
    }
    Err(ReadError { cause: Some(cause), ..Failure::Incomplete.into() })
}

/// What the first page of a company brings.
#[derive(Debug)]
pub struct FirstPage {
    /// Its connections.
    pub snapshot: Snapshot,
    /// How many the company has, as the page says.
    pub total_connections: u64,
    /// The two numbers that should be one, where this is the only page, for people.
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
    let mut gathered = Gathered::default();
    gathered.add(page);
    gathered.settle();
    let contradiction = (is_only && !gathered.is_whole()).then(|| gathered.counts());
    Ok(FirstPage { snapshot: gathered.into_snapshot(begun), total_connections, contradiction })
}

async fn walk_once(client: &Client, company: &str) -> Result<Gathered, ReadError> {
    let mut gathered = Gathered::default();
    let mut wanted = 1;
    // The list may grow while it is read: then the last page of before names further ones.
    while gathered.pages_read < wanted {
        let numbers = gathered.pages_read + 1..=wanted;
        // In page order, whichever answer comes first; the first failure ends the walk.
        let pages = stream::iter(numbers).map(|number| client.page(company, number).boxed());
        let mut pages = pages.buffered(client.max_concurrent_requests());
        while let Some(page) = pages.try_next().await? {
            gathered.add(page);
            if gathered.has_too_many() {
                return Ok(gathered);
            }
        }
        wanted = gathered.total_pages;
    }
    gathered.settle();
    Ok(gathered)
}

/// What the pages of one walk brought so far.
#[derive(Default)]
struct Gathered {
    rows: Vec<Row>,
    /// How many were left when they were last made distinct.
    distinct: usize,
    faults: RecordFaults,
    pages_read: u64,
    total_pages: u64,
    total_connections: u64,
    /// The highest `totalConnections` of all pages.
    most_named: u64,
}

impl Gathered {
    fn add(&mut self, page: Page) {
        self.pages_read += 1;
        self.total_pages = page.total_pages;
        self.total_connections = page.total_connections;
        self.most_named = self.most_named.max(page.total_connections);
        self.faults.add_all(&page.faults);
        self.rows.extend(page.rows);
        // At each page, it would take time with the square of their number; never, a list that repeats itself would pile up.
        if self.rows.len() > 2 * self.distinct {
            self.settle();
        }
    }

    fn settle(&mut self) {
        keep_distinct(&mut self.rows);
        self.distinct = self.rows.len();
    }

    /// More than any page has named so far: this will not add up, and must not fill the memory meanwhile.
    fn has_too_many(&self) -> bool {
        u64::try_from(self.distinct).unwrap_or(u64::MAX) > self.most_named
    }

    /// A record without a readable id may or may not be one of those we hold: both counts pass.
    fn is_whole(&self) -> bool {
        let distinct = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        let nameless = self.faults.count(Kind::Connection, RecordFault::NoId);
        (distinct..=distinct.saturating_add(nameless)).contains(&self.total_connections)
    }

    /// The two numbers that should be one, for people.
    fn counts(&self) -> String {
        let more = if self.has_too_many() { " or more" } else { "" };
        let nameless = self.faults.count(Kind::Connection, RecordFault::NoId);
        let listed = u64::try_from(self.distinct).unwrap_or(u64::MAX).saturating_add(nameless);
        format!("Nectar names {} connections, and lists {listed}{more}", self.total_connections)
    }

    fn into_snapshot(self, (begun, begun_monotonic): (Timestamp, Duration)) -> Snapshot {
        let mut faults = self.faults;
        // Collected, they would stay in the larger allocation.
        let mut connections = Vec::with_capacity(self.rows.len());
        for row in self.rows {
            faults.add_all(&row.faults);
            connections.push(row.connection);
        }
        Snapshot { begun, begun_monotonic, connections: connections.into(), faults }
    }
}
