//! Where Alertmanager sends: every message is recorded, as chat text and as a webhook's labels.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::Uri;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::world::now;

/// The labels of a firing alert.
pub type Labels = BTreeMap<String, String>;

/// A message, as Alertmanager sends it to programs.
#[derive(Debug, Clone)]
pub struct Message {
    /// When it came, in Unix seconds.
    pub at: f64,
    /// The receiver, as the routes name it.
    pub receiver: String,
    /// The firing alerts.
    pub alerts: Vec<Labels>,
}

/// A message, as people read it.
#[derive(Debug, Clone)]
pub struct Chat {
    /// The channel.
    pub channel: String,
    /// Title and text.
    pub text: String,
}

#[derive(Debug, Default)]
struct Heard {
    messages: Vec<Message>,
    chats: Vec<Chat>,
}

/// Everything that was told so far.
#[derive(Debug, Clone, Default)]
pub struct Receiver(Arc<Mutex<Heard>>);

impl Receiver {
    /// Listens on a free port until the drill ends; returns the address.
    pub async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = self.clone();
        let routes = async move |uri: Uri, body: Bytes| {
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            if uri.path() == "/chat" {
                heard.chat(&body)
            } else {
                heard.message(&body)
            }
            "ok"
        };
        test_support::serve(listener, Router::new().fallback(routes), CancellationToken::new());
        address
    }

    fn message(&self, body: &Value) {
        let alerts = body["alerts"].as_array().into_iter().flatten();
        let firing = alerts.filter(|alert| alert["status"] == "firing");
        let labels = firing.map(|alert| serde_json::from_value(alert["labels"].clone()).unwrap_or_default());
        let message = Message { at: now(), receiver: text(&body["receiver"]), alerts: labels.collect() };
        self.0.lock().unwrap().messages.push(message);
    }

    fn chat(&self, body: &Value) {
        let attachment = &body["attachments"][0];
        let text_of = format!("{}\n{}", text(&attachment["title"]), text(&attachment["text"]));
        // As chat shows it.
        let text_of = text_of.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let chat = Chat { channel: text(&body["channel"]), text: text_of };
        self.0.lock().unwrap().chats.push(chat);
    }

    /// All messages so far, in order.
    pub fn messages(&self) -> Vec<Message> {
        self.0.lock().unwrap().messages.clone()
    }

    /// All messages to chat so far, in order.
    pub fn chats(&self) -> Vec<Chat> {
        self.0.lock().unwrap().chats.clone()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
