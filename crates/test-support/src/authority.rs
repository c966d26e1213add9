//! Certificates for a Nectar behind TLS, good ones and bad ones.

use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate authority that signs whatever it is asked to.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new authority, which nobody trusts yet.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate, for those that should trust it.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server with a certificate for `name`.
    pub fn server(&self, name: &str) -> Arc<ServerConfig> {
        self.certify(CertificateParams::new(vec![name.to_owned()]).unwrap())
    }

    /// A server with a certificate for `name` that expired long ago.
    pub fn expired_server(&self, name: &str) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.certify(params)
    }

    /// A server with a certificate as in `params`.
    pub fn certify(&self, params: CertificateParams) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        server(certificate.der().clone(), key)
    }

    /// A certificate for `localhost`, and its key.
    pub fn issue(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (certificate.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// What a client shows to prove who it is.
    pub fn identity(&self) -> Identity {
        let (certificate, key) = self.issue();
        Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap()
    }

    /// A client that trusts this authority alone, and connects anew for each request.
    pub fn client(&self) -> ClientBuilder {
        let trusted = Certificate::from_pem(self.pem().as_bytes()).unwrap();
        Client::builder().tls_certs_only([trusted]).pool_max_idle_per_host(0)
    }
}

/// A server with a self-signed certificate, and that certificate.
pub fn self_signed(name: &str, is_authority: bool) -> (Arc<ServerConfig>, String) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "A server that nobody else has signed");
    params.is_ca = match is_authority {
        true => IsCa::Ca(BasicConstraints::Unconstrained),
        false => IsCa::ExplicitNoCa,
    };
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    (server(certificate.der().clone(), private), certificate.pem())
}

/// A server with the certificate that the command in docs/tls.md makes, and that certificate.
pub fn as_in_docs() -> (Arc<ServerConfig>, String) {
    let page = std::fs::read_to_string(super::in_checkout("docs/tls.md")).unwrap();
    let line = page.split_once("\nopenssl req ").unwrap().1.replace("\\\n", " ");
    let line = format!("openssl req {}", line.lines().next().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("sh").args(["-c", &line]).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{line}: {}", String::from_utf8_lossy(&made.stderr));
    let certificate = CertificateDer::from_pem_file(folder.path().join("cert.pem")).unwrap();
    let private = PrivateKeyDer::from_pem_file(folder.path().join("key.pem")).unwrap();
    (server(certificate, private), std::fs::read_to_string(folder.path().join("cert.pem")).unwrap())
}

fn server(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> Arc<ServerConfig> {
    let chain = vec![certificate];
    Arc::new(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap())
}
