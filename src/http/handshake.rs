//! TLS handshakes, where connections are served over TLS.

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

/// Whether connections are served over TLS.
#[derive(Clone)]
pub enum TlsMode {
    /// Plain HTTP.
    Plain,
    /// HTTP over TLS; asked anew for each connection, so that certificates can change.
    Tls(Arc<dyn Fn() -> Option<Arc<ServerConfig>> + Send + Sync>),
}

impl fmt::Debug for TlsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Tls(_) => "Tls",
        })
    }
}

impl TlsMode {
    /// Whether the client sends plain HTTP to a TLS port. If so, it is told in a sentence. Waits for its first byte, however long that
    /// takes.
    pub(super) async fn rejects_plain_http(&self, stream: &TcpStream) -> bool {
        if matches!(self, Self::Plain) || !speaks_http(stream).await {
            return false;
        }
        // Unread bytes make the system reset the connection when it is closed, and the sentence is lost. Nothing is awaited: the
        // client may be slow.
        let _ = stream.try_read(&mut [0; 4096]);
        let _ = stream.try_write(WRONG_SCHEME);
        true
    }

    /// Does the handshake. It takes as long as the client likes: give it a time limit.
    ///
    /// # Errors
    /// When the handshake fails, most often because one side does not trust the other.
    pub(super) async fn handshake(
        &self,
        stream: TimeoutStream<TcpStream>,
    ) -> io::Result<Pin<Box<dyn Transport>>> {
        let Self::Tls(config) = self else { return Ok(Box::pin(stream)) };
        let config = config().ok_or(io::ErrorKind::Unsupported)?;
        Ok(Box::pin(TlsAcceptor::from(config).accept(Box::pin(stream)).await?))
    }
}

/// Whether the first byte is that of an HTTP method. A handshake begins with another.
async fn speaks_http(stream: &TcpStream) -> bool {
    let mut first = [0];
    matches!(stream.peek(&mut first).await, Ok(1)) && first[0].is_ascii_uppercase()
}
