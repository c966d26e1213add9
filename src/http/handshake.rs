//! TLS handshakes, where connections are served over TLS.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// As Go's servers respond.
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
    /// HTTP over TLS. The function is called for each connection, so that certificates can change.
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
    /// The connection, over TLS where that is spoken, with a limit on how long the client may take nothing of what is written. None
    /// where it sends plain HTTP to a TLS port; it is told so. Takes as long as the client likes: give it a time limit.
    ///
    /// # Errors
    /// When the handshake fails, most often because one side does not trust the other.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        write_time: Duration,
    ) -> io::Result<Option<Pin<Box<dyn Transport>>>> {
        if matches!(self, Self::Tls(_)) && speaks_http(&stream).await {
            // Unread bytes make the system reset the connection when it is closed, and the sentence is lost. Nothing is awaited: the
            // client may be slow.
            let _ = stream.try_read(&mut [0; 4096]);
            let _ = stream.try_write(WRONG_SCHEME);
            return Ok(None);
        }
        let mut stream = Box::pin(TimeoutStream::new(stream));
        stream.as_mut().set_write_timeout_pinned(Some(write_time));
        let Self::Tls(config) = self else { return Ok(Some(stream)) };
        let config = config().ok_or(io::ErrorKind::Unsupported)?;
        Ok(Some(Box::pin(TlsAcceptor::from(config).accept(stream).await?)))
    }
}

/// Whether the first byte is that of an HTTP method. A handshake begins with another.
async fn speaks_http(stream: &TcpStream) -> bool {
    let mut first = [0];
    matches!(stream.peek(&mut first).await, Ok(1)) && first[0].is_ascii_uppercase()
}
