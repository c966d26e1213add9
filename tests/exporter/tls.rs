//! HTTPS to Nectar: trusted with `--nectar.ca-file`, refused without.

use std::sync::Arc;
use std::time::Duration;

use nectar_exporter::simulator::{Plan, Simulator};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_util::sync::CancellationToken;

use crate::support::binary::{Running, nectar_exporter};
use crate::support::clock::TestClock;
use crate::support::program::KEY;

/// Terminates TLS for `localhost` in front of `plain`; returns the URL and the authority's certificate.
async fn https_in_front_of(plain: std::net::SocketAddr) -> (String, String) {
    let mut authority = CertificateParams::new(vec![]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/v2.2", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (outside, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust us breaks off here.
                let Ok(mut outside) = acceptor.accept(outside).await else { return };
                let mut inside = TcpStream::connect(plain).await.unwrap();
                let _ = copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    (url, authority.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn further_certificates_are_trusted() {
    let plan = Plan { companies: 2, connections: 3, accounts: 1, seed: 1, speed: 0.0 };
    let simulator = Simulator::new(&plan, KEY, TestClock::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = listener.local_addr().unwrap();
    tokio::spawn(simulator.serve(vec![listener], CancellationToken::new()));
    let (url, authority) = https_in_front_of(plain).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority).unwrap();

    let trusting = format!("--nectar.ca-file={}", file.display());
    for (flag, outcome) in [(trusting.as_str(), "failures=0"), ("--log.level=info", "reason=connect")] {
        let flags = ["--nectar.base-url", &url, "--web.listen-address=127.0.0.1:0", flag];
        let mut command = nectar_exporter(&flags);
        command.env("NECTAR_API_KEY", KEY);
        let waited = tokio::task::spawn_blocking(move || Running::start(&mut command).wait_for(outcome));
        tokio::time::timeout(Duration::from_secs(60), waited).await.unwrap().unwrap();
    }
}
