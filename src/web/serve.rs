//! The accept loop: sockets in, answers out, with limits, until told to stop.
//!
//! Knows connections and time limits. Must not know what is answered.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::answer::{Answer, Request};
use super::door::Door;

/// What one client may cost us.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections open at once; further ones wait in the kernel.
    pub connections: usize,
    /// Bytes of request line and headers together; more is answered with 431.
    pub header_bytes: usize,
    /// For a TLS handshake, for a request's headers to arrive, and for an idle connection to be used again.
    pub header_time: Duration,
    /// For a client that takes nothing of an answer.
    pub write_time: Duration,
    /// For requests under way when the program is told to stop.
    pub drain_time: Duration,
}

impl Default for Limits {
    /// The header time is no usual scrape interval, so that closing an idle connection and its next scrape do not collide.
    fn default() -> Self {
        Self {
            connections: 256,
            header_bytes: 16 * 1024,
            header_time: Duration::from_secs(12),
            write_time: Duration::from_secs(30),
            drain_time: Duration::from_secs(4),
        }
    }
}

/// Serves `routes` on all `listeners`, in plain HTTP, until `stop`; see [`serve_through`].
pub async fn serve<R, F>(listeners: Vec<TcpListener>, limits: Limits, routes: R, stop: CancellationToken)
where
    R: Fn(Request) -> F + Clone + Send + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    serve_through(Door::Plain, listeners, limits, routes, stop).await;
}

/// Serves `routes` on all `listeners`, behind `door`, until `stop`, then finishes what is under way, within
/// `limits.drain_time`.
pub async fn serve_through<R, F>(
    door: Door,
    listeners: Vec<TcpListener>,
    limits: Limits,
    routes: R,
    stop: CancellationToken,
) where
    R: Fn(Request) -> F + Clone + Send + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    let entrance = Entrance { door, limits, routes, places, stop: stop.clone() };
    let loops = listeners.into_iter().map(|listener| entrance.clone().accept_loop(listener, &graceful));
    tokio::select! {
        () = stop.cancelled() => {}
        _ = join_all(loops) => {}
    }
    if tokio::time::timeout(limits.drain_time, graceful.shutdown()).await.is_err() {
        debug!(msg = "Some clients were cut off: they took too long after the stop signal");
    }
}

/// What every connection of a server shares.
#[derive(Clone)]
struct Entrance<R> {
    door: Door,
    limits: Limits,
    routes: R,
    places: Arc<Semaphore>,
    stop: CancellationToken,
}

impl<R, F> Entrance<R>
where
    R: Fn(Request) -> F + Clone + Send + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    async fn accept_loop(self, listener: TcpListener, graceful: &GracefulShutdown) {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _peer)) => {
                    tokio::spawn(self.clone().connection(stream, place, graceful.watcher()));
                }
                Err(error) => {
                    // Out of descriptors, or a client that left at once. Neither may end or spin the loop.
                    debug!(msg = "A connection could not be accepted", error = %error);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn connection(self, stream: TcpStream, _place: OwnedSemaphorePermit, watcher: Watcher) {
        let Self { door, limits, routes, stop, .. } = self;
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.write_time));
        let entered = tokio::select! {
            // Nobody who is still at the door may hold up the end.
            () = stop.cancelled() => return,
            entered = tokio::time::timeout(limits.header_time, door.enter(stream)) => entered,
        };
        let stream = match entered {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return debug!(msg = "A TLS handshake failed", error = %error),
            Err(_) => return debug!(msg = "A TLS handshake took too long"),
        };
        let service = service_fn(move |request| {
            let answer = routes(request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_time)
            .max_header_size(limits.header_bytes)
            .serve_connection(TokioIo::new(stream), service);
        // A client that breaks off is its own affair.
        if let Err(error) = watcher.watch(connection).await {
            debug!(msg = "A client's connection ended early", error = %error);
        }
    }
}
