//! A Nectar that answers with given bodies, whatever they are.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hyper::StatusCode;
use nectar_exporter::web::answer::answer;
use nectar_exporter::web::{Limits, Request, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Bodies by what they answer: `company`, or a company's id, a dot and the number of a page.
#[derive(Debug, Clone, Default)]
pub struct Bodies(BTreeMap<String, String>);

impl Bodies {
    /// The files of a folder that end in `.json`; the name without it is what they answer.
    pub fn from_folder(folder: &Path) -> Self {
        let mut bodies = Self::default();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                bodies.0.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
        bodies
    }

    /// Answers on a free port until `stop`; returns the base URL.
    pub async fn serve(self, stop: CancellationToken) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v2.2", listener.local_addr().unwrap());
        let bodies = Arc::new(self);
        let routes = move |request: Request| {
            let bodies = Arc::clone(&bodies);
            async move {
                match bodies.0.get(&what_is_asked(&request)) {
                    Some(body) => answer(StatusCode::OK, "application/json", body.clone()),
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

fn what_is_asked(request: &Request) -> String {
    let last = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let query = request.uri().query().unwrap_or_default();
    match query.split('&').find_map(|pair| pair.strip_prefix("page=")) {
        Some(page) => format!("{last}.{page}"),
        None => last,
    }
}
