//! A receiver in place of chat and pager: records every message to chat, and ignores the pager.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::Uri;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long a message may take, in real time, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A message that somebody was sent.
#[derive(Debug, Clone)]
pub struct Message {
    /// The channel.
    pub receiver: String,
    /// Title and text.
    pub text: String,
}

impl Message {
    /// Whether it contains all of `words`.
    pub fn has(&self, words: &[&str]) -> bool {
        words.iter().all(|word| self.text.contains(word))
    }
}

/// Everything that was told so far.
#[derive(Debug, Clone, Default)]
pub struct Receiver(Arc<Mutex<Vec<Message>>>);

impl Receiver {
    /// Listens on a free port until the test ends; returns the address.
    pub async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let told = self.clone();
        let routes = async move |uri: Uri, body: Bytes| {
            if uri.path() == "/chat" {
                told.note(&serde_json::from_slice(&body).unwrap_or_default());
            }
            "ok"
        };
        test_support::serve(listener, Router::new().fallback(routes), CancellationToken::new());
        address
    }

    fn note(&self, body: &Value) {
        let attachment = &body["attachments"][0];
        let part = |key: &str| attachment[key].as_str().unwrap_or_default().to_owned();
        let receiver = body["channel"].as_str().unwrap_or_default().to_owned();
        // As chat shows it.
        let text = format!("{}\n{}", part("title"), part("text")).replace("&lt;", "<").replace("&amp;", "&");
        self.0.lock().unwrap().push(Message { receiver, text });
    }

    /// All messages, in order.
    pub fn all(&self) -> Vec<Message> {
        self.0.lock().unwrap().clone()
    }

    /// The messages after the first `known` that contain all of `words`.
    pub fn after(&self, known: usize, words: &[&str]) -> Vec<Message> {
        self.all().into_iter().skip(known).filter(|message| message.has(words)).collect()
    }

    /// Waits for the first message after the first `known` that contains all of `words`.
    pub async fn wait_for(&self, known: usize, words: &[&str]) -> Message {
        let began = Instant::now();
        loop {
            if let Some(message) = self.after(known, words).into_iter().next() {
                return message;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "nobody was told {words:?}, only {:#?}",
                self.after(known, &[])
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
