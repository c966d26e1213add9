//! The accept loop: connections are accepted and served within limits, until the stop signal; then they are drained.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::Response;
use futures::future::join_all;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::connection_limiter::{ConnectionGuard, ConnectionLimiter};
use super::handshake::TlsMode;
use super::limits::Limits;
use super::tracked::{TrackedIo, tracked_body};
use crate::observe::{ObserveClients, Refusal};
use crate::sanitize;

/// A request as it came in.
pub type Request = hyper::Request<Incoming>;

/// Serves `routes` on all `listeners`, until `stop`, then finishes what is under way, within `limits.drain_time`. `observer` is
/// told of clients that are refused before they reach a route.
pub async fn serve<R, F>(
    tls: TlsMode,
    listeners: Vec<TcpListener>,
    limits: Limits,
    routes: R,
    observer: Arc<dyn ObserveClients>,
    stop: CancellationToken,
) where
    R: Fn(Request) -> F + Clone + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let graceful = GracefulShutdown::new();
    let connections = ConnectionLimiter::new(limits, Arc::clone(&observer));
    let failed_handshakes = FailedHandshakes::default();
    let acceptor = Acceptor {
        tls,
        limits,
        routes,
        observer,
        failed_handshakes,
        connections: connections.clone(),
        stop: stop.clone(),
    };
    let loops = listeners.into_iter().map(|listener| acceptor.clone().accept_loop(listener, &graceful));
    tokio::select! {
        () = stop.cancelled() => {}
        _ = join_all(loops) => {}
        () = connections.watch() => {}
    }
    if tokio::time::timeout(limits.drain_time, graceful.shutdown()).await.is_err() {
        debug!(msg = "Some clients were cut off: they took too long after the stop signal");
    }
}

/// What every connection of a server shares.
#[derive(Clone)]
struct Acceptor<R> {
    tls: TlsMode,
    limits: Limits,
    routes: R,
    observer: Arc<dyn ObserveClients>,
    failed_handshakes: FailedHandshakes,
    connections: ConnectionLimiter,
    stop: CancellationToken,
}

/// The causes of failed handshakes so far. Each is logged once, up to a limit: a port scan must not fill the log.
#[derive(Clone, Default)]
struct FailedHandshakes(Arc<Mutex<BTreeSet<String>>>);

impl FailedHandshakes {
    const MAX_CAUSES: usize = 20;

    fn note(&self, error: &io::Error) {
        let cause = sanitize::clean(&error.to_string());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < Self::MAX_CAUSES && known.insert(cause.clone()) {
            info!(
                msg = "A TLS handshake failed; further ones for this cause are counted, and not logged",
                cause
            );
        } else {
            debug!(msg = "A TLS handshake failed", cause);
        }
    }
}

impl<R, F> Acceptor<R>
where
    R: Fn(Request) -> F + Clone + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    async fn accept_loop(self, listener: TcpListener, graceful: &GracefulShutdown) {
        loop {
            match listener.accept().await {
                Ok((stream, _peer)) => {
                    // Here and not in the task, which can begin later than that of a younger connection: then the older one would
                    // count as the younger, and others be closed for it.
                    let guard = Arc::new(self.connections.admit());
                    tokio::spawn(self.clone().connection(stream, guard, graceful.watcher()));
                    // Lets a connection that is closed for this one end.
                    tokio::task::yield_now().await;
                }
                Err(error) => {
                    // Out of descriptors, or a client that left at once. Neither may end or spin the loop.
                    debug!(msg = "A connection could not be accepted", error = %error);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn connection(self, stream: TcpStream, guard: Arc<ConnectionGuard>, watcher: Watcher) {
        tokio::select! {
            () = guard.evicted() => {
                debug!(msg = "A connection was closed: its client was too slow, or idle for longest when the limit was reached");
            }
            () = self.serve_connection(stream, &guard, watcher) => {}
        }
    }

    async fn serve_connection(self, stream: TcpStream, guard: &Arc<ConnectionGuard>, watcher: Watcher) {
        let Self { tls, limits, routes, observer, failed_handshakes, stop, .. } = self;
        let _ = stream.set_nodelay(true);
        let accepted = tokio::select! {
            // A handshake must not hold up the drain.
            () = stop.cancelled() => return,
            accepted = tls.accept(stream, limits.write_time) => accepted,
        };
        let inner = match accepted {
            Ok(Some(stream)) => stream,
            Ok(None) => return observer.refused(Refusal::Tls),
            Err(error) => {
                observer.refused(Refusal::Tls);
                return failed_handshakes.note(&error);
            }
        };
        guard.handshake_done();
        let stream = TrackedIo::new(inner, Arc::clone(guard));
        let guard = Arc::clone(guard);
        let service = service_fn(move |request: Request| {
            guard.responding();
            let guard = Arc::clone(&guard);
            let has_body = !request.body().is_end_stream();
            let response = routes(request);
            async move {
                let response = response.await;
                // One that was not read ends the connection.
                if has_body {
                    guard.body_ended();
                }
                Ok::<_, Infallible>(response.map(|body| tracked_body(body, guard)))
            }
        });
        // The connection limiter times the heads of requests: the library's own timer would close idle connections, too.
        let connection = http1::Builder::new()
            .header_read_timeout(None)
            .writev(true)
            .max_header_size(limits.header_bytes)
            .serve_connection(TokioIo::new(stream), service);
        // A client that breaks off is no fault of ours.
        if let Err(error) = watcher.watch(connection).await {
            if error.is_parse() {
                observer.refused(Refusal::Malformed);
            }
            debug!(msg = "A client's connection ended early", error = %error);
        }
    }
}
