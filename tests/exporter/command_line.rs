//! Flags, environment, exit codes, signals and log lines, as a person at a terminal meets them.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::process::Command;

use nectar_exporter::http::{bind, bind_all};

use test_support::authority::Authority;
use test_support::exporter_process::{Running, nectar_exporter, run};
use test_support::http;

/// With a fleet of one.
const SMALL_DEMO: [&str; 4] =
    ["demo", "--web.listen-address=127.0.0.1:0", "--sim.companies=1", "--sim.connections=1"];

/// Bad usage: exit status 2, and a message that names the flag and what it takes.
#[test]
fn bad_usage_is_named() {
    // Every rule of a flag stands beside it, in src/config.
    let cases: &[(&[&str], &str)] = &[
        (&[], "--nectar.api-key-file takes the file with the API key"),
        (&["--nectar.page-size=0"], "'--nectar.page-size <N>': takes a whole number from 1 to 500"),
        (
            &["--nectar.max-data-age=5m"],
            "--nectar.max-data-age takes a duration longer than --nectar.poll-interval",
        ),
        (&["--metrics.detail=all"], "[possible values: none, connections, accounts]"),
        (&["--nectar.base-url=https://me:sim-secret@example.com"], "without user, query or fragment"),
        (&["--nectar.api-key=sim-secret"], "unexpected argument '--nectar.api-key'"),
        (&["demo", "--sim.speed=fast"], "'--sim.speed <N>': takes a number from 0 to 1000000"),
        (&["demo", "--nectar.max-data-age=5s"], "--nectar.max-data-age takes a duration longer"),
        (&["simulate", "--sim.listen-address=x"], "'--sim.listen-address <ADDRESS>'"),
        (&["serve"], "serve"),
    ];
    for (arguments, message) in cases {
        let (code, stdout, stderr) = run(&mut nectar_exporter(arguments));
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
        assert!(stdout.is_empty() && !stderr.contains("sim-secret"), "{arguments:?}: {stderr}");
    }
}

#[test]
fn every_fault_is_reported_not_only_the_first() {
    let arguments = ["--nectar.max-data-age=1m", "--web.telemetry-path=x", "--nectar.base-url=x"];
    let (code, _, stderr) = run(&mut nectar_exporter(&arguments));
    assert_eq!(code, Some(2));
    for flag in
        ["--nectar.max-data-age", "--web.telemetry-path", "--nectar.base-url", "--nectar.api-key-file"]
    {
        assert!(stderr.contains(flag), "{flag} is not in: {stderr}");
    }
}

#[test]
fn both_ways_to_give_the_key_are_one_too_many() {
    let mut command = nectar_exporter(&["--nectar.api-key-file=/nowhere"]);
    let (code, _, stderr) = run(command.env("NECTAR_API_KEY", "sim-secret"));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("are both given") && !stderr.contains("sim-secret"), "{stderr}");
}

/// Cannot start: exit status 1, and one line that says what and where.
#[test]
fn what_keeps_it_from_starting_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("blank"), " \n").unwrap();
    std::fs::write(path("lines"), "sim-secret\nsim-secret\n").unwrap();
    std::fs::write(path("key"), "sim-secret\n").unwrap();
    std::fs::write(path("der"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let good = Authority::new().pem();
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(path("one-bad"), [&good, bad, &good].concat()).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let with_key = |rest: &str| vec![format!("--nectar.api-key-file={}", path("key")), rest.to_owned()];
    let cases = [
        (vec![format!("--nectar.api-key-file={}", path("none"))], path("none")),
        (vec![format!("--nectar.api-key-file={}", path("blank"))], path("blank")),
        (vec![format!("--nectar.api-key-file={}", path("lines"))], path("lines")),
        (
            vec![format!("--nectar.api-key-file={}", folder.path().display())],
            folder.path().display().to_string(),
        ),
        (with_key(&format!("--web.listen-address={taken}")), taken.clone()),
        (with_key("--web.listen-address=192.0.2.1:0"), "192.0.2.1:0".to_owned()),
        (with_key("--web.listen-address=no-such-host.invalid:0"), "no-such-host.invalid:0".to_owned()),
        (with_key(&format!("--nectar.ca-file={}", path("none"))), path("none")),
        (with_key(&format!("--nectar.ca-file={}", path("key"))), path("key")),
        (with_key(&format!("--nectar.ca-file={}", path("der"))), path("der")),
        (with_key(&format!("--nectar.ca-file={}", path("one-bad"))), "certificate number 2 ".to_owned()),
        (vec!["demo".to_owned(), format!("--web.listen-address={taken}")], taken.clone()),
        (vec!["simulate".to_owned(), format!("--sim.listen-address={taken}")], taken.clone()),
        (
            vec!["simulate".to_owned(), "--sim.webhook-url=sim-secret".to_owned()],
            "(--sim.webhook-url, --sim.webhook-secret): the address".to_owned(),
        ),
    ];
    for (arguments, place) in cases {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, _, stderr) = run(&mut nectar_exporter(&arguments));
        assert_eq!(code, Some(1), "{arguments:?}: {stderr}");
        let faults: Vec<&str> = stderr.lines().filter(|line| line.contains("level=error")).collect();
        assert_eq!(stderr.lines().count(), 1, "{arguments:?}: {stderr}");
        assert!(faults.len() == 1 && faults[0].contains(&place), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("sim-secret"), "{arguments:?}: {stderr}");
    }
}

/// A pipe that nobody writes to stands for a mount that hangs.
#[test]
fn a_file_that_cannot_be_read_to_its_end_keeps_it_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe").display().to_string();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // All at once: most of it is waiting.
    let key = format!("--nectar.api-key-file={pipe}");
    let check = std::thread::spawn(move || run(&mut nectar_exporter(&["check", "--config-only", &key])));
    let cases = ["--nectar.api-key-file", "--nectar.ca-file", "--web.config.file"].map(|flag| {
        let mut command = nectar_exporter(&[flag, &pipe, "--web.listen-address=127.0.0.1:0"]);
        if flag != "--nectar.api-key-file" {
            command.env("NECTAR_API_KEY", "sim-secret");
        }
        (flag, std::thread::spawn(move || run(&mut command)))
    });
    for (flag, ended) in cases {
        let (code, _, stderr) = ended.join().unwrap();
        assert_eq!((code, stderr.lines().count()), (Some(1), 1), "{flag}: {stderr}");
        let why = if flag == "--web.config.file" { "it is a pipe" } else { "did not end within" };
        assert!(stderr.contains(&pipe) && stderr.contains(why), "{flag}: {stderr}");
    }
    let (code, said, _) = check.join().unwrap();
    assert!(code == Some(1) && said.contains("did not end within"), "{said}");
}

#[test]
fn every_flag_has_a_twin_in_the_environment() {
    let mut command = nectar_exporter(&["demo"]);
    command
        .env("NECTAR_EXPORTER_WEB_LISTEN_ADDRESS", "127.0.0.1:0,127.0.0.1:0")
        .env("NECTAR_EXPORTER_WEB_TELEMETRY_PATH", "/fleet")
        .env("NECTAR_EXPORTER_SIM_COMPANIES", "2")
        .env("NECTAR_EXPORTER_LOG_FORMAT", "json")
        .env("NECTAR_EXPORTER_NECTAR_EXCLUDE_COMPANY", "");
    let mut running = Running::start(&mut command);
    let first = running.wait_for("Listening on");
    assert!(first.starts_with('{'), "{first}");
    let first: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!((&first["msg"], &first["level"]), (&"Listening on".into(), &"info".into()));
    running.wait_for("Listening on");
    assert!(running.wait_for("The demo runs").contains("/fleet"));
    let poll: serde_json::Value = serde_json::from_str(&running.wait_for("Poll finished")).unwrap();
    assert_eq!(poll["companies"], 2);
    assert!(running.log.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[test]
fn a_bad_twin_is_named_too() {
    let mut command = nectar_exporter(&["demo"]);
    let (code, _, stderr) = run(command.env("NECTAR_EXPORTER_NECTAR_PAGE_SIZE", "many"));
    assert_eq!(code, Some(2));
    for part in ["--nectar.page-size", "the variable NECTAR_EXPORTER_NECTAR_PAGE_SIZE"] {
        assert!(stderr.contains(part), "{part} is not in: {stderr}");
    }
    for (flags, variable, value) in [
        (&["demo"][..], "NECTAR_EXPORTER_NECTAR_MAX_DATA_AGE", "1s"),
        (&["demo", "--metrics.detail-limit=5"], "NECTAR_EXPORTER_METRICS_DETAIL", "bad"),
        (&[], "NECTAR_EXPORTER_NECTAR_BASE_URL", "ftp://x"),
    ] {
        let (code, _, stderr) = run(nectar_exporter(flags).env(variable, value));
        assert!(code == Some(2) && stderr.contains(variable), "{variable}: {stderr}");
    }
    // From the command line: the variable has nothing to do with it.
    let mut command = nectar_exporter(&["demo", "--nectar.page-size=many"]);
    let (_, _, stderr) = run(command.env("NECTAR_EXPORTER_NECTAR_PAGE_SIZE", "5"));
    assert!(!stderr.contains("NECTAR_EXPORTER_"), "{stderr}");
}

/// `[::]` is both families, as for others; beside an address of IPv4 it is IPv6 alone. Where there is no IPv6, there is nothing to see.
#[tokio::test]
async fn every_address_is_of_both_families() {
    let addresses = |texts: &[String]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
    let Ok(both) = bind_all(&addresses(&["[::]:0".to_owned()])).await else { return };
    TcpStream::connect(("127.0.0.1", both[0].local_addr().unwrap().port())).unwrap();
    for order in [["[::]", "0.0.0.0"], ["0.0.0.0", "[::]"]] {
        let free = TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
        let both = bind_all(&addresses(&order.map(|host| format!("{host}:{free}")))).await;
        assert_eq!(both.unwrap().len(), 2, "{order:?}");
    }
    // Somebody else's port is not quietly left to them.
    let theirs = TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let taken = TcpListener::bind(("0.0.0.0", theirs)).unwrap();
    assert!(bind_all(&addresses(&[format!("[::]:{theirs}")])).await.is_err());
    drop(taken);
}

/// An address of IPv4 in the form of IPv6, and one of IPv6 with its zone. Where there is no IPv6, the second is not to be had.
#[tokio::test]
async fn odd_forms_of_addresses() {
    let bound = async |text: &str| bind(&text.parse().unwrap()).await.map(|mut bound| bound.remove(0));
    let mapped = bound("[::ffff:127.0.0.1]:0").await.unwrap().local_addr().unwrap();
    assert_eq!(mapped.ip(), IpAddr::V4(Ipv4Addr::LOCALHOST));
    if let Ok(listener) = bound("[::1%lo]:0").await {
        assert_eq!(listener.local_addr().unwrap().ip(), IpAddr::V6(Ipv6Addr::LOCALHOST));
    }
}

/// A library that panics at it would take the program with it.
#[test]
fn a_number_of_threads_that_is_none_is_not_looked_at() {
    let mut command = nectar_exporter(&SMALL_DEMO);
    Running::start(command.env("TOKIO_WORKER_THREADS", "0")).wait_for("Poll finished");
}

#[test]
fn help_and_version() {
    for arguments in [&["--help"][..], &["demo", "--help"], &["simulate", "--help"]] {
        let mut command = nectar_exporter(arguments);
        let (code, stdout, _) = run(command.env("NECTAR_EXPORTER_SIM_API_KEY", "sim-secret"));
        assert_eq!(code, Some(0));
        assert!(stdout.contains("--log.level") && !stdout.contains("sim-secret"), "{stdout}");
    }
    let (code, stdout, _) = run(&mut nectar_exporter(&["--version"]));
    assert_eq!(code, Some(0));
    assert!(
        stdout.starts_with(concat!("nectar-exporter ", env!("CARGO_PKG_VERSION"), " (revision ")),
        "{stdout}"
    );
}

#[test]
fn both_signals_end_it_with_status_0() {
    for signal in ["TERM", "INT"] {
        let mut running = Running::start(&mut nectar_exporter(&SMALL_DEMO));
        running.wait_for("Poll finished");
        running.signal(signal);
        assert_eq!(running.end(), Some(0), "{signal}: {:?}", running.log);
    }
}

#[test]
fn failures_are_logged_when_they_begin_and_not_again() {
    // Not sent again: there is no wait between attempts.
    let refusing = http::always("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n", b"");
    let url = format!("--nectar.base-url=http://{refusing}");
    let flags = [&*url, "--web.listen-address=127.0.0.1:0", "--nectar.poll-interval=10ms"];
    let mut running = Running::start(nectar_exporter(&flags).env("NECTAR_API_KEY", "sim-secret"));
    for _ in 0..2 {
        running.wait_for("Poll finished");
    }
    running.signal("TERM");
    assert_eq!(running.end(), Some(0));
    let warnings = running.log.iter().filter(|line| line.contains("level=warn")).count();
    assert_eq!(warnings, 1, "{:?}", running.log);
    assert!(running.log.iter().any(|line| line.contains("reason=forbidden") && line.contains("advice=")));
}

#[test]
fn plain_http_to_another_machine_is_warned_of() {
    for (url, warned) in [
        ("http://192.0.2.1/v2.2", true),
        ("http://localhost:1/v2.2", false),
        ("http://127.0.0.9:1", false),
        ("http://[::1]:1/", false),
        ("https://192.0.2.1/v2.2", false),
    ] {
        let mut command = nectar_exporter(&["--nectar.base-url", url, "--web.listen-address=127.0.0.1:0"]);
        let mut running = Running::start(command.env("NECTAR_API_KEY", "sim-secret"));
        running.wait_for("Listening on");
        running.signal("TERM");
        running.end();
        let found = running.log.iter().any(|line| line.contains("in the clear"));
        assert_eq!(found, warned, "{url}: {:?}", running.log);
    }
}

/// The form of the default: every address of the machine, IPv4 and, where there is one, IPv6.
#[test]
fn the_default_form_of_address() {
    let mut running = Running::start(&mut nectar_exporter(&["demo", "--web.listen-address=:0"]));
    let address = running.address();
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    assert!(["[::]:", "0.0.0.0:"].iter().any(|any| address.starts_with(any)), "{address}");
    let mut reached = vec![format!("127.0.0.1:{port}")];
    if TcpListener::bind("[::1]:0").is_ok() {
        reached.push(format!("[::1]:{port}"));
    }
    for address in reached {
        std::net::TcpStream::connect(&address).unwrap_or_else(|error| panic!("{address}: {error}"));
    }
}

/// The default itself, `:10942`, also where something else has it, be it another run of this test.
#[test]
fn the_default_address() {
    let mut running = Running::start(&mut nectar_exporter(&["demo"]));
    let line = running.wait_for(":10942");
    if line.contains("Listening on") {
        std::net::TcpStream::connect("127.0.0.1:10942").unwrap();
    } else {
        assert!(line.contains("cannot listen on :10942"), "{line}");
        assert_eq!(running.end(), Some(1), "{line}");
    }
}

/// Nobody asks its API: it looks by itself whether anything has changed.
#[test]
fn the_simulated_nectar_sends_events() {
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("--sim.webhook-url=http://{}/hook", receiver.local_addr().unwrap());
    let simulate = ["simulate", "--sim.listen-address=127.0.0.1:0", "--sim.speed=1000000", &url];
    let _running = Running::start(&mut nectar_exporter(&simulate));
    let (stream, _) = receiver.accept().unwrap();
    let head = BufReader::new(stream).lines().map(Result::unwrap).take_while(|line| !line.is_empty());
    let head: Vec<String> = head.collect();
    assert_eq!(head[0], "POST /hook HTTP/1.1");
    assert!(head.iter().any(|line| line.contains("-signature: v1,")), "{head:?}");
}

#[test]
fn names_are_resolved() {
    let mut running = Running::start(&mut nectar_exporter(&["demo", "--web.listen-address=localhost:0"]));
    let address = running.address();
    assert!(address.starts_with("127.") || address.starts_with("[::1]"), "{address}");
    std::net::TcpStream::connect(address).unwrap();
}
