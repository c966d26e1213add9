//! Client certificates: whether they are requested, required and checked. The kinds and their names are Go's.

use std::sync::Arc;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::server::{NoClientAuth, WebPkiClientVerifier};
use tokio_rustls::rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

/// `client_auth_type`
#[derive(Clone, Copy)]
pub(super) enum ClientAuth {
    /// No certificate is requested.
    None,
    /// A certificate is requested, and may be from any authority.
    Any { mandatory: bool },
    /// A certificate is requested, and must be from a known authority.
    Verified { mandatory: bool },
}

/// By the names that they have in the file. `RequireClientCert` is an old one for `RequireAnyClientCert`.
pub(super) const KINDS: [(&str, ClientAuth); 6] = [
    ("NoClientCert", ClientAuth::None),
    ("RequestClientCert", ClientAuth::Any { mandatory: false }),
    ("RequireAnyClientCert", ClientAuth::Any { mandatory: true }),
    ("RequireClientCert", ClientAuth::Any { mandatory: true }),
    ("VerifyClientCertIfGiven", ClientAuth::Verified { mandatory: false }),
    ("RequireAndVerifyClientCert", ClientAuth::Verified { mandatory: true }),
];

impl ClientAuth {
    /// The verifier; none where certificates must be verified and `authorities` is empty.
    pub(super) fn verifier(
        self,
        authorities: RootCertStore,
        provider: &Arc<CryptoProvider>,
    ) -> Option<Arc<dyn ClientCertVerifier>> {
        let algorithms = provider.signature_verification_algorithms;
        let verified = WebPkiClientVerifier::builder_with_provider(authorities.into(), Arc::clone(provider));
        match self {
            Self::None => Some(Arc::new(NoClientAuth)),
            Self::Any { mandatory } => Some(Arc::new(AnyCertificate { mandatory, algorithms })),
            Self::Verified { mandatory: false } => verified.allow_unauthenticated().build().ok(),
            Self::Verified { mandatory: true } => verified.build().ok(),
        }
    }
}

/// Takes every certificate whose key the client has, whoever signed it: these kinds ask for no more.
#[derive(Debug)]
struct AnyCertificate {
    mandatory: bool,
    algorithms: WebPkiSupportedAlgorithms,
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
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
