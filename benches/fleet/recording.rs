//! Responses of the simulated Nectar, recorded and served from memory, so that a benchmark measures the client and not the simulator.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use bytes::Bytes;
use futures::{StreamExt, stream};
use nectar_simulator::Simulator;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::fleet::PAGE;

/// How many responses are recorded at once.
const CONCURRENCY: usize = 4;

/// Compressed bodies by path; clones share them.
#[derive(Clone, Default)]
pub struct Recording(Arc<Mutex<Contents>>);

#[derive(Default)]
struct Contents {
    bodies: HashMap<String, Bytes>,
    wait: Duration,
}

impl Recording {
    /// From now on, each response comes this much later.
    pub fn delay(&self, wait: Duration) {
        self.0.lock().unwrap().wait = wait;
    }

    /// Records the list, and the one page of each of these companies.
    pub async fn record(&self, simulator: &Simulator, key: &str, companies: &[String]) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(simulator.clone().serve(vec![listener], stop.clone()));
        let pages = companies.iter().map(|id| format!("/v2.2/connection/company/{id}"));
        let client = reqwest::Client::new();
        let fetch = |path: String| {
            let request = client.get(format!("{origin}{path}?limit={PAGE}")).header("X-API-Key", key);
            async move {
                let response = request.header(ACCEPT_ENCODING, "gzip").send().await.unwrap();
                assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
                (path, response.error_for_status().unwrap().bytes().await.unwrap())
            }
        };
        let paths = pages.chain(["/v2.2/company".to_owned()]);
        let bodies: Vec<_> = stream::iter(paths).map(fetch).buffer_unordered(CONCURRENCY).collect().await;
        self.0.lock().unwrap().bodies.extend(bodies);
        stop.cancel();
    }

    /// Serves what was recorded; 404 for anything else.
    pub async fn serve(self, listener: TcpListener) {
        // A body that follows its head must not wait for the client's acknowledgement.
        let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
        let handler = move |request: Request| self.clone().respond(request);
        axum::serve(listener, Router::new().fallback(handler)).await.unwrap();
    }

    async fn respond(self, request: Request) -> Response {
        let (body, wait) = {
            let contents = self.0.lock().unwrap();
            (contents.bodies.get(request.uri().path()).cloned(), contents.wait)
        };
        tokio::time::sleep(wait).await;
        let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
        match body {
            Some(body) => (headers, body).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    }
}
