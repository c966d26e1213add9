//! A Nectar that sends given bodies, whatever they are.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};

use hyper::StatusCode;
use nectar_exporter::http::response::answer;
use nectar_exporter::http::{Limits, Request, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Bodies by what they are the response to: `company`, or a company's id, a dot and the number of a page. Several bodies for the same
/// request are sent one after the other; then the last one is repeated.
#[derive(Debug, Default)]
pub struct Bodies(BTreeMap<String, Mutex<VecDeque<String>>>);

impl Bodies {
    /// The files of a folder that end in `.json`, each for the request that its name says.
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

    /// One company, `c`, with these pages.
    pub fn one_company(pages: &[String]) -> Self {
        let bodies = Self::default().with("company", r#"[{"id":"c","name":"C","externalId":null}]"#);
        (1..).zip(pages).fold(bodies, |bodies, (number, page)| bodies.with(&format!("c.{number}"), page))
    }

    /// Adds a body for the request that `name` says.
    pub fn with(mut self, name: &str, body: impl Into<String>) -> Self {
        self.0.entry(name.to_owned()).or_default().get_mut().unwrap().push_back(body.into());
        self
    }

    fn next(&self, name: &str) -> Option<String> {
        let mut left = self.0.get(name)?.lock().unwrap();
        if left.len() > 1 { left.pop_front() } else { left.front().cloned() }
    }

    /// Serves the bodies on a free port until `stop`; returns the base URL.
    pub async fn serve(self, stop: CancellationToken) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v2.2", listener.local_addr().unwrap());
        let bodies = Arc::new(self);
        let routes = move |request: Request| {
            let bodies = Arc::clone(&bodies);
            async move {
                match bodies.next(&what_is_asked(&request)) {
                    Some(body) => answer(StatusCode::OK, "application/json", body),
                    None => {
                        answer(StatusCode::NOT_FOUND, "application/json", r#"{"detail":"no such thing"}"#)
                    }
                }
            }
        };
        tokio::spawn(serve(vec![listener], Limits::default(), routes, stop));
        url
    }
}

/// A page of these rows, in the envelope that Nectar sends.
pub fn page(total_connections: u64, total_pages: u64, rows: &[&str]) -> String {
    let rows = rows.join(",");
    format!(r#"{{"totalConnections":{total_connections},"totalPages":{total_pages},"connections":[{rows}]}}"#)
}

/// A connection's record with this status, with nothing odd about it.
pub fn connection(id: &str, status: &str) -> String {
    connection_with(id, status, "")
}

/// Like [`connection`], with accounts.
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
