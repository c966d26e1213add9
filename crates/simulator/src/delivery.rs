//! Delivers webhook events as Nectar does through Svix: signed, several at once, again after a failure, and not always in order.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect;
use serde_json::Value;
use tokio::time::{Instant, interval};
use tracing::debug;
use url::Url;

use super::Shared;
use super::events::Announced;
use super::random::Random;

/// A secret for the demo and the tests. It is known to all, and protects nothing.
pub const WEBHOOK_SECRET: &str = "whsec_dGhpcyBwcm90ZWN0cyBub3RoaW5nISEh";

/// How long a receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How long Svix waits before each attempt, in seconds; after the last one it gives up.
#[rustfmt::skip]
const WAITS: [f64; 8] = [0.0, 5.0, 5.0 * 60.0, 30.0 * 60.0, 2.0 * 3600.0, 5.0 * 3600.0, 10.0 * 3600.0, 10.0 * 3600.0];

/// A late event comes as if so many attempts had failed before.
const LATE: usize = 2;

/// How often the fleet is looked at, and deliveries that have waited are begun.
const LOOK: Duration = Duration::from_millis(250);

/// So many deliveries are under way at once.
const AT_ONCE: usize = 4;

/// So many deliveries may wait. Of more, the oldest are given up: a receiver that is down must not cost memory.
const MAX_WAITING: usize = 500;

/// Why events cannot be sent to an address.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum EndpointError {
    #[error("the address of a receiver begins with http:// or https://")]
    Url,
    #[error("the secret of a receiver is whsec_ and base64")]
    Secret,
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}

/// Where events are sent, and how.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    key: hmac::Key,
    client: reqwest::Client,
    /// How many times as fast as Svix a delivery that failed is tried again.
    pub speed: f64,
    /// Of the random numbers that choose shapes, and what comes twice or late.
    pub seed: u64,
    /// The share of events that are delivered twice.
    pub twice: f64,
    /// The share of events that come minutes late, after newer ones.
    pub late: f64,
    /// The share of changes that are followed by an event of a document.
    pub documents: f64,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

impl Endpoint {
    /// A receiver that knows `secret`, at `url`.
    ///
    /// # Errors
    /// [`EndpointError`], which contains neither.
    pub fn new(url: &str, secret: &str) -> Result<Self, EndpointError> {
        let url = Url::parse(url).map_err(|_| EndpointError::Url)?;
        let secret = secret.strip_prefix("whsec_").and_then(|secret| STANDARD.decode(secret).ok());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret.ok_or(EndpointError::Secret)?);
        let client =
            reqwest::Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).no_proxy();
        let client = match url.scheme() {
            // Must work on a machine that has no trusted certificates.
            "http" => client.tls_certs_only([]),
            "https" => client,
            _ => return Err(EndpointError::Url),
        };
        let client = client.build()?;
        Ok(Self { url, key, client, speed: 1.0, seed: 1, twice: 0.05, late: 0.05, documents: 0.1 })
    }

    /// Sends the events of all that changes from now on, for ever.
    pub(crate) async fn send(self, shared: &Shared, mut announced: Announced) {
        let mut rng = Random::new(self.seed);
        let mut queue = Queue::default();
        let mut ticks = interval(LOOK);
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    let look = |fleet: &_, now| announced.look(fleet, now, self.documents, &mut rng);
                    for event in shared.read(look) {
                        self.enqueue(&event, &mut queue, &mut rng);
                    }
                }
                Some(failed) = under_way.next() => queue.extend(failed),
            }
            while under_way.len() < AT_ONCE
                && let Some(delivery) = queue.take_due()
            {
                under_way.push(self.attempt(shared, delivery));
            }
        }
    }

    fn enqueue(&self, event: &Value, queue: &mut Queue, rng: &mut Random) {
        let delivery = Delivery {
            id: format!("msg_{}", rng.uuid().simple()),
            body: event.to_string().into(),
            header_prefix: if rng.chance(0.2) { "webhook" } else { "svix" },
            attempt: 0,
            due: Instant::now(),
        };
        let first = if rng.chance(self.late) { LATE } else { 0 };
        let copies = if rng.chance(self.twice) { 2 } else { 1 };
        queue.extend((0..copies).filter_map(|_| delivery.clone().at_attempt(first, self.speed)));
    }

    /// Tries once. Returns what is to be tried again.
    async fn attempt(&self, shared: &Shared, delivery: Delivery) -> Option<Delivery> {
        let Delivery { id, body, header_prefix, attempt, .. } = &delivery;
        let timestamp = (shared.now)().as_second();
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(format!("{header_prefix}-id"), id)
            .header(format!("{header_prefix}-timestamp"), timestamp)
            .header(format!("{header_prefix}-signature"), self.signature(id, timestamp, body))
            .body(body.clone());
        let status = request.send().await.map(|response| response.status());
        if status.as_ref().is_ok_and(reqwest::StatusCode::is_success) {
            return None;
        }
        let status = status.ok().map(|status| status.as_u16());
        debug!(msg = "An event was not taken", id, attempt, status);
        let next = attempt + 1;
        delivery.at_attempt(next, self.speed)
    }

    /// By the scheme of Standard Webhooks.
    fn signature(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

/// An event on its way.
#[derive(Debug, Clone)]
struct Delivery {
    id: String,
    body: Bytes,
    header_prefix: &'static str,
    /// How many attempts there were before.
    attempt: usize,
    due: Instant,
}

impl Delivery {
    /// Plans this attempt; none if there are no more.
    fn at_attempt(self, attempt: usize, speed: f64) -> Option<Self> {
        let wait = Duration::try_from_secs_f64(WAITS.get(attempt)? / speed).ok()?;
        Some(Self { attempt, due: Instant::now().checked_add(wait)?, ..self })
    }
}

/// Deliveries that wait for their next attempt.
#[derive(Debug, Default)]
struct Queue(VecDeque<Delivery>);

impl Queue {
    fn extend(&mut self, deliveries: impl IntoIterator<Item = Delivery>) {
        self.0.extend(deliveries);
        self.0.drain(..self.0.len().saturating_sub(MAX_WAITING));
    }

    fn take_due(&mut self) -> Option<Delivery> {
        let now = Instant::now();
        let position = self.0.iter().position(|delivery| delivery.due <= now)?;
        self.0.remove(position)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::time::{advance, timeout};

    use super::*;
    use crate::{Plan, Simulator};

    fn endpoint(late: f64, speed: f64) -> Endpoint {
        let endpoint = Endpoint::new("http://receiver.example/", WEBHOOK_SECRET).unwrap();
        Endpoint { late, speed, twice: 0.0, ..endpoint }
    }

    fn bodies(queue: &mut Queue) -> Vec<Bytes> {
        std::iter::from_fn(|| queue.take_due()).map(|delivery| delivery.body).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_come_when_svix_would_make_them_and_then_no_more() {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        let after = [0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR];
        for speed in [1.0, 100.0] {
            let (endpoint, mut queue) = (endpoint(0.0, speed), Queue::default());
            endpoint.enqueue(&"event".into(), &mut queue, &mut Random::new(1));
            for wait in after {
                let wait = Duration::from_secs(wait).div_f64(speed);
                advance(wait.saturating_sub(Duration::from_millis(2))).await;
                assert!(wait.is_zero() || queue.take_due().is_none(), "{wait:?}");
                advance(Duration::from_millis(4)).await;
                let delivery = queue.take_due().unwrap();
                let next = delivery.attempt + 1;
                queue.extend(delivery.at_attempt(next, speed));
            }
            assert!(queue.0.is_empty());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_event_comes_after_a_newer_one() {
        let (mut queue, mut rng) = (Queue::default(), Random::new(1));
        endpoint(1.0, 1.0).enqueue(&1.into(), &mut queue, &mut rng);
        endpoint(0.0, 1.0).enqueue(&2.into(), &mut queue, &mut rng);
        assert_eq!(bodies(&mut queue), ["2"]);
        advance(Duration::from_secs(301)).await;
        assert_eq!(bodies(&mut queue), ["1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn of_too_many_the_oldest_are_given_up() {
        let (endpoint, mut queue, mut rng) = (endpoint(0.0, 1.0), Queue::default(), Random::new(1));
        for number in 0..MAX_WAITING + 3 {
            endpoint.enqueue(&number.into(), &mut queue, &mut rng);
        }
        let bodies = bodies(&mut queue);
        assert_eq!((bodies.len(), bodies.first().unwrap().as_ref()), (MAX_WAITING, b"3".as_slice()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_receiver_that_does_not_answer_has_failed_after_15_seconds() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", silent.local_addr().unwrap());
        let endpoint = Endpoint { late: 0.0, ..Endpoint::new(&url, WEBHOOK_SECRET).unwrap() };
        let simulator = Simulator::new(&Plan::default(), "key", jiff::Timestamp::now);
        let mut queue = Queue::default();
        endpoint.enqueue(&"event".into(), &mut queue, &mut Random::new(1));
        let start = Instant::now();
        let attempt = endpoint.attempt(&simulator.0, queue.take_due().unwrap());
        let again = timeout(2 * TIMEOUT, attempt).await.unwrap().unwrap();
        assert_eq!((start.elapsed().as_secs(), again.attempt), (15, 1));
    }

    /// From the documentation of Standard Webhooks.
    #[test]
    fn the_published_example_is_signed_as_published() {
        let endpoint = Endpoint::new("http://host/", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature =
            endpoint.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
