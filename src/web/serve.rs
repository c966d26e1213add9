//! The accept loop: sockets in, answers out, with limits, until told to stop.
//!
//! Knows connections and time limits. Must not know what is answered.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::answer::{Answer, Request};
use super::door::Door;
use super::limits::Limits;
use super::noted::{NotedBody, NotedStream};
use super::room::{Guest, Room};
use crate::observe::{ObserveClients, Refusal, Uncounted};
use crate::text;

/// Serves `routes` on all `listeners`, in plain HTTP, until `stop`; see [`serve_through`].
pub async fn serve<R, F>(listeners: Vec<TcpListener>, limits: Limits, routes: R, stop: CancellationToken)
where
    R: Fn(Request) -> F + Clone + Send + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    serve_through(Door::Plain, listeners, limits, routes, Arc::new(Uncounted), stop).await;
}

/// Serves `routes` on all `listeners`, behind `door`, until `stop`, then finishes what is under way, within
/// `limits.drain_time`. `observer` is told of those that are turned away before they reach a route.
pub async fn serve_through<R, F>(
    door: Door,
    listeners: Vec<TcpListener>,
    limits: Limits,
    routes: R,
    observer: Arc<dyn ObserveClients>,
    stop: CancellationToken,
) where
    R: Fn(Request) -> F + Clone + Send + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let graceful = GracefulShutdown::new();
    let room = Room::new(limits, Arc::clone(&observer));
    let failed_handshakes = FailedHandshakes::default();
    let entrance = Entrance {
        door,
        limits,
        routes,
        observer,
        failed_handshakes,
        room: room.clone(),
        stop: stop.clone(),
    };
    let loops = listeners.into_iter().map(|listener| entrance.clone().accept_loop(listener, &graceful));
    tokio::select! {
        () = stop.cancelled() => {}
        _ = join_all(loops) => {}
        () = room.watch() => {}
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
    observer: Arc<dyn ObserveClients>,
    failed_handshakes: FailedHandshakes,
    room: Room,
    stop: CancellationToken,
}

/// Why handshakes failed so far: said once of each cause, and of so many causes at most. Whoever scans ports must not fill the log.
#[derive(Clone, Default)]
struct FailedHandshakes(Arc<Mutex<BTreeSet<String>>>);

impl FailedHandshakes {
    const MAX_CAUSES: usize = 20;

    fn note(&self, error: &io::Error) {
        let cause = text::clean(&error.to_string());
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

impl<R, F> Entrance<R>
where
    R: Fn(Request) -> F + Clone + Send + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    async fn accept_loop(self, listener: TcpListener, graceful: &GracefulShutdown) {
        loop {
            match listener.accept().await {
                Ok((stream, _peer)) => {
                    tokio::spawn(self.clone().connection(stream, graceful.watcher()));
                    // Who had to go for this one closes before the next comes in.
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

    async fn connection(self, stream: TcpStream, watcher: Watcher) {
        let guest = Arc::new(self.room.enter());
        tokio::select! {
            () = guest.has_to_go() => {
                debug!(msg = "A connection was closed: its client was too slow, or idle for longest when a place was needed");
            }
            () = self.attend(stream, &guest, watcher) => {}
        }
    }

    async fn attend(self, stream: TcpStream, guest: &Arc<Guest>, watcher: Watcher) {
        let Self { door, limits, routes, observer, failed_handshakes, stop, .. } = self;
        let is_turned_away = tokio::select! {
            () = stop.cancelled() => return,
            is_turned_away = door.turns_away(&stream) => is_turned_away,
        };
        if is_turned_away {
            return observer.refused(Refusal::Tls);
        }
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.write_time));
        let entered = tokio::select! {
            // Nobody who is still at the door may hold up the end.
            () = stop.cancelled() => return,
            entered = door.enter(stream) => entered,
        };
        let inner = match entered {
            Ok(stream) => stream,
            Err(error) => {
                observer.refused(Refusal::Tls);
                return failed_handshakes.note(&error);
            }
        };
        guest.has_entered();
        let stream = NotedStream::new(inner, Arc::clone(guest));
        let guest = Arc::clone(guest);
        let service = service_fn(move |request: Request| {
            guest.is_answered();
            let guest = Arc::clone(&guest);
            let answer = routes(request);
            async move { Ok::<_, Infallible>(answer.await.map(|inner| NotedBody { inner, guest })) }
        });
        // The room keeps the time for heads: the library's own timer would close idle connections, too.
        let connection = http1::Builder::new()
            .header_read_timeout(None)
            .writev(true)
            .max_header_size(limits.header_bytes)
            .serve_connection(TokioIo::new(stream), service);
        // A client that breaks off is its own affair.
        if let Err(error) = watcher.watch(connection).await {
            if error.is_parse() {
                observer.refused(Refusal::Malformed);
            }
            debug!(msg = "A client's connection ended early", error = %error);
        }
    }
}
