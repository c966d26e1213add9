//! Requests to Nectar: limits, timeouts, the key, retries.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{Certificate, Proxy, Response, StatusCode, redirect};
use secrecy::ExposeSecret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tracing::debug;
use url::Url;

use super::attempt_error::{AttemptError, date, is_page, words_of_response};
use super::body::{Unread, read_body};
use super::decode::{self, CompanyList, Page};
use super::key::Key;
use super::pacing::Pacing;
use super::retry::Backoff;
use super::settings::{Certificates, Settings};
use crate::clock::SharedClock;
use crate::failure::{ReadError, Reason};
use crate::observe::{Endpoint, ObserveRequests};
use crate::worker::{Priority, SpawnError, Worker};

/// The header that carries the key.
const KEY_HEADER: &str = "X-API-Key";
/// Time limit for name resolution and for the TCP and TLS handshakes. Always shorter than the request timeout, so that the two can be
/// told apart.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than between two requests of a poll. Until the next poll, an open connection is of no use to either side.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// The most header lines that a response may have. With more, it is not read.
const MAX_HEADERS: usize = 1000;

/// Turns a body into what was asked for; none if it is something else. The timestamp is now, for recognising times in the future.
type Decode<T> = fn(&[u8], Timestamp) -> Option<T>;

/// Why the client could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file given with `--nectar.ca-file` contains no certificate.
    #[error("{0} (--nectar.ca-file) holds no certificate in PEM form that can be used")]
    NoCertificate(PathBuf),
    /// One of its certificates cannot be used.
    #[error(
        "{0} (--nectar.ca-file): its certificate number {1} cannot be used; take it out, or put a good one in its place"
    )]
    BadCertificate(PathBuf, usize),
    /// No trusted certificates were found.
    #[error(
        "TLS cannot be set up: no trusted certificates were found; install the package ca-certificates, or name a file with \
         --nectar.ca-file (SSL_CERT_FILE and SSL_CERT_DIR, where they are set, say where to look)"
    )]
    Tls,
    /// The address of the proxy cannot be used.
    #[error("the address of the proxy cannot be used; look at HTTPS_PROXY, HTTP_PROXY and ALL_PROXY")]
    Proxy,
    /// The system gave no thread to decode responses on.
    #[error(transparent)]
    Thread(#[from] SpawnError),
}

/// A client of Nectar's API. Clones share its limits.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    settings: Arc<Settings>,
    key: Arc<Key>,
    requests: Arc<Semaphore>,
    /// Limits responses that are being received, waiting or being decoded, since each may be as large as a response can be. Half as
    /// many more than requests, so that these need not wait for decoding.
    responses: Arc<Semaphore>,
    /// Responses are decoded one at a time: a poll takes one processor, and leaves the others to scrapes.
    decoder: Worker,
    pacing: Pacing,
    clock: SharedClock,
    observer: Arc<dyn ObserveRequests>,
}

impl Client {
    /// Sets up a client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError`], when TLS cannot be set up.
    pub fn new(
        settings: Settings,
        key: impl Into<Arc<Key>>,
        clock: SharedClock,
        observer: Arc<dyn ObserveRequests>,
    ) -> Result<Self, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("nectar-exporter/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .connect_timeout(CONNECT_TIMEOUT.min(settings.request_timeout.mul_f64(0.9)))
            .timeout(settings.request_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            // A redirect would take the key to another host.
            .redirect(redirect::Policy::none())
            .http1_max_headers(MAX_HEADERS)
            // RFC 9112, section 5.2: a header that continues on the next line is to be accepted.
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            // The proxy was already chosen, see nectar::proxy.
            .no_proxy();
        if let Some(proxy) = &settings.proxy {
            let proxy = Proxy::all(proxy.expose_secret()).map_err(|_| ClientError::Proxy)?;
            builder = builder.proxy(proxy);
        }
        let extra = further_certificates(&settings)?;
        let builder = if settings.base_url.scheme() == "http" {
            // Plain HTTP must work even on a machine that has no trusted certificates.
            builder.tls_certs_only(extra)
        } else {
            builder.tls_certs_merge(extra)
        };
        let http = builder.build().map_err(|_| match &settings.extra_certificates {
            Some(Certificates { path, .. }) => ClientError::NoCertificate(path.clone()),
            None => ClientError::Tls,
        })?;
        let at_once = settings.max_concurrent_requests.max(1);
        let [requests, responses] =
            [at_once, at_once + at_once.div_ceil(2)].map(|number| Arc::new(Semaphore::new(number)));
        let pacing = Pacing::new(Arc::clone(&clock));
        let decoder = Worker::start("decoder", Priority::Low)?;
        Ok(Self {
            http,
            settings: Arc::new(settings),
            key: key.into(),
            requests,
            responses,
            decoder,
            pacing,
            clock,
            observer,
        })
    }

    /// The clock that this client uses.
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// What is odd about the key, for people; none if nothing is.
    pub fn key_hint(&self) -> Option<&'static str> {
        self.key.format_warning()
    }

    /// How many requests may be in flight at once.
    pub fn max_concurrent_requests(&self) -> usize {
        self.settings.max_concurrent_requests.max(1)
    }

    /// Begins a poll: all retries are available again, and the key file is read again.
    pub async fn begin_poll(&self) {
        self.pacing.renew_retries();
        self.key.refresh().await;
    }

    /// This client, for a poll or reading that ends at `deadline` by the monotonic clock.
    #[must_use]
    pub fn until(&self, deadline: Duration) -> Self {
        Self { pacing: self.pacing.until(deadline), ..self.clone() }
    }

    /// `GET /company`
    ///
    /// # Errors
    /// Why the last attempt failed.
    pub async fn company_list(&self) -> Result<CompanyList, ReadError> {
        let url = self.url(&["company"]);
        self.get(Endpoint::Company, &url, |body, _now| decode::company_list(body)).await
    }

    /// `GET /connection/company/{id}`, one page of it.
    ///
    /// # Errors
    /// Why the last attempt failed.
    pub async fn page(&self, company: &str, number: u64) -> Result<Page, ReadError> {
        let mut url = self.url(&["connection", "company", company]);
        let limit = self.settings.page_size.to_string();
        url.query_pairs_mut().append_pair("page", &number.to_string()).append_pair("limit", &limit);
        self.get(Endpoint::Connections, &url, decode::page).await
    }

    /// `GET /ping`: whether Nectar accepts the key, and what time it is there, if the response says so. Sent once, and not counted.
    ///
    /// # Errors
    /// Why the request failed.
    pub async fn ping(&self) -> Result<Option<Timestamp>, ReadError> {
        let url = self.url(&["ping"]);
        let asked = self.http.get(url).header(KEY_HEADER, self.key.header()).send().await;
        let response = asked.map_err(|error| self.no_response(&error))?;
        if response.status() != StatusCode::OK {
            return Err(self.refused(&response).into());
        }
        if is_page(response.headers()) {
            return Err(AttemptError::unreadable(words_of_response(&response)).into());
        }
        Ok(date(response.headers()))
    }

    fn refused(&self, response: &Response) -> AttemptError {
        AttemptError::refused(response, &self.settings, self.clock.now())
    }

    fn no_response(&self, error: &reqwest::Error) -> AttemptError {
        AttemptError::no_response(error, &self.settings)
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.settings.base_url.clone();
        // Fails only for a URL that cannot have a path, and the flag's check refuses those.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    async fn get<T: Send + 'static>(
        &self,
        endpoint: Endpoint,
        url: &Url,
        decode: Decode<T>,
    ) -> Result<T, ReadError> {
        let mut backoff = Backoff::default();
        loop {
            let key = self.key.header();
            let failed = match self.request(endpoint, url, &key, decode).await {
                Ok(found) => {
                    self.pacing.regain_retry();
                    return Ok(found);
                }
                Err(failed) => failed,
            };
            if let (Reason::RateLimited, Some(wait)) = (failed.reason, failed.retry_after) {
                // Even if this request is given up, because the next ones would be refused, too.
                self.pacing.pause(wait);
            }
            // Waiting in vain would hide the cause: the requests that still wait would fail for want of time.
            if failed.reason == Reason::RateLimited && !self.pacing.pause_ends_in_time() {
                return Err(failed.into());
            }
            let wait = if self.was_rotated(&failed, &key).await && backoff.use_attempt() {
                Duration::ZERO
            } else {
                let Some(wait) = backoff.next_wait(failed.reason, failed.retry_after) else {
                    return Err(failed.into());
                };
                if !self.pacing.has_time_for(wait) || !self.pacing.may_retry() {
                    return Err(failed.into());
                }
                wait
            };
            debug!(
                msg = "A request will be repeated",
                endpoint = endpoint.label(),
                reason = failed.reason.label(),
                wait_seconds = wait.as_secs_f64(),
            );
            if failed.reason == Reason::RateLimited {
                // A 429 makes the whole program wait: every request waits for the end of the pause.
                self.pacing.pause(wait);
            } else {
                self.clock.sleep(wait).await;
            }
            self.observer.retried(endpoint);
        }
    }

    /// Whether the key that was just refused is no longer the one in the file.
    async fn was_rotated(&self, failed: &AttemptError, refused: &HeaderValue) -> bool {
        if failed.reason != Reason::Auth {
            return false;
        }
        self.key.refresh().await;
        self.key.header() != *refused
    }

    async fn request<T: Send + 'static>(
        &self,
        endpoint: Endpoint,
        url: &Url,
        key: &HeaderValue,
        decode: Decode<T>,
    ) -> Result<T, AttemptError> {
        let permit = Arc::clone(&self.responses).acquire_owned().await.map_err(|_| Reason::Other)?;
        let (code, response, took) = {
            // Released before the response is decoded, so that the next request need not wait for that.
            let _place = self.requests.acquire().await.map_err(|_| Reason::Other)?;
            if !self.pacing.wait_out_pause().await {
                return Err(Reason::RateLimited.into());
            }
            let began = self.clock.monotonic();
            let (code, response) = self.exchange(url, key).await;
            (code, response, self.clock.monotonic().saturating_sub(began))
        };
        let outcome = match response {
            Ok((body, words)) => match self.decoded(body, decode, permit).await {
                Ok(None) => Err(AttemptError::unreadable(words)),
                Ok(Some(decoded)) => Ok(decoded),
                Err(failed) => Err(failed),
            },
            Err(failed) => Err(failed),
        };
        let failure = outcome.as_ref().err().map(|failed| failed.reason);
        self.observer.finished(endpoint, code.map(|code| code.as_u16()), took, failure);
        outcome
    }

    /// Decodes a body on a thread of its own: a large one takes milliseconds, in which no other response could be read. It is decoded
    /// even if nobody waits for it any more, and keeps `permit` until then.
    async fn decoded<T: Send + 'static>(
        &self,
        body: Bytes,
        decode: Decode<T>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Option<T>, AttemptError> {
        let clock = Arc::clone(&self.clock);
        let decoding = self.decoder.run(move || {
            let decoded = decode(&body, clock.now());
            drop((body, permit));
            decoded
        });
        Ok(decoding.await.map_err(|_| Reason::Other)?)
    }

    /// The body of a response, and a description of the response in case the body is not usable.
    async fn exchange(
        &self,
        url: &Url,
        key: &HeaderValue,
    ) -> (Option<StatusCode>, Result<(Bytes, String), AttemptError>) {
        match self.http.get(url.clone()).header(KEY_HEADER, key).send().await {
            Err(error) => (None, Err(self.no_response(&error))),
            Ok(response) if response.status() == StatusCode::OK => {
                let words = words_of_response(&response);
                let body = match read_body(response).await {
                    Ok(body) => Ok((body, words)),
                    Err(Unread::Refused(Reason::Decode)) => Err(AttemptError::unreadable(words)),
                    Err(Unread::Refused(reason)) => Err(reason.into()),
                    Err(Unread::Broken(error)) => Err(self.no_response(&error)),
                };
                (Some(StatusCode::OK), body)
            }
            Ok(response) => (Some(response.status()), Err(self.refused(&response))),
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn further_certificates(settings: &Settings) -> Result<Vec<Certificate>, ClientError> {
    let Some(Certificates { path, pem }) = &settings.extra_certificates else { return Ok(Vec::new()) };
    let mut certificates = Vec::new();
    for (place, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let bad = || ClientError::BadCertificate(path.clone(), place + 1);
        let certificate = certificate.map_err(|_| bad())?;
        RootCertStore::empty().add(certificate.clone()).map_err(|_| bad())?;
        certificates.push(Certificate::from_der(&certificate).map_err(|_| bad())?);
    }
    if certificates.is_empty() {
        return Err(ClientError::NoCertificate(path.clone()));
    }
    Ok(certificates)
}
