//! HTTPS to Nectar: trusted with `--nectar.ca-file`, refused without; and what the log says of it.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use nectar_simulator::{Plan, Simulator};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose};
use tokio_rustls::rustls::ServerConfig;

use test_support::authority::{Authority, as_in_docs, self_signed};
use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::faulty_proxy::FaultyProxy;
use test_support::log::Log;

/// Polls a Nectar with this certificate, trusting `pem`, and returns the first line of the log with `text`.
async fn said(server: Arc<ServerConfig>, pem: &str, text: &str) -> String {
    let plan = Plan { companies: 2, connections: 3, accounts: 1, seed: 1, speed: 0.0 };
    let simulator = Simulator::new(&plan, KEY, wall(&TestClock::new()));
    let front = FaultyProxy::of(&simulator, "127.0.0.1:0", Some(server)).await;
    said_of(front.address.port(), pem, text).await
}

async fn said_of(port: u16, pem: &str, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, pem).unwrap();
    let trusted = format!("--nectar.ca-file={}", file.display());
    let (log, clock) = (Log::begin(), TestClock::skipping(Duration::from_secs(60)));
    let program = Exporter::start(&format!("https://localhost:{port}/v2.2"), &[&trusted], clock).await;
    program.after_polls(1).await;
    log.line_with(text)
}

#[tokio::test]
async fn further_certificates_are_trusted() {
    let authority = Authority::new();
    said(authority.server("localhost"), &authority.pem(), "failures=0").await;
    // It is its own authority, and none for others.
    let (server, pem) = as_in_docs();
    said(server, &pem, "failures=0").await;
}

/// Each can be told from the others, with what to do about it.
#[tokio::test]
async fn what_is_wrong_with_tls_is_named() {
    let authority = Authority::new();
    let trusted = authority.pem();
    let (own_authority, own_pem) = self_signed("localhost", true);
    let (stranger, _) = self_signed("localhost", false);
    let mut nameless = CertificateParams::new(vec![]).unwrap();
    nameless.distinguished_name.push(DnType::CommonName, "localhost");
    let mut for_clients = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    for_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    for (server, pem, cause) in [
        (authority.certify(nameless), &trusted, "has no subjectAltName"),
        (authority.certify(for_clients), &trusted, "is not made for servers"),
        (stranger, &trusted, "signed by nobody who is trusted here"),
        (authority.server("example.org"), &trusted, "is for another name"),
        (authority.expired_server("localhost"), &trusted, "has expired"),
        (own_authority, &own_pem, "basicConstraints=CA:FALSE"),
    ] {
        names(&said(server, pem, "cannot be read").await, cause);
    }
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = plain.local_addr().unwrap().port();
    // It answers whatever comes, and does not wait for a request.
    std::thread::spawn(move || {
        plain
            .incoming()
            .for_each(|client| drop(client.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")))
    });
    names(&said_of(port, &trusted, "cannot be read").await, "does not speak TLS");
}

fn names(line: &str, cause: &str) {
    for part in ["reason=tls", "host=localhost", cause, "--nectar.ca-file"] {
        assert!(line.contains(part), "{part} is not in: {line}");
    }
}
