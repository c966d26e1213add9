//! Handshakes: versions, certificates of clients, and that TLS is all there is.

use std::time::Instant;

use nectar_simulator::Simulator;
use reqwest::tls::Version;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::place::{Authority, Place, TLS, get};
use crate::encodings::{FLAG, LONG, of_the_fleet, unpacked};
use test_support::PATIENCE;
use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::exporter_process::{Running, nectar_exporter};

/// Which clients each kind of client authentication lets in: without a certificate, with one of ours, with a stranger's.
#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_clients() {
    let cases = [
        ("", [true, true, true]),
        ("  client_auth_type: NoClientCert\n", [true, true, true]),
        ("  client_auth_type: RequestClientCert\n", [true, true, true]),
        ("  client_auth_type: RequireAnyClientCert\n", [false, true, true]),
        ("  client_auth_type: RequireClientCert\n", [false, true, true]),
        ("  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.pem\n", [true, true, false]),
        ("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n", [false, true, false]),
    ];
    for (keys, welcome) in cases {
        for most in [Version::TLS_1_2, Version::TLS_1_3] {
            let place = Place::new(&format!("{TLS}{keys}"));
            let program = place.serve().await;
            let client = || place.authority.client().tls_version_max(most);
            let clients = [
                client(),
                client().identity(place.authority.identity()),
                client().identity(Authority::new().identity()),
            ];
            for (number, (client, welcome)) in clients.into_iter().zip(welcome).enumerate() {
                let answer = get(client, &program, "/-/healthy").await;
                assert_eq!(answer.is_ok(), welcome, "{keys:?}, {most:?}, client {number}: {answer:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions() {
    let cases = [
        ("", true, true),
        ("  min_version: TLS12\n", true, true),
        ("  min_version: TLS13\n", false, true),
        ("  max_version: TLS12\n", true, false),
    ];
    for (keys, takes_12, takes_13) in cases {
        let place = Place::new(&format!("{TLS}{keys}"));
        let program = place.serve().await;
        for (version, taken) in [(Version::TLS_1_2, takes_12), (Version::TLS_1_3, takes_13)] {
            let client = place.authority.client().tls_version_min(version).tls_version_max(version);
            let answer = get(client, &program, "/metrics").await;
            assert_eq!(answer.is_ok(), taken, "{keys:?}, {version:?}: {answer:?}");
        }
    }
}

/// Cut down to what the client's certificate library offers too, or to nothing that fits an ECDSA key.
#[tokio::test(flavor = "multi_thread")]
async fn cipher_suites_and_curves() {
    let of_12 = "  max_version: TLS12\n";
    let cases = [
        (format!("{of_12}  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n"), true),
        (format!("{of_12}  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n"), false),
        ("  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n".to_owned(), true),
        ("  curve_preferences: [CurveP384]\n".to_owned(), true),
        ("  prefer_server_cipher_suites: false\n".to_owned(), true),
    ];
    for (keys, fits) in cases {
        let place = Place::new(&format!("{TLS}{keys}"));
        let program = place.serve().await;
        let answer = get(place.authority.client(), &program, "/metrics").await;
        assert_eq!(answer.is_ok(), fits, "{keys:?}: {answer:?}");
    }
}

/// PEM inside the file itself.
#[tokio::test(flavor = "multi_thread")]
async fn everything_in_one_file() {
    let place = Place::new("");
    let (certificate, key) = place.authority.issue();
    let indented = |pem: &str| pem.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let web = format!(
        "tls_server_config:\n  cert: |\n{}  key: |\n{}  client_ca: |\n{}  client_auth_type: RequireAndVerifyClientCert\n",
        indented(&certificate),
        indented(&key),
        indented(&place.authority.pem()),
    );
    place.write("web.yml", web);
    let program = place.serve().await;
    let client = || place.authority.client();
    assert!(get(client(), &program, "/metrics").await.is_err());
    let answer = get(client().identity(place.authority.identity()), &program, "/metrics").await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// Headers are on every answer, win over ours, and HTTP/1.1 is what is spoken.
#[tokio::test(flavor = "multi_thread")]
async fn headers() {
    let place = Place::new(&format!(
        "{TLS}http_server_config:\n  http2: true\n  headers:\n    Content-Security-Policy: default-src 'self'\n    \
         X-Frame-Options: deny\n    X-Content-Type-Options: nosniff\n    X-XSS-Protection: 0\n    \
         Strict-Transport-Security: max-age=1\n"
    ));
    let program = place.serve().await;
    for path in ["/", "/metrics", "/-/healthy", "/nothing"] {
        let answer = get(place.authority.client(), &program, path).await.unwrap();
        assert_eq!(answer.version(), reqwest::Version::HTTP_11);
        for (name, value) in [
            ("content-security-policy", "default-src 'self'"),
            ("x-frame-options", "deny"),
            ("x-content-type-options", "nosniff"),
            ("x-xss-protection", "0"),
            ("strict-transport-security", "max-age=1"),
        ] {
            let values: Vec<_> = answer.headers().get_all(name).iter().collect();
            assert_eq!(values, [value], "{path}: {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_gets_a_sentence_where_there_is_tls() {
    let place = Place::new(TLS);
    let program = place.serve().await;
    let port = program.url.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.starts_with("HTTP/1.0 400 ") && answer.ends_with("HTTP request to an HTTPS server.\n"),
        "{answer}"
    );
    let scrape = get(place.authority.client(), &program, "/metrics").await.unwrap().text().await.unwrap();
    assert!(scrape.contains("nectar_exporter_requests_refused_total{reason=\"tls\"} 1\n"), "{scrape}");
}

/// Whoever cannot get in reads why in the log, once; whoever scans ports does not fill it.
#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_fails_is_logged_once_for_each_cause() {
    let place = Place::new(TLS);
    let flags = ["demo", "--web.listen-address=127.0.0.1:0", &place.flag()];
    let mut running = Running::start(&mut nectar_exporter(&flags));
    let port = running.address().rsplit_once(':').unwrap().1.to_owned();
    for _ in 0..3 {
        let stranger = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        stranger.get(format!("https://localhost:{port}/")).send().await.unwrap_err();
    }
    let client = place.authority.client().build().unwrap();
    let began = Instant::now();
    let mut scrape = String::new();
    while !scrape.contains("nectar_exporter_requests_refused_total{reason=\"tls\"} 3\n") {
        assert!(began.elapsed() < PATIENCE, "{scrape}");
        let answer = client.get(format!("https://localhost:{port}/metrics")).send().await;
        scrape = answer.unwrap().text().await.unwrap();
    }
    running.signal("TERM");
    assert_eq!(running.end(), Some(0));
    let said = running.log.iter().filter(|line| line.contains("A TLS handshake failed"));
    let said: Vec<_> = said.collect();
    assert!(said.len() == 1 && said[0].contains("UnknownCA"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_scrape_says_the_same_plain_and_compressed() {
    let place = Place::new(TLS);
    let clock = TestClock::new();
    let nectar = Simulator::new(&LONG, KEY, wall(&clock));
    let program = Exporter::against(&nectar, &[&place.flag(), FLAG], clock).await;
    let client = place.authority.client().build().unwrap();
    let url = format!("{}/metrics", program.url);
    let mut plain = String::new();
    while !plain.contains("\nnectar_up 1\n") {
        plain = client.get(&url).send().await.unwrap().text().await.unwrap();
    }
    let packed = client.get(&url).header("accept-encoding", "gzip").send().await.unwrap();
    let packed = packed.bytes().await.unwrap();
    let (plain, unpacked) = (of_the_fleet(&plain), of_the_fleet(&unpacked(&packed)));
    let differing = plain.lines().zip(unpacked.lines()).find(|(plain, unpacked)| plain != unpacked);
    assert_eq!(differing, None);
    assert_eq!(plain.len(), unpacked.len());
}
