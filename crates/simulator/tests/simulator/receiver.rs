//! A receiver of webhook events: an HTTP server that hands what it gets to the test, and answers what the test says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use nectar_simulator::{Endpoint, Simulator, WEBHOOK_SECRET};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running receiver, which stops when this is dropped.
pub struct Receiver {
    pub url: String,
    answer: Arc<AtomicU16>,
    arrived: UnboundedReceiver<Arrival>,
    _stop: DropGuard,
}

/// One request, with its signature checked.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub path: String,
    /// `svix` or `webhook`.
    pub prefix: &'static str,
    pub id: String,
    pub timestamp: i64,
    pub signature: String,
    pub body: String,
    pub event: Value,
}

impl Arrival {
    fn read(path: &str, headers: &HeaderMap, body: &[u8]) -> Self {
        let prefix = if headers.contains_key("svix-id") { "svix" } else { "webhook" };
        let header = |name: &str| headers[&format!("{prefix}-{name}")].to_str().unwrap().to_owned();
        let (id, timestamp, signature) =
            (header("id"), header("timestamp").parse().unwrap(), header("signature"));
        assert_eq!(signature, Webhook::new(WEBHOOK_SECRET).unwrap().sign(&id, timestamp, body).unwrap());
        assert_eq!(headers[CONTENT_TYPE], "application/json");
        let event = serde_json::from_slice(body).unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Self { path: path.to_owned(), prefix, id, timestamp, signature, body, event }
    }

    pub fn text(&self, field: &str) -> &str {
        self.event[field].as_str().unwrap_or_else(|| panic!("no {field} in {self:?}"))
    }

    /// What kind of event, of which object, in which status.
    pub fn brief(&self) -> (String, String, String) {
        ["eventType", "id", "status"].map(|field| self.text(field).to_owned()).into()
    }
}

impl Receiver {
    pub async fn open() -> Self {
        let (sender, arrived) = unbounded_channel();
        let answer = Arc::new(AtomicU16::new(204));
        let given = Arc::clone(&answer);
        let app = Router::new().fallback(async move |request: Request| {
            let (head, body) = request.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap();
            // Before the test hears of the request, and says what to answer to the next one.
            let status = StatusCode::from_u16(given.load(Ordering::SeqCst)).unwrap();
            sender.send(Arrival::read(head.uri.path(), &head.headers, &body)).unwrap();
            (status, [(LOCATION, "/elsewhere")])
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let server = axum::serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::spawn(server.into_future());
        Self { url, answer, arrived, _stop: stop.drop_guard() }
    }

    /// An endpoint that sends each event once, in order, and none of documents.
    pub fn endpoint(&self) -> Endpoint {
        let mut endpoint = Endpoint::new(&self.url, WEBHOOK_SECRET).unwrap();
        (endpoint.twice, endpoint.late, endpoint.documents) = (0.0, 0.0, 0.0);
        endpoint
    }

    /// Has the simulator send here until this is dropped.
    pub fn listen_to(&self, simulator: &Simulator, endpoint: Endpoint) -> DropGuard {
        let stop = CancellationToken::new();
        tokio::spawn(simulator.send_events(endpoint, stop.clone()));
        stop.drop_guard()
    }

    /// Answers with this status from now on.
    pub fn answer(&self, status: u16) {
        self.answer.store(status, Ordering::SeqCst);
    }

    pub async fn next(&mut self) -> Arrival {
        let next = tokio::time::timeout(Duration::from_secs(60), self.arrived.recv());
        next.await.expect("nothing came within a minute, or what came was bad: see above").unwrap()
    }

    pub async fn several(&mut self, count: usize) -> Vec<Arrival> {
        let mut all = Vec::new();
        while all.len() < count {
            all.push(self.next().await);
        }
        all
    }
}
