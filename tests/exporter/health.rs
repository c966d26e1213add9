//! `nectar-exporter health`, which asks a running exporter.

use test_support::exporter_process::{Running, nectar_exporter, run};

use crate::web_config::place::{Place, TLS, users};

/// Its exit code, and what it says.
fn health(address: &str, flags: &[&str]) -> (Option<i32>, String) {
    let address = format!("--web.listen-address={address}");
    let arguments = [&["health", &address], flags].concat();
    let (code, said, fault) = run(&mut nectar_exporter(&arguments));
    (code, said + &fault)
}

/// Its certificate is for another name, and the passwords are of no matter.
#[test]
fn an_exporter_that_is_ready_is_healthy() {
    let place = Place::new(&(TLS.to_owned() + &users(&[("prometheus", 4)])));
    let tls = place.flag();
    for flags in [&[][..], &[tls.as_str()], &[tls.as_str(), "--web.route-prefix=/nectar"]] {
        let demo = ["demo", "--web.listen-address=127.0.0.1:0", "--sim.companies=1"];
        let mut exporter = Running::start(&mut nectar_exporter(&[&demo[..], flags].concat()));
        let address = exporter.address();
        exporter.wait_for("Poll finished");
        assert_eq!(health(&address, flags), (Some(0), "ready\n".to_owned()), "{flags:?}");
        let port = address.rsplit_once(':').unwrap().1;
        for everywhere in [format!(":{port}"), format!("0.0.0.0:{port}"), format!("localhost:{port}")] {
            assert_eq!(health(&everywhere, flags).0, Some(0), "{everywhere} {flags:?}");
        }
    }
}

#[test]
fn what_is_not_the_exporter_is_not_healthy() {
    let demo = ["demo", "--web.listen-address=127.0.0.1:0", "--sim.companies=1"];
    let mut exporter = Running::start(&mut nectar_exporter(&demo));
    let (code, said) = health(&exporter.address(), &["--web.route-prefix=/other"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("returns 404 Not Found; is it the exporter, with the same flags?"), "{said}");
}

#[test]
fn an_exporter_that_is_not_ready_is_not_healthy() {
    let exporter = ["--nectar.base-url=http://127.0.0.1:1/v2.2", "--web.listen-address=127.0.0.1:0"];
    let mut exporter = Running::start(nectar_exporter(&exporter).env("NECTAR_API_KEY", "key"));
    let address = exporter.address();
    let (code, said) = health(&address, &[]);
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("http://{address}/-/ready returns 503")), "{said}");
    drop(exporter);
    for (address, reason) in
        [(address.as_str(), "Connection refused"), ("127.0.0.1:0", "an address with a port, and not 0")]
    {
        let (code, said) = health(address, &[]);
        assert_eq!(code, Some(1), "{address}");
        assert!(said.contains(reason), "{said}");
    }
}
