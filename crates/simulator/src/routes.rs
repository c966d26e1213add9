//! The three endpoints: the order in which key, fault, parameters and rows are considered, and the API's error codes.

use axum::http::header::{ALLOW, CONTENT_LENGTH, DATE, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Shared;
use super::faults::{self, Effect, Fault};
use super::fleet::{Company, Connection, Fleet};
use super::page::{Order, Page};
use super::query::{ApiRequest, ListQuery};
use super::response::{JsonResponse, takes_gzip};
use super::wire::{CompanyRecord, Envelope, Rows, owner};

/// The response to one request, with the simulation's time as its date.
pub async fn respond(shared: &Shared, stop: &CancellationToken, request: &Parts) -> Response {
    let mut response = undated(shared, stop, request).await;
    let now = (shared.now)();
    // HTTP has no dates before 1970.
    if now >= Timestamp::UNIX_EPOCH
        && let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(now.into()))
    {
        response.headers_mut().insert(DATE, date);
    }
    response
}

async fn undated(shared: &Shared, stop: &CancellationToken, request: &Parts) -> Response {
    let gzip = takes_gzip(&request.headers);
    if !shared.is_key(request.headers.get("x-api-key")) {
        return JsonResponse::detail(StatusCode::UNAUTHORIZED, "Invalid or missing API key").send(gzip);
    }
    let api_request = ApiRequest::read(request.uri.path(), request.uri.query());
    let fault = shared.faults.take(&api_request);
    if let Some(fault) = &fault {
        debug!(msg = "A simulated fault", path = request.uri.path(), fault = ?fault);
    }
    let effect = fault.as_ref().map(Fault::effect);
    match effect {
        Some(Effect::Replace(response)) => return response.send(gzip),
        Some(Effect::Stream(response)) => return response,
        Some(Effect::Wait(span)) => {
            // A request that hangs must not keep the program from ending.
            let _ = timeout(span, stop.cancelled()).await;
        }
        _ => {}
    }
    if !matches!(request.method, Method::GET | Method::HEAD) {
        let refusal = JsonResponse::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
        return refusal.with_header(ALLOW, "GET, HEAD").send(gzip);
    }
    let order = if let Some(Effect::Reorder(order)) = effect { order } else { Order::Steady };
    let mut response = normal(shared, &api_request, order);
    match effect {
        Some(Effect::Truncate) => {
            response.body.truncate(response.body.len() / 2);
            response.send(gzip)
        }
        Some(Effect::BreakOff) => {
            let (mut head, body) = response.encode(gzip);
            head.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            head.map(|_| faults::breaking(body.slice(..body.len() / 2)))
        }
        _ => response.send(gzip),
    }
}

fn normal(shared: &Shared, api_request: &ApiRequest, order: Order) -> JsonResponse {
    match api_request {
        ApiRequest::Ping => JsonResponse::ok(&serde_json::json!({ "status": "ok", "version": "2.2" })),
        ApiRequest::CompanyList => shared.read(|fleet, _| company_list(fleet)),
        ApiRequest::Connections { id, query } => match ListQuery::read(id, query) {
            Ok(query) => shared.read(|fleet, now| connections(fleet, &query, order, now)),
            Err(detail) => JsonResponse::detail(StatusCode::BAD_REQUEST, &detail),
        },
        ApiRequest::Unknown => JsonResponse::detail(StatusCode::NOT_FOUND, "Not Found"),
    }
}

fn company_list(fleet: &Fleet) -> JsonResponse {
    let companies: Vec<CompanyRecord<'_>> = fleet.companies.iter().map(CompanyRecord::from).collect();
    JsonResponse::ok(&companies)
}

fn connections(fleet: &Fleet, query: &ListQuery, order: Order, now: Timestamp) -> JsonResponse {
    let Some(company) = fleet.company(query.company) else {
        return JsonResponse::detail(StatusCode::FORBIDDEN, "This key has no access to that company");
    };
    let list: Vec<&Connection> =
        company.connections.iter().filter(|connection| is_wanted(query, company, connection)).collect();
    let page = Page::new(u64::try_from(list.len()).unwrap_or(u64::MAX), query.limit, query.page, order);
    JsonResponse::ok(&Envelope {
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
    query.status.as_ref().is_none_or(|status| connection.status_record.status == *status)
        && query.owner.as_ref().is_none_or(|wanted| owner(company, connection) == *wanted)
}
