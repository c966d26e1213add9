//! One bad file per rule, with the exact message, and good files in every way that they can be written.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use super::files::Files;
use super::{WebConfig, WebConfigError};

/// Stands in every secret here.
const PLANTED: &str = "sim-secret";
/// Of the password "sim-secret-password", with a cost of 4.
const HASH: &str = "$2y$04$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";
/// The usual section.
const TLS: &str = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n";

/// The file, and what is said of it after its name. `{tls}` is the usual section, `{dir}` the folder.
const CASES: &[(&str, &str)] = &[
    // The form.
    (
        "tls_server_config: {",
        "line 1, tls_server_config: this is not YAML; check the indentation and the quotes",
    ),
    (
        "{tls}  key: 'sim-secret",
        "line 4, tls_server_config: this is not YAML; check the indentation and the quotes",
    ),
    ("tls_server_config:\n\tkey: x\n", "line 2: this is not YAML; check the indentation and the quotes"),
    (
        "{tls}http_server_config:\n{tls}",
        "line 5, tls_server_config: this key is given twice; remove one of them",
    ),
    (
        "{tls}  key_file: x\n",
        "line 4, tls_server_config.key_file: this key is given twice; remove one of them",
    ),
    (
        "{tls}  <<: {}\n",
        "line 4, tls_server_config.(a key that is no plain name): there is no such key; take one of cert_file, \
         key_file, cert, key, client_auth_type, client_ca_file, client_ca, min_version, max_version, cipher_suites, \
         prefer_server_cipher_suites, curve_preferences",
    ),
    (
        "{tls}  cert: &x sim-secret\n",
        "line 4, tls_server_config: anchors, aliases, tags and several documents are not supported; \
         write every value out, in one document",
    ),
    (
        "{tls}  cert: *sim-secret\n",
        "line 4, tls_server_config: anchors, aliases, tags and several documents are not supported; \
         write every value out, in one document",
    ),
    (
        "{tls}  cert: !sim-secret x\n",
        "line 4, tls_server_config: anchors, aliases, tags and several documents are not supported; \
         write every value out, in one document",
    ),
    (
        "{tls}  cert: !!int 12\n",
        "line 4, tls_server_config.cert: anchors, aliases, tags and several documents are not supported; \
         write every value out, in one document",
    ),
    (
        "{tls}---\n{tls}",
        "line 5: anchors, aliases, tags and several documents are not supported; write every value out, in one document",
    ),
    ("[[[[[[[[[[1]]]]]]]]]]", "line 1: takes keys with values, indented below it"),
    ("[a]: 1\n", "line 1: a key must be plain text, such as cert_file"),
    ("sim-secret\n", "line 1: takes keys with values, indented below it"),
    // Keys.
    (
        "{tls}tls_config: {}\n",
        "line 4, tls_config: there is no such key; take one of tls_server_config, http_server_config, basic_auth_users",
    ),
    (
        "{tls}  cert_fil: x\n",
        "line 4, tls_server_config.cert_fil: there is no such key; take one of cert_file, key_file, cert, key, \
         client_auth_type, client_ca_file, client_ca, min_version, max_version, cipher_suites, \
         prefer_server_cipher_suites, curve_preferences",
    ),
    (
        "http_server_config:\n  http3: true\n",
        "line 2, http_server_config.http3: there is no such key; take one of http2, headers",
    ),
    (
        "http_server_config:\n  headers:\n    Server: x\n",
        "line 3, http_server_config.headers.Server: there is no such key; take one of Content-Security-Policy, \
         X-Frame-Options, X-Content-Type-Options, X-XSS-Protection, Strict-Transport-Security",
    ),
    (
        "rate_limit:\n  burst: 3\n",
        "line 1, rate_limit: this key is not supported: the server has fixed limits of its own; take it out",
    ),
    (
        "{tls}  client_allowed_sans: [x]\n",
        "line 4, tls_server_config.client_allowed_sans: this key is not supported: names in client certificates \
         are not checked; take it out",
    ),
    (
        "$2y$04$sim-secret: x\n",
        "line 1, (a key that is no plain name): there is no such key; take one of tls_server_config, \
         http_server_config, basic_auth_users",
    ),
    // TLS.
    ("tls_server_config:\n", "line 1, tls_server_config: takes keys with values, indented below it"),
    (
        "tls_server_config: {}\n",
        "line 1, tls_server_config: cert_file is missing; give the path of the PEM file",
    ),
    (
        "tls_server_config: sim-secret\n",
        "line 1, tls_server_config: takes keys with values, indented below it",
    ),
    (
        "tls_server_config:\n  cert_file: cert.pem\n",
        "line 2, tls_server_config: key_file is missing; give the path of the PEM file",
    ),
    ("tls_server_config:\n  cert_file: [a]\n", "line 2, tls_server_config.cert_file: takes plain text"),
    (
        "tls_server_config:\n  cert_file: none.pem\n  key_file: key.pem\n",
        "line 2, tls_server_config.cert_file: cannot read {dir}/none.pem: No such file or directory (os error 2)",
    ),
    (
        "tls_server_config:\n  cert_file: cert.pem\n  key_file: none.pem\n",
        "line 3, tls_server_config.key_file: cannot read {dir}/none.pem: No such file or directory (os error 2)",
    ),
    // A private key where its path should be is not shown, be it in lines or folded into one.
    (
        "tls_server_config:\n  cert_file: cert.pem\n  key_file: |\n    -----BEGIN PRIVATE KEY-----\n    sim-secret\n",
        "line 4, tls_server_config.key_file: takes the path of a file; \
         PEM text itself goes into cert, key or client_ca",
    ),
    (
        "tls_server_config:\n  cert_file: cert.pem\n  key_file: -----BEGIN PRIVATE KEY-----\n    sim-secret\n",
        "line 3, tls_server_config.key_file: takes the path of a file; \
         PEM text itself goes into cert, key or client_ca",
    ),
    (
        "tls_server_config:\n  cert_file: \"cert\\nsim-secret\"\n  key_file: key.pem\n",
        "line 2, tls_server_config.cert_file: takes the path of a file; \
         PEM text itself goes into cert, key or client_ca",
    ),
    (
        "tls_server_config:\n  cert_file: blank.pem\n  key_file: key.pem\n",
        "line 2, tls_server_config.cert_file: {dir}/blank.pem has no certificate in PEM form; \
         look for BEGIN CERTIFICATE",
    ),
    (
        "tls_server_config:\n  cert_file: broken.pem\n  key_file: key.pem\n",
        "line 2, tls_server_config.cert_file: {dir}/broken.pem has a certificate that cannot be read; create it again",
    ),
    (
        "tls_server_config:\n  cert_file: cert.pem\n  key_file: blank.pem\n",
        "line 3, tls_server_config.key_file: {dir}/blank.pem has no private key in PEM form without a passphrase; \
         look for BEGIN PRIVATE KEY",
    ),
    (
        "tls_server_config:\n  cert_file: cert.pem\n  key: sim-secret\n",
        "line 3, tls_server_config.key: the value has no private key in PEM form without a passphrase; \
         look for BEGIN PRIVATE KEY",
    ),
    (
        "tls_server_config:\n  cert_file: cert.pem\n  key_file: other-key.pem\n",
        "line 3, tls_server_config.key_file: the private key belongs to another certificate; \
         use the two that were created together",
    ),
    (
        "tls_server_config:\n  cert_file: nonsense.pem\n  key_file: key.pem\n",
        "line 3, tls_server_config.key_file: the certificate or the private key is of a kind that is not supported; \
         create them again: an X.509 version 3 certificate, and a key that is RSA of 2048 bits or more, ECDSA on P-256 or P-384, \
         or Ed25519",
    ),
    (
        "{tls}  cert: x\n",
        "line 4, tls_server_config.cert: cert_file and cert are both given; give one of them",
    ),
    (
        "{tls}  min_version: TLS10\n",
        "line 4, tls_server_config.min_version: TLS10 is too old for this server; take TLS12 or TLS13",
    ),
    (
        "{tls}  max_version: TLS11\n",
        "line 4, tls_server_config.max_version: TLS11 is too old for this server; take TLS12 or TLS13",
    ),
    ("{tls}  min_version: sim-secret\n", "line 4, tls_server_config.min_version: takes one of TLS12, TLS13"),
    (
        "{tls}  min_version: TLS13\n  max_version: TLS12\n",
        "line 4, tls_server_config.min_version: min_version is newer than max_version; \
         swap them, or make them the same",
    ),
    (
        "{tls}  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]\n",
        "line 4, tls_server_config.cipher_suites: takes one of TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, \
         TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, \
         TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, \
         TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ),
    (
        "{tls}  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n  min_version: TLS13\n",
        "line 4, tls_server_config.cipher_suites: cipher_suites apply to TLS 1.2, which min_version excludes; \
         take one of the two out",
    ),
    (
        "{tls}  curve_preferences:\n  - X25519\n  - CurveP521\n",
        "line 6, tls_server_config.curve_preferences: takes one of X25519, CurveP256, CurveP384",
    ),
    (
        "{tls}  curve_preferences: X25519\n",
        "line 4, tls_server_config.curve_preferences: takes a list of names",
    ),
    (
        "{tls}  prefer_server_cipher_suites: maybe\n",
        "line 4, tls_server_config.prefer_server_cipher_suites: takes true or false",
    ),
    (
        "{tls}  client_auth_type: Sometimes\n",
        "line 4, tls_server_config.client_auth_type: takes one of NoClientCert, RequestClientCert, \
         RequireAnyClientCert, RequireClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert",
    ),
    (
        "{tls}  client_auth_type: RequireAndVerifyClientCert\n",
        "line 4, tls_server_config.client_auth_type: this needs client_ca_file: the authorities that client \
         certificates are checked against",
    ),
    (
        "{tls}  client_auth_type: VerifyClientCertIfGiven\n",
        "line 4, tls_server_config.client_auth_type: this needs client_ca_file: the authorities that client \
         certificates are checked against",
    ),
    (
        "{tls}  client_auth_type: RequireAnyClientCert\n  client_ca_file: ca.pem\n",
        "line 5, tls_server_config.client_ca_file: client certificates are not checked against it with this \
         client_auth_type; take RequireAndVerifyClientCert or VerifyClientCertIfGiven, or leave out the file",
    ),
    (
        "{tls}  client_ca_file: ca.pem\n",
        "line 4, tls_server_config.client_ca_file: client certificates are not checked against it with this \
         client_auth_type; take RequireAndVerifyClientCert or VerifyClientCertIfGiven, or leave out the file",
    ),
    (
        "{tls}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: key.pem\n",
        "line 5, tls_server_config.client_ca_file: {dir}/key.pem has no certificate in PEM form; \
         look for BEGIN CERTIFICATE",
    ),
    (
        "{tls}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: nonsense.pem\n",
        "line 5, tls_server_config.client_ca_file: {dir}/nonsense.pem has a certificate that cannot be read; \
         create it again",
    ),
    // Headers.
    ("http_server_config:\n  http2: 2\n", "line 2, http_server_config.http2: takes true or false"),
    (
        "http_server_config:\n  headers:\n    X-Frame-Options: allow\n",
        "line 3, http_server_config.headers.X-Frame-Options: takes deny or sameorigin",
    ),
    (
        "http_server_config:\n  headers:\n    X-Content-Type-Options: sniff\n",
        "line 3, http_server_config.headers.X-Content-Type-Options: takes nosniff",
    ),
    (
        "http_server_config:\n  headers:\n    Content-Security-Policy: \"a\\nb\"\n",
        "line 3, http_server_config.headers.Content-Security-Policy: takes a line of visible ASCII characters",
    ),
    // Users.
    ("basic_auth_users:\n", "line 1, basic_auth_users: takes keys with values, indented below it"),
    (
        "basic_auth_users: {}\n",
        "line 1, basic_auth_users: no user is named, so nobody could get in; add a user, or take the key out",
    ),
    (
        "basic_auth_users:\n  alice: sim-secret-password\n",
        "line 2, basic_auth_users.alice: this is not a bcrypt hash; \
         make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'",
    ),
    (
        "basic_auth_users:\n  alice:\n",
        "line 2, basic_auth_users.alice: this is not a bcrypt hash; \
         make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'",
    ),
    (
        "basic_auth_users:\n  alice: $2y$19$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi\n",
        "line 2, basic_auth_users.alice: the cost of the hash is not from 4 to 18; \
         make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'",
    ),
    (
        "basic_auth_users:\n  1: {hash}\n  '1': {hash}\n",
        "line 3, basic_auth_users.1: this key is given twice; remove one of them",
    ),
    (
        "basic_auth_users:\n  a: {hash}\n  'a': {hash}\n",
        "line 3, basic_auth_users.a: this key is given twice; remove one of them",
    ),
    (
        "basic_auth_users:\n  <<: {a: {hash}}\n",
        "line 2, basic_auth_users.(a key that is no plain name): takes plain text",
    ),
    (
        "basic_auth_users:\n  a:b: x\n",
        "line 2, basic_auth_users.(a key that is no plain name): a user's name has a colon, which HTTP cannot send; \
         choose another name",
    ),
];

/// A folder with certificates and keys, good and bad ones.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut authority = CertificateParams::new(vec![]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &authority).unwrap();
    for (name, content) in [
        ("ca.pem", authority.pem()),
        ("cert.pem", certificate.pem()),
        ("key.pem", key.serialize_pem()),
        ("other-key.pem", KeyPair::generate().unwrap().serialize_pem()),
        ("blank.pem", "\n".to_owned()),
        ("broken.pem", "-----BEGIN CERTIFICATE-----\nsim-secret!\n-----END CERTIFICATE-----\n".to_owned()),
        ("nonsense.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned()),
    ] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn read(folder: &Path, content: impl AsRef<[u8]>) -> Result<WebConfig, WebConfigError> {
    let file = folder.join("web.yml");
    std::fs::write(&file, content).unwrap();
    WebConfig::read(&file, &mut Files::relative_to(folder.to_owned()))
}

/// What the error says after the file's name.
fn refusal(folder: &Path, content: impl AsRef<[u8]>) -> String {
    let error = read(folder, content).unwrap_err();
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains(PLANTED) && !text.contains("LDeSi"), "{text}");
    }
    let file = format!("the web configuration {} (--web.config.file)", folder.join("web.yml").display());
    error.to_string().replace(&file, "FILE")
}

#[test]
fn one_bad_file_per_rule() {
    let folder = folder();
    for (text, message) in CASES {
        let text = text.replace("{tls}", TLS).replace("{hash}", HASH);
        let message = message.replace("{dir}", &folder.path().display().to_string());
        let said = refusal(folder.path(), &text);
        assert_eq!(said, format!("FILE, {message}"), "{text}");
    }
}

#[test]
fn a_file_that_is_none() {
    let folder = folder();
    for blank in ["", "\n# nothing\n", "---\n", "~\n"] {
        let message =
            "FILE is blank; write tls_server_config or basic_auth_users into it, or leave out the flag";
        assert_eq!(refusal(folder.path(), blank), message, "{blank:?}");
    }
    assert_eq!(refusal(folder.path(), b"\xff\xfe"), "cannot read FILE: it is not UTF-8 text");
    assert_eq!(
        refusal(folder.path(), vec![b'#'; 1024 * 1024 + 1]),
        "cannot read FILE: it is larger than 1 MiB"
    );
}

/// Files made to exhaust the reader are refused with one line, at once.
#[test]
fn hostile_files() {
    let folder = folder();
    let laughs: String = (1..9).map(|n| format!("a{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1)).collect();
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        format!("basic_auth_users:\n  x: {}", "[".repeat(100_000)),
        format!("basic_auth_users:\n  x: {}", "- ".repeat(100_000)),
        format!("a0: &a0 sim-secret\n{laughs}"),
        "basic_auth_users: &a {x: *a}\n".to_owned(),
        "\0".to_owned(),
        "\u{85}\u{2028}:".to_owned(),
        format!("basic_auth_users:\n{}", "  x: sim-secret\n".repeat(50_000)),
    ] {
        let said = refusal(folder.path(), &text);
        assert!(said.starts_with("FILE, line ") && said.len() < 400, "{said}");
    }
}

#[test]
fn good_files() {
    let folder = folder();
    for text in [
        "{tls}",
        "{tls}http_server_config:\n",
        "{tls}http_server_config: {http2: True, headers: }\n",
        "{tls}http_server_config:\n  http2: ON\n  headers: {X-Frame-Options: 'deny', X-XSS-Protection: 0}\n",
        "{tls}  prefer_server_cipher_suites: no\n  min_version:\n  max_version: ~\n  client_auth_type: ''\n",
        "{tls}  curve_preferences: [X25519, \"CurveP256\"]\n  cipher_suites: []\n",
        "{tls}  curve_preferences:\n  - X25519\n  - CurveP256\n  cipher_suites:\n",
        "%YAML 1.1\n---\n{tls}...\n",
        "\u{feff}{tls}",
        "tls_server_config: {\"cert_file\": 'cert.pem', ? key_file : key.pem}\r\n",
        "tls_server_config:\n  cert_file: >-\n    cert.pem\n  key_file: |-\n    key.pem",
        "basic_auth_users:\n  123: {hash}\n  true: '{hash}'\n  null: {hash}\n  0x7c: \"{hash}\"\n",
    ] {
        let text = text.replace("{tls}", TLS).replace("{hash}", HASH);
        let read = read(folder.path(), &text);
        assert!(read.is_ok(), "{text}: {read:?}");
    }
}
