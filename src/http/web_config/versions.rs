//! What the server offers in a handshake: versions, cipher suites and curves, by the names that Go has for them.

use secrecy::ExposeSecret;
use tokio_rustls::rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use tokio_rustls::rustls::crypto::{CryptoProvider, SupportedKxGroup};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{SupportedCipherSuite, SupportedProtocolVersion};

use super::fault::ConfigIssue;
use super::tls_section::{TlsSection, named, wrong};
use super::yaml::{Text, given};

/// From old to new.
static VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];
/// Places in [`VERSIONS`].
const VERSION_NAMES: [(&str, usize); 2] = [("TLS12", 0), ("TLS13", 1)];

/// The versions, and the provider cut down to the cipher suites and curves that are offered.
pub(super) fn offer(
    tls: &TlsSection,
) -> Result<(&'static [&'static SupportedProtocolVersion], CryptoProvider), ConfigIssue> {
    let mut provider = default_provider();
    let of_13 = |suite: &SupportedCipherSuite| suite.tls13().is_some();
    // The names in Go and in the standard are the same. Go does not let anybody choose those of TLS 1.3 either.
    let named = |suite: &SupportedCipherSuite| suite.suite().as_str().map(|name| (name, *suite));
    let known: Vec<_> =
        provider.cipher_suites.iter().filter(|suite| !of_13(suite)).filter_map(named).collect();
    let suites = all_named("cipher_suites", tls.cipher_suites.as_deref(), &known)?;
    if !suites.is_empty() {
        provider.cipher_suites.retain(of_13);
        provider.cipher_suites.extend(&suites);
    }
    let known: [(&str, &'static dyn SupportedKxGroup); 3] = [
        ("X25519", kx_group::X25519),
        ("CurveP256", kx_group::SECP256R1),
        ("CurveP384", kx_group::SECP384R1),
    ];
    let curves = all_named("curve_preferences", tls.curve_preferences.as_deref(), &known)?;
    if !curves.is_empty() {
        provider.kx_groups = curves;
    }
    Ok((versions(tls)?, provider))
}

fn versions(tls: &TlsSection) -> Result<&'static [&'static SupportedProtocolVersion], ConfigIssue> {
    let (min, max) = (given(&tls.min_version), given(&tls.max_version));
    let least = min.map_or(Ok(0), |text| version("min_version", text))?;
    let most = max.map_or(Ok(1), |text| version("max_version", text))?;
    if let (Some(min), Some([])) = (min, VERSIONS.get(least..=most)) {
        return Err(wrong(
            "min_version",
            min,
            "min_version is newer than max_version; swap them, or make them the same",
        ));
    }
    match tls.cipher_suites.as_deref() {
        Some([first, ..]) if least > 0 => Err(wrong(
            "cipher_suites",
            first,
            "cipher_suites apply to TLS 1.2, which min_version excludes; take one of the two out",
        )),
        _ => Ok(VERSIONS.get(least..=most).unwrap_or_default()),
    }
}

fn version(key: &str, text: &Text) -> Result<usize, ConfigIssue> {
    match text.value.expose_secret() {
        // Names of the format, so that they can be shown.
        name @ ("TLS10" | "TLS11") => {
            Err(wrong(key, text, format!("{name} is too old for this server; take TLS12 or TLS13")))
        }
        _ => named(key, text, &VERSION_NAMES),
    }
}

fn all_named<T: Copy>(key: &str, texts: Option<&[Text]>, known: &[(&str, T)]) -> Result<Vec<T>, ConfigIssue> {
    texts.unwrap_or_default().iter().map(|text| named(key, text, known)).collect()
}
