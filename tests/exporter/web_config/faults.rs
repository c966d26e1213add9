//! Files that keep the exporter from starting, and good ones, on which Prometheus' own tool agrees.
//!
//! Each rule has its row beside the parser, in `src/http/web_config/tests.rs`.

use std::process::Command;

use super::place::{PASSWORD, PLANTED, Place, TLS, users};
use test_support::exporter_process::{Running, nectar_exporter};
use test_support::in_checkout;

#[test]
fn a_bad_file_keeps_the_exporter_from_starting() {
    let place = Place::new("");
    let file = place.path("web.yml").display().to_string();
    for (text, message) in [
        ("", " is blank; write tls_server_config or basic_auth_users into it, or leave out the flag"),
        (
            "basic_auth_users:\n  alice: sim-secret-password\n",
            ", line 2, basic_auth_users.alice: this is not a bcrypt hash; \
             make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'",
        ),
    ] {
        place.write("web.yml", text);
        let flag = place.flag();
        let serve = ["demo", "--web.listen-address=127.0.0.1:0", "--log.format=json", &flag];
        let mut running = Running::start(&mut nectar_exporter(&serve));
        assert_eq!((running.end(), running.log.len()), (Some(1), 1), "{:?}", running.log);
        let line: serde_json::Value = serde_json::from_str(&running.log.concat()).unwrap();
        let expected = format!("web configuration {file} (--web.config.file){message}");
        assert_eq!(line["error"], format!("the {expected}"));

        let mut check = nectar_exporter(&["check", "--config-only", &flag]);
        let checked = check.env("NECTAR_API_KEY", PLANTED).output().unwrap();
        let said = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
        assert!(checked.status.code() == Some(1) && said.contains(&expected), "{said}");
        assert!(!running.log.concat().contains(PLANTED) && !said.contains(PLANTED), "{said}");
    }
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
    for text in [TLS.to_owned(), everything, yaml_1_1, example_in_the_docs()] {
        let place = Place::new(&text);
        let checked =
            Command::new("promtool").args(["check", "web-config"]).arg(place.path("web.yml")).output();
        let checked = checked.unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        let flag = place.flag();
        Running::start(&mut nectar_exporter(&["demo", "--web.listen-address=127.0.0.1:0", &flag])).address();
    }
}

/// The file that docs/tls.md tells people to write, with a hash in it.
fn example_in_the_docs() -> String {
    let page = std::fs::read_to_string(in_checkout("docs/tls.md")).unwrap();
    let (_, rest) = page.split_once("```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    assert!(example.contains("basic_auth_users"), "{example}");
    example.replace("HASH", &bcrypt::hash(PASSWORD, 4).unwrap())
}
