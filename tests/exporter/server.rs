//! The server: routes, methods, encodings, limits, draining.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use nectar_simulator::{Fault, Plan, Scope};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use test_support::PATIENCE;
use test_support::exporter::Exporter;
use test_support::exporter_process::{Running, nectar_exporter};
use test_support::scrape::Scrape;

const SMALL: Plan = Plan { companies: 2, connections: 3, accounts: 1, seed: 3, speed: 0.0 };

/// Sends `request` as it is, and reads until the server closes.
async fn raw(program: &Exporter, request: &str) -> String {
    let mut stream = TcpStream::connect(program.url.trim_start_matches("http://")).await.unwrap();
    // A server that refuses a request may close before it has read all of it.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn routes_and_methods() {
    let (program, _simulator) = Exporter::simulated(&SMALL, &[]).await;
    program.after_polls(1).await;
    let cases = [
        ("GET", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"),
        ("HEAD", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"),
        ("GET", "/metrics?name=x", 200, "text/plain; version=0.0.4; charset=utf-8"),
        ("GET", "/", 200, "text/html; charset=utf-8"),
        ("HEAD", "/", 200, "text/html; charset=utf-8"),
        ("GET", "/worklist", 200, "text/html; charset=utf-8"),
        ("HEAD", "/worklist", 200, "text/html; charset=utf-8"),
        ("POST", "/worklist", 405, "text/plain; charset=utf-8"),
        ("GET", "/-/healthy", 200, "text/plain; charset=utf-8"),
        ("GET", "/-/ready", 200, "text/plain; charset=utf-8"),
        ("POST", "/metrics", 405, "text/plain; charset=utf-8"),
        ("DELETE", "/", 405, "text/plain; charset=utf-8"),
        ("OPTIONS", "/-/ready", 405, "text/plain; charset=utf-8"),
        ("GET", "/metrics/", 404, "text/plain; charset=utf-8"),
        ("GET", "/favicon.ico", 404, "text/plain; charset=utf-8"),
        ("POST", "/nothing", 404, "text/plain; charset=utf-8"),
    ];
    let client = reqwest::Client::new();
    for (method, path, status, content_type) in cases {
        let request = client.request(method.parse().unwrap(), format!("{}{path}", program.url));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path}");
        assert_eq!(answer.headers()["content-type"], content_type, "{method} {path}");
        if content_type.starts_with("text/html") {
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
            assert!(answer.headers().contains_key("content-security-policy"));
        }
        if status == 405 {
            assert_eq!(answer.headers()["allow"], "GET, HEAD");
        }
        let body = answer.bytes().await.unwrap();
        assert_eq!(body.is_empty(), method == "HEAD", "{method} {path}");
    }
}

#[tokio::test]
async fn what_is_refused_is_counted() {
    let (program, _simulator) = Exporter::simulated(&SMALL, &[]).await;
    let refused = |scrape: &Scrape, reason| {
        scrape.value("nectar_exporter_requests_refused_total", &[("reason", reason)]).unwrap()
    };
    let none = program.after_polls(1).await;
    assert_eq!(none.family("nectar_exporter_requests_refused_total").count(), 7, "each from 0");
    assert_eq!(none.sum("nectar_exporter_requests_refused_total", &[]), 0.0);
    program.get("/nothing").await;
    reqwest::Client::new().post(format!("{}/metrics", program.url)).send().await.unwrap();
    raw(&program, "nonsense\r\n\r\n").await;
    let counts = |scrape: &Scrape| {
        ["not_found", "method_not_allowed", "malformed"].map(|reason| refused(scrape, reason))
    };
    let counted = program
        .until("all three", |scrape| scrape.sum("nectar_exporter_requests_refused_total", &[]) == 3.0)
        .await;
    assert_eq!(counts(&counted), [1.0; 3]);
}

#[tokio::test]
async fn metrics_at_a_path_of_ones_own() {
    let (program, _simulator) = Exporter::simulated(&SMALL, &["--web.telemetry-path=/fleet"]).await;
    assert_eq!(program.get("/fleet").await.status(), 200);
    assert_eq!(program.get("/metrics").await.status(), 404);
    assert!(program.get("/").await.text().await.unwrap().contains("href=\"./fleet\""));

    // Prometheus escapes more than others do.
    let (program, _simulator) = Exporter::simulated(&SMALL, &["--web.telemetry-path=/fleet|now"]).await;
    for path in ["/fleet|now", "/fleet%7Cnow", "/%66leet%7cnow"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(raw(&program, &request).await.starts_with("HTTP/1.1 200 "), "{path}");
    }

    let (program, _simulator) = Exporter::simulated(&SMALL, &["--web.telemetry-path=/"]).await;
    assert!(program.get("/").await.text().await.unwrap().starts_with("# HELP"));
}

/// As Prometheus and its own exporters do: the path of the outer address is the prefix, unless the proxy in front takes it away.
#[tokio::test]
async fn behind_a_path_prefix() {
    for (flags, prefix) in [
        (&["--web.route-prefix=/nectar"][..], "/nectar"),
        (&["--web.route-prefix=nectar/"], "/nectar"),
        (&["--web.external-url=https://example.org/a%20b/"], "/a%20b"),
        (&["--web.external-url=https://example.org/a/b/"], "/a/b"),
        (&["--web.external-url=https://example.org/b/", "--web.route-prefix=/b"], "/b"),
        (&["--web.external-url=https://example.org/a/", "--web.route-prefix=/"], ""),
        (&["--web.external-url=https://example.org"], ""),
    ] {
        let (program, _simulator) = Exporter::simulated(&SMALL, flags).await;
        program.get(&format!("{prefix}/metrics")).await;
        for path in ["/", "/metrics", "/worklist", "/-/healthy"] {
            assert_eq!(program.get(&format!("{prefix}{path}")).await.status(), 200, "{flags:?} {path}");
        }
        let page = program.get(&format!("{prefix}/")).await;
        assert_eq!(page.headers()["refresh"], "60");
        let page = page.text().await.unwrap();
        let links: Vec<&str> =
            page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(links, ["./metrics", "./worklist", "./-/healthy", "./-/ready"], "none leaves the prefix");
        if prefix.is_empty() {
            continue;
        }
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        for path in ["/", prefix] {
            let answer = client.get(format!("{}{path}", program.url)).send().await.unwrap();
            assert_eq!(
                (answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()),
                (302, &*format!("{prefix}/"))
            );
        }
        for path in ["/metrics", "/-/healthy", &format!("{prefix}metrics")] {
            assert_eq!(program.get(path).await.status(), 404, "{flags:?} {path}");
        }
    }
    // Behind a proxy that changes the path, the redirect leads to the path outside.
    let flags = ["--web.external-url=https://example.org/a/", "--web.route-prefix=/b"];
    let (program, _simulator) = Exporter::simulated(&SMALL, &flags).await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.get(format!("{}/b", program.url)).send().await.unwrap();
    assert_eq!(answer.headers()["location"], "/a/");
}

#[tokio::test]
async fn gzip_when_it_is_asked_for() {
    let (program, _simulator) = Exporter::simulated(&SMALL, &[]).await;
    program.after_polls(1).await;
    // Every form of the header stands beside the rule, in src/http/encoding.rs.
    let cases = [(None, false), (Some("deflate, GZIP;q=0.5"), true), (Some("gzip;q=0"), false)];
    // A client that does not unpack by itself.
    let client = reqwest::Client::builder().build().unwrap();
    for (accepted, zipped) in cases {
        let mut request = client.get(format!("{}/metrics", program.url));
        if let Some(accepted) = accepted {
            request = request.header("accept-encoding", accepted);
        }
        let answer = request.send().await.unwrap();
        let encoding = answer.headers().get("content-encoding").cloned();
        assert_eq!(encoding.is_some_and(|encoding| encoding == "gzip"), zipped, "{accepted:?}");
        assert_eq!(answer.headers()["vary"], "Accept, Accept-Encoding", "{accepted:?}");
        let body = answer.bytes().await.unwrap();
        let text = if zipped {
            // One member: nothing is left behind it.
            let mut unpacked = String::new();
            let mut member = flate2::bufread::GzDecoder::new(&body[..]);
            member.read_to_string(&mut unpacked).unwrap();
            assert!(member.into_inner().is_empty(), "more than one member");
            unpacked
        } else {
            String::from_utf8(body.to_vec()).unwrap()
        };
        assert!(text.starts_with("# HELP nectar_up "), "{accepted:?}");
    }
}

#[tokio::test]
async fn headers_that_are_too_large_or_never_end() {
    let (program, _simulator) = Exporter::simulated(&SMALL, &[]).await;
    let large = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "x".repeat(20_000));
    assert!(raw(&program, &large).await.starts_with("HTTP/1.1 431 "));
    assert!(raw(&program, "nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn processor_time_is_to_the_hundredth_of_a_second() {
    let (program, _simulator) = Exporter::simulated(&SMALL, &[]).await;
    let is_finer = |scrape: &Scrape| {
        let spent = scrape.value("process_cpu_seconds_total", &[]).unwrap();
        spent.fract() != 0.0 && ((spent * 100.0).round() / 100.0 - spent).abs() < 1e-9
    };
    program.until("a fraction of a second", is_finer).await;
}

#[tokio::test]
async fn a_scrape_never_waits_for_nectar() {
    let (program, simulator) = Exporter::simulated(&SMALL, &[]).await;
    program.after_polls(1).await;
    simulator.faults().set(Scope::Everything, Fault::Hang);
    let before = simulator.requests();
    program.clock.advance(Duration::from_secs(300));
    while simulator.requests() == before {
        tokio::task::yield_now().await;
    }
    let answer = tokio::time::timeout(PATIENCE, program.scrape()).await;
    assert!(answer.expect("an answer while Nectar hangs").has("nectar_connections"));
}

/// Decoding takes a processor for seconds. A scrape that comes meanwhile goes first.
#[cfg(target_os = "linux")]
#[test]
fn decoding_gives_way_to_scrapes() {
    let mut running = Running::start(&mut nectar_exporter(&[
        "demo",
        "--web.listen-address=127.0.0.1:0",
        "--sim.companies=1",
    ]));
    running.wait_for("Poll finished");
    let threads = std::fs::read_dir(format!("/proc/{}/task", running.id())).unwrap();
    let niceness = threads.filter_map(|thread| {
        // Threads of the runtime come and go.
        let stat = std::fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
        let (name, fields) = stat.split_once('(').unwrap().1.split_once(") ").unwrap();
        Some((name.to_owned(), fields.split(' ').nth(16).unwrap().parse().unwrap()))
    });
    let niceness: BTreeMap<String, i32> = niceness.collect();
    // 19 is the most that there is.
    assert_eq!(niceness["decoder"], (niceness["renderer"] + 10).min(19), "{niceness:?}");
}
