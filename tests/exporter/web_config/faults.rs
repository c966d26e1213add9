//! One bad file per rule, with the exact message; and good ones, on which Prometheus' own tool agrees.

use std::process::Command;

use super::place::{PASSWORD, PLANTED, Place, TLS, users};
use test_support::binary::{Running, nectar_exporter};
use test_support::in_checkout;

/// The file, and what is said of it after its name. `{tls}` is the usual section, `{dir}` the folder.
const CASES: &[(&str, &str)] = &[
    // The form.
    ("tls_server_config: [", "line 2: this is not YAML; check the indentation and the quotes"),
    ("a: 1\na: 2\n", "line 2, a: this key stands twice; leave one of them"),
    (
        "a: &x 1\n",
        "line 1: anchors, aliases, tags and several documents are not read; write each value out, in one document",
    ),
    (
        "{tls}---\n{tls}",
        "line 5: anchors, aliases, tags and several documents are not read; write each value out, in one document",
    ),
    ("[[[[[[[[[[1]]]]]]]]]]", "line 1: this goes too deep"),
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
        "line 4, tls_server_config.client_allowed_sans: this key is not supported: names in clients' certificates \
         are not looked at; take it out",
    ),
    (
        "$2y$04$sim-secret: x\n",
        "line 1, (a key that is no plain name): there is no such key; take one of tls_server_config, \
         http_server_config, basic_auth_users",
    ),
    // TLS.
    (
        "tls_server_config:\n",
        "line 1, tls_server_config: cert_file is missing; give the path of the PEM file",
    ),
    (
        "tls_server_config: sim-secret\n",
        "line 1, tls_server_config: takes keys with values, indented below it",
    ),
    (
        "tls_server_config:\n  cert_file: cert.pem\n",
        "line 1, tls_server_config: key_file is missing; give the path of the PEM file",
    ),
    ("tls_server_config:\n  cert_file: [a]\n", "line 2, tls_server_config.cert_file: takes one text"),
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
        "line 3, tls_server_config.key_file: takes the path of a file; \
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
        "line 2, tls_server_config.cert_file: {dir}/broken.pem has a certificate that cannot be read; make it anew",
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
        "line 3, tls_server_config.key_file: the private key is of another certificate; \
         take the two that were made together",
    ),
    (
        "tls_server_config:\n  cert_file: nonsense.pem\n  key_file: key.pem\n",
        "line 3, tls_server_config.key_file: the certificate or the private key is of a kind that is not taken; \
         make them anew: a certificate of X.509 version 3, and a key that is RSA of 2048 bits or more, ECDSA on P-256 or P-384, \
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
    ("{tls}  min_version: sim-secret\n", "line 4, tls_server_config.min_version: takes TLS12 or TLS13"),
    (
        "{tls}  min_version: TLS13\n  max_version: TLS12\n",
        "line 4, tls_server_config.min_version: min_version is newer than max_version; \
         let them be the same, or the other way round",
    ),
    (
        "{tls}  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]\n",
        "line 4, tls_server_config.cipher_suites: takes a list of \
         TLS_ECDHE_{ECDSA,RSA}_WITH_{AES_128_GCM_SHA256,AES_256_GCM_SHA384,CHACHA20_POLY1305_SHA256}",
    ),
    (
        "{tls}  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n  min_version: TLS13\n",
        "line 4, tls_server_config.cipher_suites: cipher_suites are of TLS 1.2, which min_version excludes; \
         take one of the two out",
    ),
    (
        "{tls}  curve_preferences: [CurveP521]\n",
        "line 4, tls_server_config.curve_preferences: takes a list of CurveP256, CurveP384, X25519",
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
        "line 4, tls_server_config.client_auth_type: takes NoClientCert, RequestClientCert, RequireAnyClientCert, \
         VerifyClientCertIfGiven or RequireAndVerifyClientCert",
    ),
    (
        "{tls}  client_auth_type: RequireAndVerifyClientCert\n",
        "line 4, tls_server_config.client_auth_type: this needs client_ca_file, the certificates that clients' \
         are checked against",
    ),
    (
        "{tls}  client_auth_type: VerifyClientCertIfGiven\n",
        "line 4, tls_server_config.client_auth_type: this needs client_ca_file, the certificates that clients' \
         are checked against",
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
         make it anew",
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
    (
        "basic_auth_users:\n",
        "line 1, basic_auth_users: nobody is named, so that nobody could come in; add a user, or take the key out",
    ),
    (
        "basic_auth_users: {}\n",
        "line 1, basic_auth_users: nobody is named, so that nobody could come in; add a user, or take the key out",
    ),
    (
        "basic_auth_users:\n  alice: sim-secret-password\n",
        "line 2, basic_auth_users.alice: the hash is not one of bcrypt; \
         make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'",
    ),
    (
        "basic_auth_users:\n  alice:\n",
        "line 2, basic_auth_users.alice: the hash is not one of bcrypt; \
         make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'",
    ),
    (
        "basic_auth_users:\n  alice: $2y$19$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi\n",
        "line 2, basic_auth_users.alice: the hash has a cost that is not from 4 to 18; \
         make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'",
    ),
    (
        "basic_auth_users:\n  a:b: x\n",
        "line 2, basic_auth_users.(a key that is no plain name): a user's name has a colon, which HTTP cannot send; \
         choose another name",
    ),
];

/// What the exporter says of a file when it refuses to start.
fn refusal(place: &Place) -> String {
    let flag = place.flag();
    let arguments = ["demo", "--web.listen-address=127.0.0.1:0", "--log.format=json", &flag];
    let mut running = Running::start(&mut nectar_exporter(&arguments));
    let code = running.end();
    assert_eq!((code, running.log.len()), (Some(1), 1), "{:?}", running.log);
    let stderr = running.log.concat();
    assert!(!stderr.contains(PLANTED) && !stderr.contains("LDeSi"), "{stderr}");
    let line: serde_json::Value = serde_json::from_str(&stderr).unwrap();
    line["error"].as_str().unwrap().to_owned()
}

#[test]
fn one_bad_file_per_rule() {
    let place = Place::new("");
    place.write("blank.pem", "\n");
    place.write("broken.pem", "-----BEGIN CERTIFICATE-----\nsim-secret!\n-----END CERTIFICATE-----\n");
    place.write("nonsense.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    place.write("other-key.pem", place.authority.issue().1);
    let folder = place.folder.path().display().to_string();
    let file = place.path("web.yml").display().to_string();
    for (text, message) in CASES {
        place.write("web.yml", text.replace("{tls}", TLS));
        let message = message.replace("{dir}", &folder);
        let expected = format!("the web configuration {file} (--web.config.file), {message}");
        assert_eq!(refusal(&place), expected, "{text}");
    }
}

#[test]
fn a_file_that_is_none() {
    let place = Place::new("");
    let file = place.path("web.yml").display().to_string();
    for blank in ["", "\n# nothing\n", "---\n", "~\n"] {
        place.write("web.yml", blank);
        let expected = format!(
            "the web configuration {file} (--web.config.file) is blank; \
             write tls_server_config or basic_auth_users into it, or leave out the flag"
        );
        assert_eq!(refusal(&place), expected, "{blank:?}");
    }
    place.write("web.yml", b"\xff\xfe");
    let expected =
        format!("cannot read the web configuration {file} (--web.config.file): it is not UTF-8 text");
    assert_eq!(refusal(&place), expected);
    place.write("web.yml", vec![b'#'; 2 * 1024 * 1024]);
    let expected =
        format!("cannot read the web configuration {file} (--web.config.file): it is larger than 1 MiB");
    assert_eq!(refusal(&place), expected);
    std::fs::remove_file(place.path("web.yml")).unwrap();
    let expected = format!(
        "cannot read the web configuration {file} (--web.config.file): No such file or directory (os error 2)"
    );
    assert_eq!(refusal(&place), expected);
}

/// What Prometheus' own tool takes, and what we say is good, is the same file.
#[test]
fn promtool_agrees_on_good_files() {
    let everything = format!(
        "{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n  min_version: TLS12\n  \
         max_version: TLS13\n  prefer_server_cipher_suites: true\n  \
         cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n  curve_preferences: [X25519, CurveP256]\n\
         http_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: deny\n    X-XSS-Protection: 0\n{}",
        users(&[("alice", 4), ("123", 4)])
    );
    let yaml_1_1 = format!("{TLS}  prefer_server_cipher_suites: ON\nhttp_server_config:\n  http2: True\n");
    for text in [TLS.to_owned(), everything, yaml_1_1, example_in_the_readme()] {
        let place = Place::new(&text);
        let checked =
            Command::new("promtool").args(["check", "web-config"]).arg(place.path("web.yml")).output();
        let checked = checked.unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        let flag = place.flag();
        Running::start(&mut nectar_exporter(&["demo", "--web.listen-address=127.0.0.1:0", &flag])).address();
    }
}

/// The file that the README tells people to write, with a hash in it.
fn example_in_the_readme() -> String {
    let readme = std::fs::read_to_string(in_checkout("README.md")).unwrap();
    let (_, section) = readme.split_once("## Serve it over TLS, with a password").unwrap();
    let (_, rest) = section.split_once("```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    assert!(example.contains("basic_auth_users"), "{example}");
    example.replace("HASH", &bcrypt::hash(PASSWORD, 4).unwrap())
}
