//! What the server offers in a handshake: versions, cipher suites and curves, by the names that Go has for them.

use secrecy::ExposeSecret;
use tokio_rustls::rustls::crypto::aws_lc_rs::{DEFAULT_CIPHER_SUITES, default_provider, kx_group};
use tokio_rustls::rustls::crypto::{CryptoProvider, SupportedKxGroup};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{SupportedCipherSuite, SupportedProtocolVersion};

use super::fault::{Fault, Wrong};
use super::section::{Section, Value};

static ONLY_13: [&SupportedProtocolVersion; 1] = [&TLS13];
static ONLY_12: [&SupportedProtocolVersion; 1] = [&TLS12];
static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// Versions, the provider cut down to what is offered, and whose order of suites counts.
pub(super) struct Offer {
    pub(super) versions: &'static [&'static SupportedProtocolVersion],
    pub(super) provider: CryptoProvider,
    pub(super) own_order: bool,
}

/// Takes the keys of an offer out of `tls_server_config`.
pub(super) fn read(tls: &mut Section) -> Result<Offer, Wrong> {
    let mut provider = default_provider();
    let suites = tls.take("cipher_suites");
    if let Some(chosen) = &suites {
        provider.cipher_suites = suites_of(chosen)?;
    }
    if let Some(curves) = tls.take("curve_preferences") {
        let names = curves.texts()?;
        if !names.is_empty() {
            let groups: Option<_> = names.into_iter().map(curve).collect();
            provider.kx_groups = groups
                .ok_or_else(|| curves.fault(Fault::Expected("a list of CurveP256, CurveP384, X25519")))?;
        }
    }
    let own_order = tls.take("prefer_server_cipher_suites").map(|order| order.flag()).transpose()?;
    let versions = versions(tls)?;
    match suites {
        Some(suites) if !versions.contains(&&TLS12) && !suites.texts()?.is_empty() => {
            Err(suites.fault(Fault::SuitesUnused))
        }
        _ => Ok(Offer { versions, provider, own_order: own_order.flatten().unwrap_or(true) }),
    }
}

fn versions(tls: &mut Section) -> Result<&'static [&'static SupportedProtocolVersion], Wrong> {
    let min = tls.take("min_version");
    let least_is_13 = min.as_ref().map(is_13).transpose()?.flatten().unwrap_or(false);
    let most_is_13 = tls.take("max_version").map(|max| is_13(&max)).transpose()?.flatten().unwrap_or(true);
    match (least_is_13, most_is_13, min) {
        (true, true, _) => Ok(&ONLY_13),
        (false, true, _) => Ok(&BOTH),
        (false, false, _) => Ok(&ONLY_12),
        (true, false, Some(min)) => Err(min.fault(Fault::VersionRange)),
        (true, false, None) => Err(tls.fault(Fault::VersionRange)),
    }
}

/// Whether it is TLS 1.3, else 1.2; none where nothing is said.
fn is_13(version: &Value) -> Result<Option<bool>, Wrong> {
    match version.text()?.map(|text| text.expose_secret()) {
        None => Ok(None),
        Some("TLS13") => Ok(Some(true)),
        Some("TLS12") => Ok(Some(false)),
        Some("TLS11") => Err(version.fault(Fault::TooOld("TLS11"))),
        Some("TLS10") => Err(version.fault(Fault::TooOld("TLS10"))),
        Some(_) => Err(version.fault(Fault::Expected("TLS12 or TLS13"))),
    }
}

/// The suites of TLS 1.2 as chosen, and those of TLS 1.3, which Go does not let anybody choose either.
fn suites_of(chosen: &Value) -> Result<Vec<SupportedCipherSuite>, Wrong> {
    let is_13 = |suite: &SupportedCipherSuite| suite.version().version == TLS13.version;
    let names = chosen.texts()?;
    if names.is_empty() {
        return Ok(DEFAULT_CIPHER_SUITES.to_vec());
    }
    let suite = |name: &str| {
        let mut known = DEFAULT_CIPHER_SUITES.iter().filter(|suite| !is_13(suite));
        // The names in Go and in the standard are the same.
        known.find(|suite| suite.suite().as_str() == Some(name)).copied()
    };
    let of_12: Option<Vec<_>> = names.into_iter().map(suite).collect();
    let of_12 = of_12.ok_or_else(|| {
        chosen.fault(Fault::Expected(
            "a list of TLS_ECDHE_{ECDSA,RSA}_WITH_{AES_128_GCM_SHA256,AES_256_GCM_SHA384,CHACHA20_POLY1305_SHA256}",
        ))
    })?;
    Ok(DEFAULT_CIPHER_SUITES.iter().copied().filter(is_13).chain(of_12).collect())
}

fn curve(name: &str) -> Option<&'static dyn SupportedKxGroup> {
    match name {
        "X25519" => Some(kx_group::X25519),
        "CurveP256" => Some(kx_group::SECP256R1),
        "CurveP384" => Some(kx_group::SECP384R1),
        _ => None,
    }
}
