//! What systemd is told, and sockets that it hands over: the program, with the test in systemd's place.

use std::collections::VecDeque;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use test_support::PATIENCE;
use test_support::exporter_process::{Running, nectar_exporter, program, run};

/// The other end of NOTIFY_SOCKET.
struct Notified {
    folder: TempDir,
    socket: UnixDatagram,
    /// What was told and read so far, a line each.
    told: Vec<String>,
    /// The rest of a message.
    unread: VecDeque<String>,
}

impl Notified {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { folder, socket, told: Vec::new(), unread: VecDeque::new() }
    }

    /// An exporter that is told to notify here, with this for Nectar.
    fn exporter(&self, base_url: &str) -> Command {
        let key = self.folder.path().join("key");
        std::fs::write(&key, "key").unwrap();
        let mut command = nectar_exporter(&[
            "--web.listen-address=127.0.0.1:0",
            &format!("--nectar.base-url={base_url}"),
            &format!("--nectar.api-key-file={}", key.display()),
        ]);
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
        command
    }

    /// Reads up to the first line that begins like this.
    fn wait_for(&mut self, beginning: &str) -> String {
        loop {
            while let Some(line) = self.unread.pop_front() {
                self.told.push(line.clone());
                if line.starts_with(beginning) {
                    return line;
                }
            }
            let mut message = [0; 4096];
            let length = self.socket.recv(&mut message);
            let length = length.unwrap_or_else(|_| panic!("{beginning} was not told, only {:?}", self.told));
            self.unread.extend(std::str::from_utf8(&message[..length]).unwrap().lines().map(str::to_owned));
        }
    }
}

/// Nectar is down: the exporter serves all the same, and a unit that waits for it must not fail.
#[test]
fn systemd_is_told_how_the_exporter_is() {
    let mut systemd = Notified::new();
    let mut command = systemd.exporter("http://127.0.0.1:1/v2.2");
    let mut exporter = Running::start(command.env("WATCHDOG_USEC", "100000"));
    let address = exporter.address();
    systemd.wait_for("READY=1");
    TcpStream::connect(address).unwrap();
    systemd.wait_for("STATUS=Serving. The first poll has not ended yet.");
    let status = systemd.wait_for("STATUS=The last poll ended at ");
    assert!(status.contains(": 0 companies were read, and not all, because "), "{status}");
    assert!(!status.contains("127.0.0.1"), "{status}");
    for _ in 0..3 {
        systemd.wait_for("WATCHDOG=1");
    }
    exporter.signal("HUP");
    systemd.wait_for("RELOADING=1");
    systemd.wait_for("READY=1");
    assert!(systemd.told.iter().any(|line| line.starts_with("MONOTONIC_USEC=")), "{:?}", systemd.told);
    exporter.signal("TERM");
    systemd.wait_for("STOPPING=1");
    assert_eq!(exporter.end(), Some(0));
}

/// A program that was not started by such a unit, and one that waits for no sign of life.
#[test]
fn nothing_is_told_where_nobody_wants_to_know() {
    let mut systemd = Notified::new();
    let mut command = systemd.exporter("http://127.0.0.1:1/v2.2");
    let exporter = Running::start(command.env("WATCHDOG_USEC", "0"));
    systemd.wait_for("STATUS=The last poll ended at ");
    exporter.signal("TERM");
    systemd.wait_for("STOPPING=1");
    assert!(!systemd.told.iter().any(|line| line == "WATCHDOG=1"), "{:?}", systemd.told);
    let mut exporter = Running::start(command.env("NOTIFY_SOCKET", ""));
    exporter.wait_for("Poll finished");
    exporter.signal("TERM");
    assert_eq!(exporter.end(), Some(0));
    assert!(!exporter.log.iter().any(|line| line.contains("systemd")), "{:?}", exporter.log);
}

/// The shell moves the socket, which a process can only be given as its standard input, to where systemd would have put it.
#[test]
fn a_socket_of_systemd_is_served_on() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "LISTEN_PID=$$ exec \"$0\" \"$@\" 3<&0 0</dev/null"]).arg(program());
    command.args(["demo", "--web.systemd-socket", "--web.listen-address=127.0.0.1:1", "--sim.companies=1"]);
    let mut exporter =
        Running::start(command.env("LISTEN_FDS", "1").stdin(Stdio::from(OwnedFd::from(socket))));
    assert_eq!(exporter.address(), address.to_string());
    TcpStream::connect(address).unwrap();
    exporter.signal("TERM");
    assert_eq!(exporter.end(), Some(0));
}

#[test]
fn a_socket_that_is_not_handed_over_is_missed() {
    let (code, _, log) = run(&mut nectar_exporter(&["demo", "--web.systemd-socket"]));
    assert_eq!(code, Some(1));
    assert!(log.contains("systemd hands over no socket; start the socket unit"), "{log}");
}
