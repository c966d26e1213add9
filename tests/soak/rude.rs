//! Clients that leave early, send garbage, or stay without asking.

use std::collections::VecDeque;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How many may stay without asking; then the oldest one leaves.
const STAYING: usize = 12;

/// How a client behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    LeavesAtOnce,
    LeavesWithinHead,
    LeavesWithinBody,
    LeavesWithManyAsked,
    StaysWithinHead,
    SendsGarbage,
    SendsLargeHead,
    AsksForWhatIsNot,
    Posts,
    LooksAtThePages,
}

impl Manner {
    pub const ALL: [Self; 10] = [
        Self::LeavesAtOnce,
        Self::LeavesWithinHead,
        Self::LeavesWithinBody,
        Self::LeavesWithManyAsked,
        Self::StaysWithinHead,
        Self::SendsGarbage,
        Self::SendsLargeHead,
        Self::AsksForWhatIsNot,
        Self::Posts,
        Self::LooksAtThePages,
    ];
}

/// The clients, one after the other.
pub struct Visitors {
    address: String,
    staying: VecDeque<TcpStream>,
    pub seen: u64,
}

impl Visitors {
    pub fn new(url: &str) -> Self {
        Self { address: url.trim_start_matches("http://").to_owned(), staying: VecDeque::new(), seen: 0 }
    }

    pub async fn come(&mut self, manners: &[Manner]) {
        for manner in manners {
            self.one(*manner).await;
            self.seen += 1;
        }
    }

    /// All clients that stayed leave.
    pub fn leave(&mut self) {
        self.staying.clear();
    }

    async fn one(&mut self, manner: Manner) {
        const SCRAPE: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        match manner {
            Manner::LeavesAtOnce => {}
            Manner::LeavesWithinHead => send(&mut stream, "GET /metrics HT").await,
            Manner::LeavesWithinBody => {
                send(&mut stream, SCRAPE).await;
                stream.read_exact(&mut [0; 1024]).await.unwrap();
            }
            Manner::LeavesWithManyAsked => send(&mut stream, &SCRAPE.repeat(4)).await,
            Manner::StaysWithinHead => {
                send(&mut stream, "GET /metrics HTTP/1.1\r\nHost:").await;
                self.staying.push_back(stream);
                if self.staying.len() > STAYING {
                    self.staying.pop_front();
                }
            }
            Manner::SendsGarbage => {
                // The beginning of a TLS handshake, for instance.
                send(&mut stream, "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\r\n\r\n").await;
                expect(stream, "400").await;
            }
            Manner::SendsLargeHead => {
                let head = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "a".repeat(20_000));
                // The response comes before the end of the request: a connection that is closed by then takes no more.
                let _ = stream.write_all(head.as_bytes()).await;
                expect(stream, "431").await;
            }
            Manner::AsksForWhatIsNot => ask(stream, "GET", "/../../etc/passwd", "404").await,
            Manner::Posts => ask(stream, "POST", "/metrics", "405").await,
            Manner::LooksAtThePages => {
                for path in ["/", "/-/healthy", "/-/ready"] {
                    ask(TcpStream::connect(&self.address).await.unwrap(), "GET", path, "200").await;
                }
            }
        }
    }
}

async fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

async fn ask(mut stream: TcpStream, method: &str, path: &str, code: &str) {
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    send(&mut stream, &head).await;
    expect(stream, code).await;
}

/// Reads to the end. A server that still had something to read may reset the connection after its response.
async fn expect(mut stream: TcpStream, code: &str) {
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with(&format!("HTTP/1.1 {code}")) || end.is_err(), "{code} was due: {answer}");
}
