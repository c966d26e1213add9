//! Bad visitors, as a table: whatever they do, a well-behaved client's scrape goes on, and neither memory nor
//! descriptors run out.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use test_support::PATIENCE;
use test_support::exporter_process::{Running, nectar_exporter};
use test_support::http::first_answer;
use test_support::scrape::Scrape;

const WORKLIST: &[u8] = b"GET /worklist HTTP/1.1\r\nHost: x\r\n\r\n";
const SCRAPE: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
/// What a process has open beside its clients.
const OTHER_DESCRIPTORS: usize = 128;

/// A usual process may have 1024 files open, and this one has other tests.
static ONE_ATTACK: Mutex<()> = Mutex::new(());

/// Visitors come in so many batches, and who must be served behind each.
const BATCHES: usize = 3;

/// What a visitor does with its connection at first. What it leaves open stays so until the end of the attack.
pub type Visit = fn(&mut TcpStream) -> std::io::Result<()>;

pub struct Attack {
    pub name: &'static str,
    pub visitors: usize,
    pub visit: Visit,
}

/// No more visitors at once than there are places, and a few.
const ATTACKS: &[Attack] = &[
    Attack { name: "idle from the start", visitors: 600, visit: |_| Ok(()) },
    Attack {
        name: "half a head",
        visitors: 600,
        visit: |stream| stream.write_all(b"GET /metrics HTTP/1.1\r\nHo"),
    },
    Attack { name: "a body that never comes", visitors: 600, visit: slow_body },
    Attack { name: "takes nothing of a scrape", visitors: 600, visit: |stream| stream.write_all(SCRAPE) },
    Attack {
        name: "takes nothing of the worklist",
        visitors: 600,
        visit: |stream| stream.write_all(WORKLIST),
    },
    Attack { name: "takes a little of a scrape", visitors: 200, visit: slow_reader },
    Attack { name: "asks again and again, and takes nothing", visitors: 200, visit: pipeline },
    Attack { name: "scrapes", visitors: 60, visit: |stream| whole_scrape(stream).map(|_| ()) },
    Attack { name: "1 MB of headers", visitors: 50, visit: large_head },
    Attack { name: "a request, then garbage", visitors: 100, visit: pipelined_garbage },
    Attack { name: "HTTP/2 and resets", visitors: 100, visit: http2_resets },
    Attack {
        name: "a TLS hello",
        visitors: 100,
        visit: |stream| stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00"),
    },
];

fn slow_body(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx")
}

fn slow_reader(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(SCRAPE)?;
    stream.read_exact(&mut [0; 64])
}

fn pipeline(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(&SCRAPE.repeat(100))
}

pub fn large_head(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")?;
    let line = format!("X-Filler: {}\r\n", "x".repeat(1_000));
    (0..1_000).try_for_each(|_| stream.write_all(line.as_bytes()))
}

fn pipelined_garbage(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")?;
    stream.write_all(&[0, 0xff, b'\r', b'\n'].repeat(10_000))
}

/// The preface, settings, and streams that are begun and reset at once.
pub fn http2_resets(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")?;
    for number in (1..2_000_u32).step_by(2) {
        let id = number.to_be_bytes();
        let headers = [&b"\x00\x00\x03\x01\x05"[..], &id, b"\x82\x84\x86"].concat();
        let reset = [&b"\x00\x00\x04\x03\x00"[..], &id, b"\x00\x00\x00\x08"].concat();
        stream.write_all(&[headers, reset].concat())?;
    }
    Ok(())
}

/// One scrape, whole; the connection ends behind it.
fn whole_scrape(stream: &mut TcpStream) -> std::io::Result<String> {
    const REQUEST: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(REQUEST.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let ((_, body), _) = first_answer(&bytes, REQUEST, true).ok_or(ErrorKind::UnexpectedEof)?;
    String::from_utf8(body).map_err(|_| ErrorKind::InvalidData.into())
}

/// Where visitors come to.
pub struct Port<'a> {
    pub address: &'a str,
    /// Clients that are served at once.
    pub places: usize,
    /// What they may cost: their places, and what each is just sending or being sent.
    pub memory_kib: u64,
}

pub struct Exporter {
    pub running: Running,
    pub address: String,
}

impl Exporter {
    fn start(mut command: Command) -> Self {
        let mut running = Running::start(&mut command);
        let address = running.address();
        running.wait_for("Poll finished");
        Self { running, address }
    }

    /// A scrape on a new connection, whole.
    pub fn scrape(&self) -> String {
        whole_scrape(&mut connect(&self.address)).unwrap()
    }

    /// Lets all `attacks` come to a port. `is_well` looks at the exporter behind each batch; it gets the name of the attack and the
    /// number of the batch.
    pub fn withstands(&self, port: &Port, attacks: &[Attack], is_well: impl Fn(&str, usize)) {
        for Attack { name, visitors, visit } in attacks {
            let _alone = ONE_ATTACK.lock().unwrap_or_else(PoisonError::into_inner);
            let before = self.memory_kib();
            let mut open = Vec::new();
            // They keep coming while others are served, and stay.
            for batch in 0..BATCHES {
                open.extend((0..visitors / BATCHES).filter_map(|_| visited(port.address, *visit)));
                is_well(name, batch);
                let descriptors = self.descriptors();
                assert!(descriptors < port.places + OTHER_DESCRIPTORS, "{name}: {descriptors} descriptors");
                let memory = self.memory_kib().saturating_sub(before);
                assert!(memory < port.memory_kib, "{name}: {memory} KiB more");
            }
        }
    }

    fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.running.id())).unwrap().count()
    }

    pub fn memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.running.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

fn demo() -> Command {
    nectar_exporter(&[
        "demo",
        "--web.listen-address=127.0.0.1:0",
        "--sim.companies=30",
        "--sim.connections=40",
        "--metrics.detail=connections",
    ])
}

#[test]
fn whatever_visitors_do_scrapes_go_on() {
    let exporter = Exporter::start(demo());
    let text = exporter.scrape();
    assert!(Scrape::read(&text).has("nectar_connection_info"));
    let port = Port { address: &exporter.address, places: 512, memory_kib: 128 * 1024 };
    exporter.withstands(&port, ATTACKS, |name, _| {
        assert!(exporter.scrape().contains("\nprocess_open_fds "), "{name}");
    });
}

pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The connection of a visitor, if the exporter has not closed it yet.
fn visited(address: &str, visit: Visit) -> Option<TcpStream> {
    let mut stream = connect(address);
    visit(&mut stream).ok().map(|()| stream)
}

/// Under `ulimit` the shell sets both limits, or one, and becomes the exporter.
fn with_limit(ulimit: &str) -> Command {
    let mut exporter = demo();
    exporter.arg("--nectar.poll-interval=500ms");
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{ulimit}; exec \"$0\" \"$@\"")).arg(exporter.get_program());
    command.args(exporter.get_args());
    command
}

#[test]
fn descriptors_are_raised_to_the_hard_limit() {
    let exporter = Exporter::start(with_limit("ulimit -S -n 64"));
    let limits = fs::read_to_string(format!("/proc/{}/limits", exporter.running.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let [soft, hard] = [3, 4].map(|word| line.split_whitespace().nth(word).unwrap());
    assert!(soft == hard && soft != "64", "{line}");
}

/// Where few descriptors may be had, there are fewer places, and polling and scrapes go on.
#[test]
fn few_descriptors_are_not_used_up() {
    let mut exporter = Exporter::start(with_limit("ulimit -n 200"));
    let _open: Vec<TcpStream> = (0..250).map(|_| connect(&exporter.address)).collect();
    let text = exporter.scrape();
    assert!(text.contains("\nnectar_connection_info{"));
    assert!(exporter.descriptors() < 200);
    exporter.running.wait_for("failures=0");
}
