//! `tls_server_config`: the TLS server's settings, from the section and its PEM files.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretSlice};
use serde_saphyr::Spanned;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::NoClientAuth;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{Error, RootCertStore, ServerConfig};

use super::client_auth::{ClientAuth, KINDS};
use super::fault::ConfigIssue;
use super::files::Files;
use super::tls_section::{TlsSection, named, wrong};
use super::versions::offer;
use super::yaml::{Text, given};

const MISMATCH: &str =
    "the private key belongs to another certificate; use the two that were created together";
const UNUSABLE: &str = "the certificate or the private key is of a kind that is not supported; create them again: an X.509 \
                        version 3 certificate, and a key that is RSA of 2048 bits or more, ECDSA on P-256 or P-384, or \
                        Ed25519";
const CLIENT_CA_UNUSED: &str = "client certificates are not checked against it with this client_auth_type; take \
                                RequireAndVerifyClientCert or VerifyClientCertIfGiven, or leave out the file";
const NEEDS_CLIENT_CA: &str =
    "this needs client_ca_file: the authorities that client certificates are checked against";
const BAD_CERTIFICATE: &str = "has a certificate that cannot be read; create it again";

/// The system's limit: a longer text cannot be a path.
const MAX_PATH_BYTES: usize = 4096;

/// From the section and the files that it names.
pub(super) fn server_config(
    section: &Spanned<TlsSection>,
    files: &mut Files,
) -> Result<Arc<ServerConfig>, ConfigIssue> {
    let tls = &section.value;
    let missing = |key| {
        let what = format!("{key} is missing; give the path of the PEM file");
        ConfigIssue::at(section, &["tls_server_config"], what)
    };
    let (versions, provider) = offer(tls)?;
    let provider = Arc::new(provider);
    let certificate = pem(files, ("cert_file", &tls.cert_file), ("cert", &tls.cert))?;
    let key = pem(files, ("key_file", &tls.key_file), ("key", &tls.key))?;
    let verifier = client_verifier(tls, files, &provider)?;
    let certificate = certificate.ok_or_else(|| missing("cert_file"))?;
    let key = key.ok_or_else(|| missing("key_file"))?;
    let unusable = |error| {
        key.wrong(match error {
            Error::InconsistentKeys(_) => MISMATCH,
            _ => UNUSABLE,
        })
    };
    let (chain, secret) = (certificate.certificates()?, key.private_key()?);
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions);
    let builder = builder.map_err(unusable)?.with_client_cert_verifier(verifier);
    let mut config = builder.with_single_cert(chain, secret).map_err(unusable)?;
    config.ignore_client_order = tls.prefer_server_cipher_suites.unwrap_or(true);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn client_verifier(
    tls: &TlsSection,
    files: &mut Files,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, ConfigIssue> {
    let authorities = pem(files, ("client_ca_file", &tls.client_ca_file), ("client_ca", &tls.client_ca))?;
    let Some(text) = given(&tls.client_auth_type) else {
        return match authorities {
            Some(pem) => Err(pem.wrong(CLIENT_CA_UNUSED)),
            None => Ok(Arc::new(NoClientAuth)),
        };
    };
    let kind = named("client_auth_type", text, &KINDS)?;
    let mut known = RootCertStore::empty();
    if let Some(pem) = authorities {
        if !matches!(kind, ClientAuth::Verified { .. }) {
            return Err(pem.wrong(CLIENT_CA_UNUSED));
        }
        for certificate in pem.certificates()? {
            known.add(certificate).map_err(|_| pem.unreadable(BAD_CERTIFICATE))?;
        }
    }
    // None where certificates are to be checked and there is no authority to check them against.
    kind.verifier(known, provider).ok_or_else(|| wrong("client_auth_type", text, NEEDS_CLIENT_CA))
}

/// PEM text, and where it came from.
struct Pem<'a> {
    key: &'static str,
    place: &'a Text,
    /// The file's name, as messages show it.
    origin: String,
    text: SecretSlice<u8>,
}

/// A key and its value.
type Entry<'a> = (&'static str, &'a Option<Text>);

/// The contents of the file that `by_file` names, or the value of `inline` itself.
fn pem<'a>(files: &mut Files, by_file: Entry<'a>, inline: Entry<'a>) -> Result<Option<Pem<'a>>, ConfigIssue> {
    let (key, place, origin, text) = match (given(by_file.1), given(inline.1)) {
        (None, None) => return Ok(None),
        (Some(_), Some(place)) => {
            let what = format!("{} and {} are both given; give one of them", by_file.0, inline.0);
            return Err(wrong(inline.0, place, what));
        }
        (Some(place), None) => {
            let path = path(place, files).map_err(|what| wrong(by_file.0, place, what))?;
            let origin = path.display().to_string();
            let text = files.read(&path);
            let text =
                text.map_err(|error| wrong(by_file.0, place, format!("cannot read {origin}: {error}")))?;
            (by_file.0, place, origin, text)
        }
        (None, Some(place)) => {
            let text = place.value.expose_secret().as_bytes().to_vec().into();
            (inline.0, place, "the value".to_owned(), text)
        }
    };
    Ok(Some(Pem { key, place, origin, text }))
}

/// A path is shown when its file cannot be read. PEM text in its place may be a private key, and must not be.
fn path(text: &Text, files: &Files) -> Result<PathBuf, &'static str> {
    let text = text.value.expose_secret();
    let is_pem = text.contains("-----BEGIN");
    if is_pem || text.len() > MAX_PATH_BYTES || text.chars().any(char::is_control) {
        return Err("takes the path of a file; PEM text itself goes into cert, key or client_ca");
    }
    Ok(files.path(text))
}

impl Pem<'_> {
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, ConfigIssue> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(self.text.expose_secret()).collect();
        match found {
            Ok(found) if found.is_empty() => {
                Err(self.unreadable("has no certificate in PEM form; look for BEGIN CERTIFICATE"))
            }
            Ok(found) => Ok(found),
            Err(_) => Err(self.unreadable(BAD_CERTIFICATE)),
        }
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, ConfigIssue> {
        let what = "has no private key in PEM form without a passphrase; look for BEGIN PRIVATE KEY";
        PrivateKeyDer::from_pem_slice(self.text.expose_secret()).map_err(|_| self.unreadable(what))
    }

    fn unreadable(&self, what: &str) -> ConfigIssue {
        self.wrong(format!("{} {what}", self.origin))
    }

    fn wrong(&self, what: impl Into<String>) -> ConfigIssue {
        wrong(self.key, self.place, what)
    }
}
