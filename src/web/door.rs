//! What stands between a socket and HTTP: nothing, or TLS.
//!
//! Knows handshakes. Must not know where certificates come from, or what is spoken inside.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// What Go's servers say, too.
const WRONG_SCHEME: &[u8] = b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
                              Client sent an HTTP request to an HTTPS server.\n";

/// Bytes that go both ways.
pub trait Transport: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Transport for T {}

/// How clients come in.
#[derive(Clone)]
pub enum Door {
    /// Plain HTTP.
    Plain,
    /// HTTP over TLS; asked anew for each connection, so that certificates can change.
    Tls(Arc<dyn Fn() -> Option<Arc<ServerConfig>> + Send + Sync>),
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Tls(_) => "Tls",
        })
    }
}

impl Door {
    /// Whether a client speaks plain HTTP where TLS is spoken. It is told so, in a sentence. Takes as long as the client likes.
    pub(super) async fn turns_away(&self, stream: &TcpStream) -> bool {
        if matches!(self, Self::Plain) || !speaks_http(stream).await {
            return false;
        }
        // What was not read when a socket is closed can take the answer with it. Nobody waits for a client that is wrong here.
        let _ = stream.try_read(&mut [0; 4096]);
        let _ = stream.try_write(WRONG_SCHEME);
        true
    }

    /// Lets a client in. It takes as long as the client likes: give it a time limit.
    ///
    /// # Errors
    /// When the handshake fails, most often because one side does not trust the other.
    pub(super) async fn enter(
        &self,
        stream: TimeoutStream<TcpStream>,
    ) -> io::Result<Pin<Box<dyn Transport>>> {
        let Self::Tls(config) = self else { return Ok(Box::pin(stream)) };
        let config = config().ok_or(io::ErrorKind::Unsupported)?;
        Ok(Box::pin(TlsAcceptor::from(config).accept(Box::pin(stream)).await?))
    }
}

/// Whether the first byte is of a method of HTTP: a handshake begins with another.
async fn speaks_http(stream: &TcpStream) -> bool {
    let mut first = [0];
    matches!(stream.peek(&mut first).await, Ok(1)) && first[0].is_ascii_uppercase()
}
