//! `tls_server_config`: from keys and PEM to how TLS is spoken.
//!
//! Knows certificates and keys.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretSlice};
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{Error, RootCertStore, ServerConfig};

use super::client_auth::ClientAuth;
use super::fault::{Fault, Origin, Wrong};
use super::files::Files;
use super::section::{Section, Value};
use super::versions::{self, Offer};

const CLIENT_AUTH: &str = "NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or \
                           RequireAndVerifyClientCert";
const KEYS: &str = "cert_file, key_file, cert, key, client_auth_type, client_ca_file, client_ca, min_version, \
                    max_version, cipher_suites, prefer_server_cipher_suites, curve_preferences";

/// As the system has it. A longer text is no path.
const MAX_PATH_BYTES: usize = 4096;

/// What the section says.
pub(super) fn read(mut tls: Section, files: &mut Files) -> Result<Arc<ServerConfig>, Wrong> {
    tls.refuse("client_allowed_sans", "names in clients' certificates are not looked at")?;
    let Offer { versions, provider, own_order } = versions::read(&mut tls)?;
    let provider = Arc::new(provider);
    let certificate = pem(&mut tls, files, "cert_file", "cert")?;
    let key = pem(&mut tls, files, "key_file", "key")?;
    let verifier = client_verifier(&mut tls, files, &provider)?;
    let certificate = certificate.ok_or_else(|| tls.fault(Fault::Missing("cert_file")))?;
    let key = key.ok_or_else(|| tls.fault(Fault::Missing("key_file")))?;
    tls.finish(KEYS)?;
    let chain = certificate.certificates()?;
    let secret = key.private_key()?;
    let unusable = |error| match error {
        Error::InconsistentKeys(_) => key.place.fault(Fault::Mismatch),
        _ => key.place.fault(Fault::Unusable),
    };
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions);
    let builder = builder.map_err(unusable)?.with_client_cert_verifier(verifier);
    let mut config = builder.with_single_cert(chain, secret).map_err(unusable)?;
    config.ignore_client_order = own_order;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn client_verifier(
    tls: &mut Section,
    files: &mut Files,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Wrong> {
    let auth = tls.take("client_auth_type");
    let authorities = pem(tls, files, "client_ca_file", "client_ca")?;
    let kind = match auth.as_ref().map(Value::text).transpose()?.flatten() {
        Some(name) => ClientAuth::named(name.expose_secret()),
        None => Some(ClientAuth::None),
    };
    let here =
        |fault| auth.as_ref().map_or_else(|| tls.fault(Fault::NeedsClientCa), |auth| auth.fault(fault));
    let kind = kind.ok_or_else(|| here(Fault::Expected(CLIENT_AUTH)))?;
    let mut known = RootCertStore::empty();
    match &authorities {
        Some(pem) if !kind.verifies() => return Err(pem.place.fault(Fault::ClientCaUnused)),
        None if kind.verifies() => return Err(here(Fault::NeedsClientCa)),
        Some(pem) => {
            for certificate in pem.certificates()? {
                known.add(certificate).map_err(|_| pem.bad_certificate())?;
            }
        }
        None => {}
    }
    kind.verifier(known, provider).ok_or_else(|| here(Fault::NeedsClientCa))
}

/// PEM text, and where it came from.
struct Pem {
    place: Value,
    file: Option<PathBuf>,
    text: SecretSlice<u8>,
}

/// The contents of the file that `file_key` names, or the value of `inline_key` itself.
fn pem(
    tls: &mut Section,
    files: &mut Files,
    file_key: &'static str,
    inline_key: &'static str,
) -> Result<Option<Pem>, Wrong> {
    let (by_file, inline) = (tls.take(file_key), tls.take(inline_key));
    let path = by_file.as_ref().map(|value| path(value, files)).transpose()?.flatten();
    let text = inline.as_ref().map(Value::text).transpose()?.flatten();
    let text: Option<SecretSlice<u8>> = text.map(|text| text.expose_secret().as_bytes().to_vec().into());
    match (by_file, path, inline, text) {
        (_, Some(_), Some(inline), Some(_)) => Err(inline.fault(Fault::Both(file_key, inline_key))),
        (Some(place), Some(path), ..) => match files.read(&path) {
            Ok(text) => Ok(Some(Pem { place, file: Some(path), text })),
            Err(error) => Err(place.fault(Fault::File(path, error))),
        },
        (.., Some(place), Some(text)) => Ok(Some(Pem { place, file: None, text })),
        _ => Ok(None),
    }
}

/// A path is shown when its file cannot be read. PEM text in its place may be a private key, and must not be.
fn path(value: &Value, files: &Files) -> Result<Option<PathBuf>, Wrong> {
    let Some(text) = value.text()?.map(|text| text.expose_secret()) else { return Ok(None) };
    let is_pem = text.contains("-----BEGIN");
    if is_pem || text.len() > MAX_PATH_BYTES || text.chars().any(char::is_control) {
        return Err(value
            .fault(Fault::Expected("the path of a file; PEM text itself goes into cert, key or client_ca")));
    }
    Ok(Some(files.path(text)))
}

impl Pem {
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Wrong> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(self.text.expose_secret()).collect();
        match found {
            Ok(found) if found.is_empty() => Err(self.place.fault(Fault::NoCertificate(self.origin()))),
            Ok(found) => Ok(found),
            Err(_) => Err(self.bad_certificate()),
        }
    }

    fn bad_certificate(&self) -> Wrong {
        self.place.fault(Fault::BadCertificate(self.origin()))
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, Wrong> {
        let found = PrivateKeyDer::from_pem_slice(self.text.expose_secret());
        found.map_err(|_| self.place.fault(Fault::NoKey(self.origin())))
    }

    fn origin(&self) -> Origin {
        self.file.clone().map_or(Origin::Inline, Origin::File)
    }
}
