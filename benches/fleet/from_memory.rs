//! The least that a server can do that sends what lies in its memory: one loop of writes. nginx sends files, which the system
//! hands on without a copy; no server with text of its own can.
//!
//! Knows just enough HTTP/1.1.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

/// Serves `body` on one connection, until that ends. Returns where.
pub fn serve(body: &[u8]) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let body: Arc<[u8]> = body.into();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        // A request comes whole: it is short, and the next one waits for the answer.
        let mut request = [0; 4096];
        while stream.read(&mut request).is_ok_and(|read| read > 0) {
            if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).is_err() {
                return;
            }
        }
    });
    address
}
