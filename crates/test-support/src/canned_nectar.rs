//! A Nectar that responds with given bodies, whatever they are.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::serve;

/// Bodies by what is asked for: `company`, or a company's id, a dot and the number of a page. Several bodies for one
/// are sent one after the other; the last is then sent for good.
#[derive(Debug, Default)]
pub struct Bodies(BTreeMap<String, Mutex<VecDeque<String>>>);

impl Bodies {
    /// The files of a folder that end in `.json`; the name without it is what is asked for.
    pub fn from_folder(folder: &Path) -> Self {
        let mut bodies = Self::default();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                bodies = bodies.with(&name, std::fs::read_to_string(&path).unwrap());
            }
        }
        bodies
    }

    /// One company, `c`, whose pages are these.
    pub fn one_company(pages: &[String]) -> Self {
        let bodies = Self::default().with("company", r#"[{"id":"c","name":"C","externalId":null}]"#);
        (1..).zip(pages).fold(bodies, |bodies, (number, page)| bodies.with(&format!("c.{number}"), page))
    }

    /// A further body for what `name` says.
    pub fn with(mut self, name: &str, body: impl Into<String>) -> Self {
        self.0.entry(name.to_owned()).or_default().get_mut().unwrap().push_back(body.into());
        self
    }

    fn next(&self, name: &str) -> Option<String> {
        let mut left = self.0.get(name)?.lock().unwrap();
        if left.len() > 1 { left.pop_front() } else { left.front().cloned() }
    }

    /// Serves on a free port until `stop`; returns the base URL.
    pub async fn serve(self, stop: CancellationToken) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v2.2", listener.local_addr().unwrap());
        let bodies = Arc::new(self);
        let routes = async move |request: Request| {
            let json = [("content-type", "application/json")];
            match bodies.next(&what_is_asked(&request)) {
                Some(body) => (StatusCode::OK, json, body),
                None => (StatusCode::NOT_FOUND, json, r#"{"detail":"no such thing"}"#.to_owned()),
            }
        };
        serve(listener, Router::new().fallback(routes), stop);
        url
    }
}

/// A page of these rows, in the envelope that Nectar sends.
pub fn page(total_connections: u64, total_pages: u64, rows: &[&str]) -> String {
    let rows = rows.join(",");
    format!(r#"{{"totalConnections":{total_connections},"totalPages":{total_pages},"connections":[{rows}]}}"#)
}

/// A connection's record with a status, nothing odd about it.
pub fn connection(id: &str, status: &str) -> String {
    connection_with(id, status, "")
}

/// As [`connection`], with accounts.
pub fn connection_with(id: &str, status: &str, accounts: &str) -> String {
    format!(
        r#"{{"id":"{id}","status":"{status}","statusLastUpdateTime":"2026-06-14T12:00:00Z","statusFirstSeenTime":null,
        "created":"2026-06-01T12:00:00Z","datasource":{{"name":"Utility"}},"country":"US","accounts":[{accounts}]}}"#
    )
}

fn what_is_asked(request: &Request) -> String {
    let last = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let query = request.uri().query().unwrap_or_default();
    match query.split('&').find_map(|pair| pair.strip_prefix("page=")) {
        Some(page) => format!("{last}.{page}"),
        None => last,
    }
}
