//! A proxy between the exporter and a simulated Nectar that can fail as a network does: nobody listens, connections break off,
//! certificates are wrong.
//!
//! It serves one request per connection, so that a change of its behaviour affects the very next request.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use nectar_simulator::{Scope, Simulator};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;

/// How a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Closed as usual, without a response.
    Closed,
    /// Reset, without a response.
    Reset,
    /// Reset in the middle of the response's body.
    ResetWithinBody,
}

/// A running proxy. Ends with the test.
pub struct FaultyProxy {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    behind: SocketAddr,
    cut: Mutex<Option<(Scope, Cut)>>,
    tls: Mutex<Option<Arc<ServerConfig>>>,
}

impl FaultyProxy {
    /// Serves `simulator`, and a proxy for it at `address`, with TLS if there is a configuration.
    pub async fn of(simulator: &Simulator, address: &str, tls: Option<Arc<ServerConfig>>) -> Self {
        let behind = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared =
            Shared { behind: behind.local_addr().unwrap(), cut: Mutex::new(None), tls: Mutex::new(tls) };
        tokio::spawn(simulator.clone().serve(vec![behind], CancellationToken::new()));
        let mut front = Self { address: address.parse().unwrap(), shared: Arc::new(shared), accepting: None };
        front.come().await;
        front
    }

    /// Breaks connections whose request is in `scope`; with none, everything is passed on.
    pub fn cut(&self, cut: Option<(Scope, Cut)>) {
        *self.shared.cut.lock().unwrap() = cut;
    }

    /// Uses another certificate from now on.
    pub fn certify(&self, tls: Arc<ServerConfig>) {
        *self.shared.tls.lock().unwrap() = Some(tls);
    }

    /// Stops listening: new connections are refused.
    pub async fn go(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            // The socket is closed only after that.
            let _ = accepting.await;
        }
    }

    /// Listens again, at the same address as before.
    pub async fn come(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        let shared = Arc::clone(&self.shared);
        self.accepting = Some(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&shared).welcome(stream));
            }
        }));
    }
}

impl Shared {
    async fn welcome(self: Arc<Self>, outside: TcpStream) {
        let tls = self.tls.lock().unwrap().clone();
        let Some(tls) = tls else { return self.respond(outside).await };
        // A client that does not trust the certificate gives up here.
        if let Ok(stream) = TlsAcceptor::from(tls).accept(outside).await {
            self.pass_on(stream).await;
        }
    }

    async fn respond(&self, mut outside: TcpStream) {
        let Some(head) = head(&mut outside).await else { return };
        let cut = self.cut.lock().unwrap().clone();
        let cut = cut.filter(|(scope, _)| concerns(scope, &head)).map(|(_, cut)| cut);
        match cut {
            None => send(&mut outside, &self.ask(&head).await).await,
            Some(Cut::Closed) => {}
            Some(Cut::Reset) => reset(outside),
            Some(Cut::ResetWithinBody) => {
                let response = self.ask(&head).await;
                let body = response.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
                let half = body + (response.len() - body) / 2;
                assert!(half > body, "there is no body to break within");
                outside.write_all(&response[..half]).await.unwrap();
                reset(outside);
            }
        }
    }

    async fn pass_on(&self, mut outside: impl AsyncRead + AsyncWrite + Unpin) {
        let Some(head) = head(&mut outside).await else { return };
        send(&mut outside, &self.ask(&head).await).await;
    }

    /// The whole response to a request.
    async fn ask(&self, head: &str) -> Vec<u8> {
        let mut inside = TcpStream::connect(self.behind).await.unwrap();
        let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        inside.write_all(head.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        // If the simulator breaks off, so does the proxy.
        let _ = inside.read_to_end(&mut response).await;
        response
    }
}

/// Closes with a reset instead of an orderly end.
fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
}

async fn send(outside: &mut (impl AsyncWrite + Unpin), response: &[u8]) {
    // If the client has left, there is nothing to do.
    let _ = outside.write_all(response).await;
    let _ = outside.shutdown().await;
}

/// The head of a request, if one comes.
async fn head(outside: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(outside.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// As in the simulator, but by the request line.
fn concerns(scope: &Scope, head: &str) -> bool {
    let target = head.split(' ').nth(1).unwrap_or_default();
    match scope {
        Scope::Everything => true,
        Scope::Ping => target.ends_with("/ping"),
        Scope::CompanyList => target.ends_with("/company"),
        Scope::Company(id) => target.contains(id),
        Scope::Page(id, page) => target.contains(id) && target.contains(&format!("page={page}&")),
    }
}
