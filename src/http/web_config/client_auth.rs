//! Certificates of clients: whether they are asked for, demanded, and checked.
//!
//! The kinds and their names are Go's.

use std::sync::Arc;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::server::{NoClientAuth, WebPkiClientVerifier};
use tokio_rustls::rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

/// `client_auth_type`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientAuth {
    None,
    Request,
    RequireAny,
    VerifyIfGiven,
    RequireAndVerify,
}

impl ClientAuth {
    /// By the name in the file. `RequireClientCert` is an old one for `RequireAnyClientCert`.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "NoClientCert" => Some(Self::None),
            "RequestClientCert" => Some(Self::Request),
            "RequireAnyClientCert" | "RequireClientCert" => Some(Self::RequireAny),
            "VerifyClientCertIfGiven" => Some(Self::VerifyIfGiven),
            "RequireAndVerifyClientCert" => Some(Self::RequireAndVerify),
            _ => None,
        }
    }

    /// Whether certificates are checked against known authorities.
    pub(super) fn verifies(self) -> bool {
        matches!(self, Self::VerifyIfGiven | Self::RequireAndVerify)
    }

    /// What does the checking; none where `authorities` are of no use.
    pub(super) fn verifier(
        self,
        authorities: RootCertStore,
        provider: &Arc<CryptoProvider>,
    ) -> Option<Arc<dyn ClientCertVerifier>> {
        let checked = WebPkiClientVerifier::builder_with_provider(authorities.into(), Arc::clone(provider));
        let any = |mandatory| Arc::new(AnyCertificate { mandatory, provider: Arc::clone(provider) });
        match self {
            Self::None => Some(Arc::new(NoClientAuth)),
            Self::Request => Some(any(false)),
            Self::RequireAny => Some(any(true)),
            Self::VerifyIfGiven => checked.allow_unauthenticated().build().ok(),
            Self::RequireAndVerify => checked.build().ok(),
        }
    }
}

/// Takes every certificate whose key the client has, whoever signed it. That is what was asked for.
#[derive(Debug)]
struct AnyCertificate {
    mandatory: bool,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
