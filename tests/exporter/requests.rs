//! What the exporter sends, which way it takes, and what it says of whoever answers.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use nectar_exporter::nectar::proxy::proxy_for;

use test_support::clock::TestClock;
use test_support::exporter::Exporter;
use test_support::exporter_process::{Running, nectar_exporter, run};
use test_support::http;
use test_support::log::Log;

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

/// What the log says first of a Nectar that cannot be read, through a proxy if there is one.
async fn said_of(url: &str, proxy: Option<&str>) -> String {
    let log = Log::begin();
    let clock = TestClock::skipping(Duration::from_secs(60));
    let program = Exporter::start_with(url, &[], clock, |settings| {
        let variable = |name: &str| (name == "HTTPS_PROXY").then_some(proxy?.into());
        settings.nectar.proxy = proxy_for(&settings.nectar.base_url, variable).unwrap();
    });
    program.await.after_polls(1).await;
    log.line_with("cannot be read")
}

/// The log says which host could not be reached, why, and what to do.
#[tokio::test]
async fn what_stands_in_the_way_is_named() {
    let broken = http::always("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n", b"[");
    for (url, parts) in [
        (format!("http://{broken}"), ["reason=connect", "host=127.0.0.1", "cause=", "check the network"]),
        (
            "http://127.0.0.1:1/v2.2".to_owned(),
            ["reason=connect", "host=127.0.0.1", "Connection refused", "check the network"],
        ),
        ("http://nectar.invalid/v2.2".to_owned(), ["reason=dns", "host=nectar.invalid", "cause=", "and DNS"]),
    ] {
        let line = said_of(&url, None).await;
        // A resolver that does not answer is a time-out, and not this.
        if !line.contains("reason=timeout") {
            parts.iter().for_each(|part| assert!(line.contains(part), "{part} is not in: {line}"));
        }
    }
}

/// An answer says what it is, but nothing of its text; a proxy that makes no connection is told from one that wants a password.
#[tokio::test]
async fn what_answers_in_nectars_place_is_named() {
    let always = |head: &str| http::always(&format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n"), b"");
    let redirect = always(
        "301 Moved Permanently\r\nLocation: https://sim-secret:x@login.example.org/sim-secret?sim-secret",
    );
    let page = always("403 Forbidden\r\nContent-Type: text/html; charset=utf-8");
    let (portal, packed) =
        (always("200 OK\r\nContent-Type: text/html"), always("200 OK\r\nContent-Encoding: br"));
    let elsewhere = always("302 Found\r\nLocation: sim-secret:abc");
    let (refusing, strict) = (always("403 sim-secret"), always("407 Proxy Authentication Required"));
    let proxy = |address: &str| Some(format!("http://{address}"));
    let with_user = Some(format!("http://sim-secret:sim-secret@{strict}"));
    for (address, proxy, parts) in [
        (
            &*redirect,
            None,
            ["reason=other", "it answers 301 Moved Permanently, to https://login.example.org\""],
        ),
        (&page, None, ["reason=forbidden", "with a page for people"]),
        (&portal, None, ["reason=decode", "it answers 200 OK, with a page for people"]),
        (&packed, None, ["reason=decode", "in a coding that it was not asked for"]),
        (&elsewhere, None, ["reason=other", "it answers 302 Found\""]),
        ("nectar.invalid", proxy(&refusing), ["reason=connect", "makes no connection"]),
        ("nectar.invalid", proxy(&strict), ["reason=connect", "wants a user"]),
        ("nectar.invalid", with_user, ["reason=connect", "refuses the user or password"]),
    ] {
        let scheme = if proxy.is_some() { "https" } else { "http" };
        let line = said_of(&format!("{scheme}://{address}/v2.2"), proxy.as_deref()).await;
        parts.iter().for_each(|part| assert!(line.contains(part), "{part} is not in: {line}"));
        assert!(!line.contains("sim-secret"), "{line}");
    }
}

/// Where a proxy cannot be used, to go without it would be a guess.
#[test]
fn a_proxy_that_cannot_be_used_keeps_it_from_starting() {
    for proxy in ["\"http://sim-secret:1\"", "http://sim-secret:1 ", "socks5://sim-secret:1"] {
        let mut command = nectar_exporter(&["--web.listen-address=127.0.0.1:0"]);
        let (code, _, stderr) = run(command.env("NECTAR_API_KEY", "sim-secret").env("HTTPS_PROXY", proxy));
        assert_eq!((code, stderr.lines().count()), (Some(1), 1), "{stderr}");
        assert!(stderr.contains("HTTPS_PROXY") && !stderr.contains("sim-secret"), "{stderr}");
    }
}

/// An address that is nobody's: nothing is read, but the proxy is not asked either.
#[test]
fn no_proxy_exempts_addresses_too() {
    for exempt in ["*", "192.0.2.0/24"] {
        let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
        proxy.set_nonblocking(true).unwrap();
        let flags = [
            "--nectar.base-url=http://192.0.2.1/v2.2",
            "--web.listen-address=127.0.0.1:0",
            "--nectar.poll-timeout=2s",
        ];
        let mut command = nectar_exporter(&flags);
        command.env("HTTP_PROXY", format!("http://{}", proxy.local_addr().unwrap())).env("NO_PROXY", exempt);
        let mut running = Running::start(command.env("NECTAR_API_KEY", "sim-secret"));
        running.wait_for("Poll finished");
        assert_eq!(proxy.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "{exempt}");
    }
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
