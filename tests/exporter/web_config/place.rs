//! A folder with a web configuration and what it names, an exporter that serves by it, and clients.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use reqwest::{ClientBuilder, Response};
use tempfile::TempDir;

use test_support::PATIENCE;
use test_support::clock::TestClock;
use test_support::exporter::Exporter;

/// Stands in every secret here.
pub const PLANTED: &str = "sim-secret";
/// A password.
pub const PASSWORD: &str = "sim-secret-password";
/// How often the exporter polls its files.
const POLL_EVERY: Duration = Duration::from_secs(2);
/// The usual section for TLS.
pub const TLS: &str = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n";

pub use test_support::authority::Authority;

/// A folder with `cert.pem`, `key.pem`, `ca.pem` and `web.yml`.
pub struct Place {
    pub folder: TempDir,
    pub authority: Authority,
}

impl Place {
    pub fn new(web: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), authority: Authority::new() };
        let (certificate, key) = place.authority.issue();
        place.write("cert.pem", certificate);
        place.write("key.pem", key);
        place.write("ca.pem", place.authority.pem());
        place.write("web.yml", web);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes as editors do: a new file in place of the old one.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let beside = self.path("new");
        std::fs::write(&beside, content).unwrap();
        std::fs::rename(beside, self.path(name)).unwrap();
    }

    pub fn flag(&self) -> String {
        format!("--web.config.file={}", self.path("web.yml").display())
    }

    /// An exporter that serves by it. Its Nectar is not there, which does not matter here.
    pub async fn serve(&self) -> Exporter {
        Exporter::start("http://127.0.0.1:1/v2.2", &[&self.flag()], TestClock::new()).await
    }
}

/// `GET path` by this client.
pub async fn get(client: ClientBuilder, program: &Exporter, path: &str) -> reqwest::Result<Response> {
    client.build().unwrap().get(format!("{}{path}", program.url)).send().await
}

/// Lets the exporter poll its files once, and act on what it finds.
pub async fn poll_files(program: &Exporter) {
    waits(program).await;
    program.clock.advance(POLL_EVERY);
    waits(program).await;
}

/// Waits until the exporter waits for its next poll of the files.
async fn waits(program: &Exporter) {
    let began = Instant::now();
    while !program.clock.is_awaited(POLL_EVERY) {
        assert!(began.elapsed() < PATIENCE, "the exporter does not wait for a poll of its files");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Lets the exporter poll its files twice: what it finds both times counts.
pub async fn poll_files_twice(program: &Exporter) {
    poll_files(program).await;
    poll_files(program).await;
}

/// The section for these users; each has [`PASSWORD`], hashed at a cost.
pub fn users(of_cost: &[(&str, u32)]) -> String {
    let line = |(name, cost): &(&str, u32)| format!("  {name}: {}\n", bcrypt::hash(PASSWORD, *cost).unwrap());
    format!("basic_auth_users:\n{}", of_cost.iter().map(line).collect::<String>())
}
