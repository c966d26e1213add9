//! What the exporter sends, and through which door.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use crate::support::binary::{Running, nectar_exporter};

/// Takes one request, answers with an empty list, and returns the request's head.
fn one_request(listener: TcpListener) -> thread::JoinHandle<Vec<String>> {
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let head: Vec<String> = lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]").unwrap();
        head
    })
}

fn header<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    head.iter().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[test]
fn headers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v2.2/", listener.local_addr().unwrap());
    let server = one_request(listener);
    let flags = ["--nectar.base-url", &url, "--web.listen-address=127.0.0.1:0"];
    let mut running = Running::start(nectar_exporter(&flags).env("NECTAR_API_KEY", "sim-secret"));
    running.wait_for("Poll finished");
    let head = server.join().unwrap();
    assert_eq!(head[0], "GET /v2.2/company HTTP/1.1");
    let user_agent = concat!("nectar-exporter/", env!("CARGO_PKG_VERSION"));
    assert_eq!(header(&head, "user-agent"), Some(user_agent));
    assert_eq!(header(&head, "x-api-key"), Some("sim-secret"));
    assert!(header(&head, "accept-encoding").unwrap().contains("gzip"));
    assert_eq!(header(&head, "accept"), Some("application/json"));
}

#[test]
fn a_proxy_is_honoured_but_not_by_the_demo() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let server = one_request(listener);
    // An address that is nobody's: only the proxy can answer for it.
    let flags = ["--nectar.base-url=http://192.0.2.1/v2.2", "--web.listen-address=127.0.0.1:0"];
    let mut command = nectar_exporter(&flags);
    let mut running = Running::start(command.env("NECTAR_API_KEY", "sim-secret").env("HTTP_PROXY", &proxy));
    running.wait_for("Poll finished");
    assert!(server.join().unwrap()[0].starts_with("GET http://192.0.2.1/v2.2/company "));

    let mut command = nectar_exporter(&["demo", "--web.listen-address=127.0.0.1:0"]);
    let mut demo = Running::start(command.env("HTTP_PROXY", "http://127.0.0.1:1"));
    assert!(demo.wait_for("Poll finished").contains("failures=0"));
}
