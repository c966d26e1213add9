//! The client that scrapes: one connection that is kept open, a whole body that is read and thrown away. The same for everything that
//! is scraped; it knows just enough of HTTP/1.1.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::chunks::Chunks;

/// The most that one read returns.
const BUFFER: usize = 256 * 1024;

/// A connection, and the one request that is sent on it.
pub struct Wire {
    stream: TcpStream,
    request: String,
    buffer: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub fn to(address: SocketAddr, path: &str, gzip: bool) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let encoding = if gzip { "Accept-Encoding: gzip\r\n" } else { "" };
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{encoding}\r\n");
        Self { stream, request, buffer: vec![0; BUFFER] }
    }

    /// The time until the last byte of a response is here.
    pub fn time(&mut self) -> Duration {
        let began = Instant::now();
        self.exchange(&mut |_| {});
        began.elapsed()
    }

    /// The body of a response.
    pub fn body(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        self.exchange(&mut |bytes| body.extend_from_slice(bytes));
        body
    }

    fn exchange(&mut self, data: &mut impl FnMut(&[u8])) {
        self.stream.write_all(self.request.as_bytes()).unwrap();
        let (head, rest) = self.head();
        let first = head.lines().next().unwrap_or_default();
        assert!(first.starts_with("HTTP/1.1 200"), "{first}");
        let field = |name: &str| {
            let mut fields = head.lines().filter_map(|line| line.split_once(": "));
            fields.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then(|| value.to_owned()))
        };
        match field("content-length") {
            Some(length) => self.sized(length.parse().unwrap(), rest, data),
            None => {
                assert_eq!(field("transfer-encoding").as_deref(), Some("chunked"));
                self.chunked(rest, data);
            }
        }
    }

    /// The head of a response, and where in the buffer the bytes after it are.
    fn head(&mut self) -> (String, std::ops::Range<usize>) {
        let mut filled = 0;
        loop {
            let end = self.buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
                return (head, end + 4..filled);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).unwrap();
            assert!(read > 0, "the connection ended before the answer");
            filled += read;
        }
    }

    fn sized(&mut self, length: usize, rest: std::ops::Range<usize>, data: &mut impl FnMut(&[u8])) {
        let mut left = length - rest.len();
        data(&self.buffer[rest]);
        while left > 0 {
            let read = self.stream.read(&mut self.buffer).unwrap();
            assert!(read > 0 && read <= left, "the body has another length than was said");
            data(&self.buffer[..read]);
            left -= read;
        }
    }

    fn chunked(&mut self, rest: std::ops::Range<usize>, data: &mut impl FnMut(&[u8])) {
        let mut chunks = Chunks::new();
        chunks.take(&self.buffer[rest], data);
        while !chunks.is_over() {
            let read = self.stream.read(&mut self.buffer).unwrap();
            assert!(read > 0, "the connection ended before the body");
            chunks.take(&self.buffer[..read], data);
        }
    }
}
