//! Who sends webhook events to an exporter, signed by the library of the scheme, and not by what the exporter checks them with.

use std::path::PathBuf;

use reqwest::{RequestBuilder, Response};
use standardwebhooks::Webhook;

use super::exporter::Exporter;

/// The secret in the file. It has in it what must not come out.
pub const SECRET: &str = "whsec_c2ltLXNlY3JldC1zaW0tc2VjcmV0LTAx";
/// Another one.
pub const OTHER_SECRET: &str = "whsec_c2ltLXNlY3JldC1zaW0tc2VjcmV0LTAy";

/// A folder with the file that has the secret.
pub struct SecretPlace(tempfile::TempDir);

impl SecretPlace {
    /// With [`SECRET`] in it.
    pub fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.holds(SECRET);
        place
    }

    /// Writes the file.
    pub fn holds(&self, text: &str) {
        std::fs::write(self.file(), text).unwrap();
    }

    /// Where it is.
    pub fn file(&self) -> PathBuf {
        self.0.path().join("webhook-secret")
    }

    /// Flags that make an exporter receive events, and further ones.
    pub fn flags(&self, further: &[&str]) -> Vec<String> {
        let own = [
            "--webhook.listen-address=127.0.0.1:0".to_owned(),
            format!("--webhook.secret-file={}", self.file().display()),
        ];
        own.into_iter().chain(further.iter().map(|&flag| flag.to_owned())).collect()
    }
}

/// An event that is to be sent.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// Seconds from now to the time at which it claims to be signed.
    pub signed_in: i64,
    /// What it is signed with.
    pub secret: &'static str,
    /// Its body.
    pub body: String,
}

impl Event {
    /// An event of this type, about this connection, and maybe of this company.
    pub fn of(id: &str, event_type: &str, connection: &str, company: Option<&str>) -> Self {
        let company =
            company.map(|id| format!(r#","company":{{"id":"{id}","name":"sim-secret","externalId":null}}"#));
        let company = company.unwrap_or_default();
        let body = format!(
            r#"{{"eventType":"{event_type}","id":"{connection}","username":"sim-secret@mail.example","accounts":[]{company}}}"#
        );
        Self { id: id.to_owned(), signed_in: 0, secret: SECRET, body }
    }

    /// The headers that say who sends it, for an exporter whose time is this, in Unix seconds.
    pub fn headers(&self, now: i64) -> [(&'static str, String); 3] {
        let at = now + self.signed_in;
        let signature = Webhook::new(self.secret).unwrap().sign(&self.id, at, self.body.as_bytes()).unwrap();
        [("svix-id", self.id.clone()), ("svix-timestamp", at.to_string()), ("svix-signature", signature)]
    }

    /// This event as a request to `url`.
    pub fn request(&self, http: &reqwest::Client, url: &str, now: i64) -> RequestBuilder {
        let request = http.post(url).body(self.body.clone());
        self.headers(now).into_iter().fold(request, |request, (name, value)| request.header(name, value))
    }
}

impl Exporter {
    /// A request with this event, for changes before it is sent.
    pub fn request(&self, event: &Event) -> RequestBuilder {
        let url = self.webhook_url.as_ref().expect("an exporter that receives events");
        event.request(&self.http, url, self.clock.wall_seconds())
    }

    /// Sends an event.
    pub async fn send(&self, event: &Event) -> Response {
        self.request(event).send().await.unwrap()
    }
}
