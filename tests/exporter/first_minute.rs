//! What somebody reads in the first minute: the first lines of the log, help, and hints at slips.

use std::os::unix::fs::PermissionsExt;

use test_support::exporter_process::{Running, nectar_exporter, run};

/// Where nothing listens.
const NOWHERE: &str = "http://127.0.0.1:1/v2.2";

/// Version, address, detail and companies, and what in the environment looks like a slip.
#[test]
fn the_first_line_says_what_starts() {
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "sim-secret").unwrap();
    std::fs::set_permissions(key.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let file = format!("--nectar.api-key-file={}", key.path().display());
    let flags = [
        "--nectar.base-url",
        NOWHERE,
        "--web.listen-address=127.0.0.1:0",
        "--nectar.exclude-company=a,b",
        &file,
    ];
    let mut command = nectar_exporter(&flags);
    command.env("NECTAR_EXPORTER_NECTAR_COMPANIES", "a").env("NECTAR_EXPORTER_NECTAR_PAGE_SIZE", "100");
    command
        .env("NECTAR_EXPORTER_SERVICE_HOST", "10.0.0.1")
        .env("NECTAR_EXPORTER_PORT_10942_TCP", "tcp://10.0.0.1:10942");
    let mut running = Running::start(&mut command);
    let first = running.wait_for("");
    let version = concat!("version=", env!("CARGO_PKG_VERSION"));
    for part in ["msg=Starting", version, NOWHERE, "detail=connections", "companies=\"all but 2\""] {
        assert!(first.contains(part), "{part} is not in: {first}");
    }
    assert!(running.wait_for("").contains("The variable NECTAR_EXPORTER_NECTAR_COMPANIES looks"));
    assert!(running.wait_for("").contains("Everybody on this machine can read"));
    running.wait_for("Listening on");
    assert!(!running.log.iter().any(|line| line.contains("SERVICE")), "Kubernetes makes these");
    let strays = running.log.iter().filter(|line| line.contains("looks like one of a flag"));
    assert_eq!(strays.count(), 1);
}

#[test]
fn help_shows_how_to_begin_and_data_age_follows_the_interval() {
    for arguments in [&["--help"][..], &["help"], &["help", "--help"]] {
        let (code, stdout, _) = run(&mut nectar_exporter(arguments));
        assert_eq!(code, Some(0), "{arguments:?}");
        for part in ["nectar-exporter demo", "--nectar.api-key-file=/etc", "docs/"] {
            assert!(stdout.contains(part), "{arguments:?}: {part}");
        }
    }
    let (code, _, stderr) = run(&mut nectar_exporter(&["demo", "--nectar.api-key-file=x"]));
    assert!(code == Some(2) && stderr.contains("the demo takes no key"), "{stderr}");

    let flags =
        ["demo", "--nectar.poll-interval=1h", "--web.listen-address=127.0.0.1:0", "--sim.companies=1"];
    Running::start(&mut nectar_exporter(&flags)).wait_for("Poll finished");
    let (code, _, stderr) =
        run(&mut nectar_exporter(&["demo", "--nectar.poll-interval=1h", "--nectar.max-data-age=30m"]));
    assert!(code == Some(2) && stderr.contains("they are 30m and 1h"), "{stderr}");
}

/// Most likely it is mistyped. It is said once, and not at each poll.
#[test]
fn a_company_that_is_left_out_in_vain_is_named_once() {
    let mut command = nectar_exporter(&[
        "demo",
        "--nectar.poll-interval=100ms",
        "--web.listen-address=127.0.0.1:0",
        "--sim.companies=1",
    ]);
    let mut running =
        Running::start(command.env("NECTAR_EXPORTER_NECTAR_EXCLUDE_COMPANY", "\"not-there, nor-this\""));
    (0..3).for_each(|_| drop(running.wait_for("Poll finished")));
    running.signal("TERM");
    assert_eq!(running.end(), Some(0));
    for id in ["not-there", "nor-this"] {
        let named = format!("company_id={id} ");
        assert_eq!(running.log.iter().filter(|line| line.contains(&named)).count(), 1, "{:#?}", running.log);
    }
}
