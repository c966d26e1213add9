//! The worklist, `GET /worklist`: the logins that somebody must act on, for people without Grafana.
//!
//! It shows nothing that the metrics withhold.

mod csv;
mod list;
mod page;

use std::sync::Arc;

use axum::body::Body;
use axum::response::{Html, IntoResponse, Response};
use futures::stream;
use hyper::StatusCode;
use hyper::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use url::form_urlencoded;

use super::Request;
use super::accept::prefers_csv;
use crate::clock::SharedClock;
use crate::metrics::Exposition;
use crate::sanitize::{by_id, clean};
use crate::worker::{Priority, SpawnError, Worker};
use csv::Csv;
use list::List;

/// The page may load its own style, and its form may ask for the page again.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; \
                           frame-ancestors 'none'";

/// Makes the worklist.
#[derive(Debug)]
pub struct Worklist {
    exposition: Exposition,
    clock: SharedClock,
    has_overview: bool,
    is_demo: bool,
    worker: Worker,
    /// A client that leaves before its turn costs nothing.
    turn: Arc<Semaphore>,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum WorklistError {
    /// No list causes this.
    #[error(transparent)]
    Template(#[from] askama::Error),
    /// The list was not made: it panicked.
    #[error("the worklist could not be made, by a fault in this program; please report what stands above")]
    Ended,
}

/// Why nothing at all is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Withheld {
    BeforeFirstPoll,
    TooMany,
}

impl Withheld {
    fn words(self) -> &'static str {
        match self {
            Self::BeforeFirstPoll => {
                "There is no data yet: nothing was read from Nectar since this program was started. Please look again \
                 in a few minutes. If it stays like this, please tell whoever runs it."
            }
            Self::TooMany => {
                "The logins are not listed, because there are more than this program is set to show one by one. \
                 Whoever runs it can raise that limit."
            }
        }
    }
}

/// Which logins are asked for: all, unless something is chosen.
#[derive(Debug, Default, PartialEq, Eq)]
struct Choice {
    /// The id of a company.
    company: Option<String>,
    /// A status, as the metrics call it.
    status: Option<String>,
}

impl Choice {
    fn is_company(&self, id: &str) -> bool {
        self.company.as_ref().is_none_or(|chosen| chosen == id)
    }

    fn is_status(&self, label: &str) -> bool {
        self.status.as_ref().is_none_or(|chosen| chosen == label)
    }

    fn is_filtered(&self) -> bool {
        *self != Self::default()
    }
}

impl Worklist {
    /// The worklist of what `exposition` shows. It leads to the landing page, if there is one, and says of a demo that it is one.
    ///
    /// # Errors
    /// [`SpawnError`], if the system gives no thread to make it on.
    pub fn start(
        exposition: Exposition,
        clock: SharedClock,
        has_overview: bool,
        is_demo: bool,
    ) -> Result<Self, SpawnError> {
        let (worker, turn) = (Worker::start("worklist", Priority::Low)?, Arc::new(Semaphore::new(1)));
        Ok(Self { exposition, clock, has_overview, is_demo, worker, turn })
    }

    /// The response to one request for it.
    ///
    /// # Errors
    /// [`WorklistError`], by a fault in this program only.
    pub async fn respond(&self, request: &Request) -> Result<Response, WorklistError> {
        let (choice, format) = asked(request.uri().query().unwrap_or_default());
        match format {
            None if prefers_csv(request.headers()) => self.csv(choice).await,
            None => self.page(choice).await,
            Some(format) if format.eq_ignore_ascii_case("csv") => self.csv(choice).await,
            Some(format) if format.eq_ignore_ascii_case("html") => self.page(choice).await,
            Some(format) => {
                let words = format!("The format {:?} is not known. It can be csv or html.", clean(&format));
                Ok(refused(StatusCode::BAD_REQUEST, &words))
            }
        }
    }

    async fn csv(&self, choice: Choice) -> Result<Response, WorklistError> {
        let (list, unknown) = self
            .run(choice, |list, choice| {
                let unknown = list.as_ref().ok().and_then(|list| list.unknown(choice));
                (list, unknown)
            })
            .await?;
        // An empty file would say that nobody has to act.
        let csv = match (list, unknown) {
            (Err(reason), _) => return Ok(refused(StatusCode::SERVICE_UNAVAILABLE, reason.words())),
            (_, Some(words)) => return Ok(refused(StatusCode::NOT_FOUND, &words)),
            (Ok(list), None) => Csv::new(list),
        };
        let file = format!("attachment; filename=\"worklist-{}.csv\"", self.clock.now().strftime("%Y-%m-%d"));
        let headers = [
            (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
            (CONTENT_DISPOSITION, &file),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        Ok(([(VARY, "Accept")], headers, Body::from_stream(stream::iter(csv))).into_response())
    }

    async fn page(&self, choice: Choice) -> Result<Response, WorklistError> {
        let (has_overview, is_demo) = (self.has_overview, self.is_demo);
        let page =
            self.run(choice, move |list, choice| page::page(&list, choice, has_overview, is_demo)).await??;
        let headers =
            [(VARY, "Accept"), (CONTENT_SECURITY_POLICY, PAGE_POLICY), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
        // Nectar need not learn from a link which company was looked at.
        Ok((headers, [(REFERRER_POLICY, "no-referrer")], Html(page)).into_response())
    }

    /// What `work` makes of the list. One is made at a time, behind everything else that the program does.
    async fn run<T: Send + 'static>(
        &self,
        mut choice: Choice,
        work: impl FnOnce(Result<List, Withheld>, &Choice) -> T + Send + 'static,
    ) -> Result<T, WorklistError> {
        let turn = Arc::clone(&self.turn).acquire_owned().await.map_err(|_| WorklistError::Ended)?;
        let (exposition, now) = (self.exposition.clone(), self.clock.now());
        let made = self.worker.run(move || {
            let made = work(list(&exposition, now, &mut choice), &choice);
            drop(turn);
            made
        });
        made.await.map_err(|_| WorklistError::Ended)
    }
}

/// What is chosen of the logins. The chosen company's id is then written as Nectar does.
fn list(exposition: &Exposition, now: Timestamp, choice: &mut Choice) -> Result<List, Withheld> {
    let fleet = exposition.published_fleet();
    if !fleet.ready {
        return Err(Withheld::BeforeFirstPoll);
    }
    if exposition.is_limited(&fleet, now) {
        return Err(Withheld::TooMany);
    }
    if let Some(chosen) = &mut choice.company
        && let Some(id) = fleet.companies.keys().find(|id| by_id(id, chosen).is_eq())
    {
        *chosen = id.to_string();
    }
    Ok(List::new(fleet, now, exposition.max_data_age(), choice))
}

/// A response with one line that says why there is no list.
fn refused(status: StatusCode, words: &str) -> Response {
    let headers = [(VARY, "Accept"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (status, headers, format!("{words}\n")).into_response()
}

/// What a query asks for, and in which format if it says so. A field that is left empty chooses nothing, as browsers send it.
fn asked(query: &str) -> (Choice, Option<String>) {
    let field = |wanted: &str| {
        let mut fields = form_urlencoded::parse(query.as_bytes());
        let (_, value) = fields.find(|(name, value)| name == wanted && !value.is_empty())?;
        Some(value.into_owned())
    };
    (Choice { company: field("company"), status: field("status") }, field("format"))
}
