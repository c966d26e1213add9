//! The three endpoints: key, fault, parameters, rows.
//!
//! Knows in which order a request is judged, and the API's error codes.

use std::collections::HashMap;
use std::future;

use bytes::Bytes;
use hyper::header::{DATE, HeaderValue};
use hyper::{Method, StatusCode};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Shared;
use super::faults::{self, Fault};
use super::page::{Order, Page};
use super::prepared::{Prepared, Question};
use super::query::{Asked, ListQuery};
use super::record::{CompanyRecord, Envelope, Rows, owner};
use super::reply::{Reply, fill, packed_ahead};
use super::world::{Company, Connection, World};
use crate::http::response::method_not_allowed;
use crate::http::{Answer, Request, encoding};

/// Answers one request, with the date by the clock of the simulation.
pub(super) async fn answer(shared: &Shared, stop: &CancellationToken, request: &Request) -> Answer {
    let mut answer = undated(shared, stop, request).await;
    let now = shared.clock.now();
    // HTTP has no dates before 1970.
    if now >= Timestamp::UNIX_EPOCH
        && let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(now.into()))
    {
        answer.headers_mut().insert(DATE, date);
    }
    answer
}

async fn undated(shared: &Shared, stop: &CancellationToken, request: &Request) -> Answer {
    let takes_gzip = encoding::accepts_gzip(request.headers());
    if !shared.is_key(request.headers().get("x-api-key")) {
        return send(Reply::detail(StatusCode::UNAUTHORIZED, "Invalid or missing API key"), takes_gzip);
    }
    let asked = Asked::read(request.uri().path(), request.uri().query());
    let fault = shared.faults.take(&asked);
    if let Some(fault) = &fault {
        debug!(msg = "A simulated fault", path = request.uri().path(), fault = ?fault);
        wait(fault, stop).await;
        if let Some(reply) = fault.instead() {
            return send(reply, takes_gzip);
        }
        if let Some(answer) = fault.stream_instead() {
            return answer;
        }
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return method_not_allowed("application/json", r#"{"detail":"Method Not Allowed"}"#);
    }
    if takes_gzip
        && matches!(fault, None | Some(Fault::Delay(_)))
        && let Some(body) = shared.prepared.get(&asked)
    {
        return packed_ahead(body);
    }
    let order = fault.as_ref().map_or(Order::Steady, Fault::order);
    let reply = normal(shared, &asked, order);
    spoil(reply, fault.as_ref(), takes_gzip)
}

/// Lets the time of a fault pass.
async fn wait(fault: &Fault, stop: &CancellationToken) {
    let fault_time = async {
        match fault {
            Fault::Delay(span) => tokio::time::sleep(*span).await,
            Fault::Hang => future::pending().await,
            _ => {}
        }
    };
    // What hangs must not keep the program from ending.
    tokio::select! {
        () = fault_time => {}
        () = stop.cancelled() => {}
    }
}

fn send(reply: Reply, takes_gzip: bool) -> Answer {
    let (answer, body) = reply.pack(takes_gzip);
    fill(answer, body)
}

/// Sends a normal answer, or what a fault leaves of it.
fn spoil(mut reply: Reply, fault: Option<&Fault>, takes_gzip: bool) -> Answer {
    if fault == Some(&Fault::TruncatedJson) {
        reply.body.truncate(reply.body.len() / 2);
    }
    let (answer, body) = reply.pack(takes_gzip);
    if fault == Some(&Fault::BrokenBody) { faults::break_within(&body, answer) } else { fill(answer, body) }
}

fn normal(shared: &Shared, asked: &Asked, order: Order) -> Reply {
    match asked {
        Asked::Ping => Reply::of(&serde_json::json!({ "status": "ok", "version": "2.2" })),
        Asked::CompanyList => shared.look(|world, _| company_list(world)),
        Asked::Connections { id, query } => match ListQuery::read(id, query) {
            Ok(query) => shared.look(|world, now| connections(world, &query, order, now)),
            Err(detail) => Reply::detail(StatusCode::BAD_REQUEST, &detail),
        },
        Asked::Unknown => Reply::detail(StatusCode::NOT_FOUND, "Not Found"),
    }
}

fn company_list(world: &World) -> Reply {
    let companies: Vec<CompanyRecord<'_>> = world.companies.iter().map(CompanyRecord::from).collect();
    Reply::of(&companies)
}

/// Every answer that a walk through all of `world` asks for and that is not `ready`, packed.
pub(super) fn packed_ahead_of_a_walk(
    world: &World,
    limit: u64,
    now: Timestamp,
    ready: &Prepared,
) -> HashMap<Question, Bytes> {
    let mut answers = HashMap::new();
    let mut add = |question, reply: &dyn Fn() -> Reply| {
        if !ready.has(&question) {
            let (_, body) = reply().pack(true);
            answers.insert(question, body.into());
        }
    };
    add(Question::CompanyList, &|| company_list(world));
    for company in &world.companies {
        let total = u64::try_from(company.connections.len()).unwrap_or(u64::MAX);
        for page in 1..=total.div_ceil(limit).max(1) {
            let query = || ListQuery::page(company.id, page, limit);
            add(Question::Page(query()), &|| connections(world, &query(), Order::Steady, now));
        }
    }
    answers
}

fn connections(world: &World, query: &ListQuery, order: Order, now: Timestamp) -> Reply {
    let Some(company) = world.company(query.company) else {
        return Reply::detail(StatusCode::FORBIDDEN, "This key has no access to that company");
    };
    let list: Vec<&Connection> =
        company.connections.iter().filter(|connection| is_wanted(query, company, connection)).collect();
    let page = Page::new(u64::try_from(list.len()).unwrap_or(u64::MAX), query.limit, query.page, order);
    Reply::of(&Envelope {
        total_connections: page.total,
        per_page: query.limit,
        total_pages: page.pages,
        current_page: page.current,
        has_next: page.current < page.pages,
        has_previous: page.current > 1,
        connections: Rows { company, connections: page.rows(&list), now },
    })
}

fn is_wanted(query: &ListQuery, company: &Company, connection: &Connection) -> bool {
    query.status.as_ref().is_none_or(|status| connection.standing.status == *status)
        && query.owner.as_ref().is_none_or(|wanted| owner(company, connection) == *wanted)
}
