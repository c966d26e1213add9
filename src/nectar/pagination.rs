//! Reads all pages of one company, until they add up.
//!
//! The list is not frozen while it is paged: a row can occur on two pages, or move past the reader. A reading is whole if it has every
//! page, and as many ids as the last page says; otherwise all of it is repeated.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use tracing::debug;

use super::client::Client;
use super::decode::{Page, ReadConnection};
use super::dedup::dedup_by_id;
use crate::clock::SharedClock;
use crate::failure::{Failure, ReadError};
use crate::model::{RecordFault, RecordFaults, Snapshot};
use crate::status::Kind;

/// The first time, and two more.
const MAX_ATTEMPTS: usize = 3;

/// Reads one company, whole.
///
/// # Errors
/// A request that failed for good, or [`Failure::Incomplete`] if the pages never added up.
pub async fn fetch_all_pages(client: &Client, company: &str) -> Result<Snapshot, ReadError> {
    let page = |number| client.page(company, number).boxed();
    fetch_until_whole(company, page, client.max_concurrent_requests(), client.clock()).await
}

/// As [`fetch_all_pages`]: `page` reads one page, by its number, and `at_once` of them at a time.
async fn fetch_until_whole<'a>(
    company: &str,
    page: impl Fn(u64) -> BoxFuture<'a, Result<Page, ReadError>>,
    at_once: usize,
    clock: &SharedClock,
) -> Result<Snapshot, ReadError> {
    let mut cause = String::new();
    for attempt in 1..=MAX_ATTEMPTS {
        let (begun_wall, begun_monotonic) = (clock.now(), clock.monotonic());
        let pages_so_far = fetch_once(&page, at_once).await?;
        if pages_so_far.is_whole() {
            return Ok(pages_so_far.into_snapshot(begun_wall, begun_monotonic));
        }
        cause = pages_so_far.counts();
        debug!(msg = "The pages of a company did not add up", company_id = company, attempt, cause);
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
    let (begun_wall, begun_monotonic) = (client.clock().now(), client.clock().monotonic());
    let page = client.page(company, 1).await?;
    let (total_connections, is_only) = (page.total_connections, page.total_pages <= 1);
    let mut pages_so_far = PageCollector::default();
    pages_so_far.add(page);
    pages_so_far.dedup();
    let contradiction = (is_only && !pages_so_far.is_whole()).then(|| pages_so_far.counts());
    let snapshot = pages_so_far.into_snapshot(begun_wall, begun_monotonic);
    Ok(FirstPage { snapshot, total_connections, contradiction })
}

async fn fetch_once<'a>(
    page: impl Fn(u64) -> BoxFuture<'a, Result<Page, ReadError>>,
    at_once: usize,
) -> Result<PageCollector, ReadError> {
    let mut pages_so_far = PageCollector::default();
    let mut wanted = 1;
    // The list may grow while it is read: then the last page read says that there are more.
    while pages_so_far.pages_read < wanted {
        let numbers = pages_so_far.pages_read + 1..=wanted;
        // In page order, whichever response comes first; the first failure ends it.
        let mut pages = stream::iter(numbers).map(&page).buffered(at_once);
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
    rows: Vec<ReadConnection>,
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

    fn into_snapshot(self, begun_wall: Timestamp, begun_monotonic: Duration) -> Snapshot {
        let mut faults = self.faults;
        // Collected in place, they would keep the larger allocation.
        let mut connections = Vec::with_capacity(self.rows.len());
        for row in self.rows {
            faults.add_all(&row.faults);
            connections.push(row.connection);
        }
        Snapshot { begun_wall, begun_monotonic, connections: connections.into(), faults }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::cell::Cell;

    use futures::executor::block_on;
    use futures::future::ready;

    use super::super::decode;
    use super::*;
    use crate::clock::SystemClock;
    use crate::failure::Reason;

    /// What these bodies of pages come to, and how many requests it takes. A page that is not there is not found.
    fn fetched(pages: &[String]) -> (Result<Snapshot, ReadError>, u64) {
        let requests = Cell::new(0);
        let page = |number: u64| {
            requests.set(requests.get() + 1);
            let body = usize::try_from(number - 1).ok().and_then(|place| pages.get(place));
            let page = match body {
                Some(body) => decode::page(body.as_bytes(), "2026-06-15T12:00:00Z".parse().unwrap())
                    .ok_or(Reason::Decode),
                None => Err(Reason::NotFound),
            };
            ready(page.map_err(|reason| Failure::Request(reason).into())).boxed()
        };
        // One at a time: what is asked for ahead would count, too.
        let outcome = block_on(fetch_until_whole("c", page, 1, &SystemClock::shared()));
        (outcome, requests.get())
    }

    fn page(total_connections: u64, total_pages: u64, rows: &[&str]) -> String {
        let rows = rows.join(",");
        format!(
            r#"{{"totalConnections":{total_connections},"totalPages":{total_pages},"connections":[{rows}]}}"#
        )
    }

    fn row(id: &str, status: &str, last_update: &str) -> String {
        format!(r#"{{"id":"{id}","status":"{status}","statusLastUpdateTime":"{last_update}"}}"#)
    }

    /// A list that changes while it is read: the last page says how many there are.
    #[test]
    fn lists_that_grow_or_shrink_meanwhile() {
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|id| row(id, "CONNECTED", ""));
        for (name, pages, connections) in [
            ("grows by a page", vec![page(2, 2, &[&a]), page(3, 3, &[&b]), page(3, 3, &[&c])], 3),
            ("grows twice", vec![page(1, 1, &[&a]), page(2, 2, &[&b])], 1),
            (
                "grows while the further pages are read",
                vec![page(2, 2, &[&a]), page(3, 3, &[&b]), page(4, 4, &[&c]), page(4, 4, &[&d])],
                4,
            ),
            ("shrinks", vec![page(3, 3, &[&a]), page(2, 2, &[&b]), page(2, 2, &[&b])], 2),
            ("no page at all", vec![page(0, 0, &[])], 0),
        ] {
            assert_eq!(fetched(&pages).0.unwrap().connections.len(), connections, "{name}");
        }
    }

    /// Numbers that contradict each other, or the rows: what adds up is good, and nothing else is.
    #[test]
    fn envelopes_that_contradict_themselves() {
        let [a, b, c] = ["a", "b", "c"].map(|id| row(id, "CONNECTED", ""));
        let (decode, not_found) = (Failure::Request(Reason::Decode), Failure::Request(Reason::NotFound));
        for (pages, expected, requests) in [
            // Nobody can page through more pages than there are connections, and it is not tried.
            (vec![page(1, u64::MAX, &[&a])], Err(decode), 1),
            (vec![page(2, 0, &[&a, &b])], Ok(2), 1),
            // Read three times, and it never adds up.
            (vec![page(5, 1, &[&a, &b])], Err(Failure::Incomplete), 3),
            (vec![page(0, 1, &[&a])], Err(Failure::Incomplete), 3),
            (vec![page(1, 1, &[])], Err(Failure::Incomplete), 3),
            (vec![page(2, 2, &[&a]), page(2, 2, &[])], Err(Failure::Incomplete), 6),
            (vec![page(2, 2, &[&a]), page(2, 2, &[&a])], Err(Failure::Incomplete), 6),
            // More rows than any page has named: no further page is asked for.
            (vec![page(2, 2, &[&a, &b, &c]), page(2, 2, &[])], Err(Failure::Incomplete), 3),
            // The last page has the last word.
            (vec![page(2, 2, &[&a]), page(1, 2, &[&b])], Err(decode), 2),
            (vec![page(3, 2, &[&a]), page(2, 2, &[&b])], Ok(2), 2),
            // A page that is named but is not there.
            (vec![page(2, 2, &[&a])], Err(not_found), 2),
            // A record without an id may be the one that is missing, or one more.
            (vec![page(2, 1, &[&a, "{}"])], Ok(1), 1),
            (vec![page(1, 1, &[&a, "{}"])], Ok(1), 1),
            (vec![page(3, 1, &[&a, "{}"])], Err(Failure::Incomplete), 3),
        ] {
            let (outcome, sent) = fetched(&pages);
            let outcome = outcome.map(|read| read.connections.len()).map_err(|error| error.failure);
            assert_eq!((outcome, sent), (expected, requests), "{pages:?}");
        }
    }

    #[test]
    fn numbers_that_do_not_agree_are_told() {
        let a = row("a", "CONNECTED", "");
        let cause = |pages: &[String]| fetched(pages).0.unwrap_err().cause.unwrap();
        assert_eq!(cause(&[page(2, 1, &[&a])]), "Nectar names 2 connections, and lists 1");
        assert_eq!(cause(&[page(5, 1, &[&a, "{}"])]), "Nectar names 5 connections, and lists 2");
        let [b, c] = ["b", "c"].map(|id| row(id, "CONNECTED", ""));
        let pages = [page(2, 2, &[&a, &b, &c]), page(2, 2, &[])];
        assert_eq!(cause(&pages), "Nectar names 2 connections, and lists 3 or more");
    }

    /// A record that stands twice on a page, with another status: the later update is kept, and both are told of.
    #[test]
    fn a_record_that_stands_twice_on_a_page() {
        let row = |id: &str, status: &str, day: u32| row(id, status, &format!("2026-06-{day}T00:00:00Z"));
        for (name, first, second, total, status) in [
            ("the later one last", row("a", "PENDING", 13), row("a", "CONNECTED", 14), 1, Some("CONNECTED")),
            ("the later one first", row("a", "PENDING", 14), row("a", "CONNECTED", 13), 1, Some("PENDING")),
            ("of one age", row("a", "PENDING", 14), row("a", "CONNECTED", 14), 1, Some("CONNECTED")),
            (
                "in another letter case",
                row("a", "PENDING", 13),
                row("A", "CONNECTED", 14),
                1,
                Some("CONNECTED"),
            ),
            // Two rows, one id: whether a connection is missing, nobody can tell.
            ("counted twice by Nectar", row("a", "PENDING", 13), row("a", "CONNECTED", 14), 2, None),
        ] {
            let read = fetched(&[page(total, 1, &[&first, &second])]).0;
            let Some(status) = status else {
                assert_eq!(read.unwrap_err().failure, Failure::Incomplete, "{name}");
                continue;
            };
            let read = read.unwrap();
            let statuses: Vec<&str> = read.connections.iter().map(|one| one.status.word()).collect();
            assert_eq!(statuses, [status], "{name}");
            assert_eq!(read.faults.count(Kind::Connection, RecordFault::DuplicateId), 1, "{name}");
        }
    }

    /// A row that moves from one page to the next is read twice: that is no fault, and the one read later counts.
    #[test]
    fn of_two_rows_of_one_age_the_later_read_wins() {
        let [a, again] = ["WEBSITE_DOWN", "CONNECTED"].map(|status| row("a", status, "2026-06-14T12:00:00Z"));
        let b = row("b", "PENDING", "2026-06-14T12:00:00Z");
        let read = fetched(&[page(2, 2, &[&a, &b]), page(2, 2, &[&again])]).0.unwrap();
        let statuses: Vec<&str> = read.connections.iter().map(|one| one.status.word()).collect();
        assert_eq!(statuses, ["CONNECTED", "PENDING"]);
        assert_eq!(
            read.faults.count(Kind::Connection, RecordFault::DuplicateId),
            0,
            "on two pages is no fault"
        );
    }
}
