//! Texts that are long enough to lie in a file, which the system sends by itself: they say what they say compressed.

use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use flate2::read::GzDecoder;
use nectar_exporter::simulator::Plan;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::kept_text;
use crate::support::binary::{Running, nectar_exporter};
use crate::support::program::Program;

/// A family of three companies has some 300 KB: more than is handed over at a time.
pub const LONG: Plan = Plan { companies: 4, connections: 600, accounts: 1, seed: 11, speed: 0.0 };
pub const FLAG: &str = "--metrics.detail=connections";

/// Without the exporter's own counters, which go on between two scrapes.
pub fn of_the_fleet(text: &str) -> String {
    let is_own =
        |line: &&str| ["process_", "nectar_api_", "nectar_exporter_"].iter().any(|own| line.starts_with(own));
    let fleet: Vec<&str> = text.lines().filter(|line| !is_own(line)).collect();
    assert!(fleet.len() > 5_000, "{} lines are not many", fleet.len());
    fleet.join("\n")
}

pub fn unpacked(packed: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text
}

/// What is answered to `requests`, sent at once on one connection, which the last one closes.
async fn answers(program: &Program, requests: &[&str]) -> Vec<u8> {
    let address = program.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(requests.concat().as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

/// The body of the first answer, and what follows it.
fn body(answers: &[u8], is_head: bool) -> (&[u8], &[u8]) {
    let end = answers.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let (head, rest) = answers.split_at(end);
    let head = std::str::from_utf8(head).unwrap();
    assert!(head.contains(" 200 OK\r\n"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    rest.split_at(if is_head { 0 } else { length.parse().unwrap() })
}

/// Whether the system gives files in memory small pages only, without which none is used. What it does is in brackets, for all sizes
/// and for each; where it has no such setting, it has no other pages.
fn has_small_pages() -> bool {
    let settings = "/sys/kernel/mm/transparent_hugepage";
    let sizes = std::fs::read_dir(settings).into_iter().flatten().map(|entry| entry.unwrap().path());
    let files = sizes.chain([settings.into()]).map(|folder| folder.join("shmem_enabled"));
    let is_without =
        |words: String| !["[always]", "[within_size]", "[force]"].iter().any(|word| words.contains(word));
    files.filter_map(|file| std::fs::read_to_string(file).ok()).all(is_without)
}

/// What is logged where texts stay in memory.
const IN_MEMORY: &str = "Plain scrapes of large fleets take longer here";

/// Bytes in the file of an exporter of `plan` that was scraped, and whether its log says that all lies in memory. `started_by` may
/// put something before its program.
fn in_file(plan: &Plan, detail: &str, started_by: fn(Command) -> Command) -> (u64, bool) {
    let Plan { companies, connections, accounts, seed, .. } = plan;
    let flags = [
        format!("--sim.companies={companies}"),
        format!("--sim.connections={connections}"),
        format!("--sim.accounts={accounts}"),
        format!("--sim.seed={seed}"),
        "--sim.speed=0".to_owned(),
        "--web.listen-address=127.0.0.1:0".to_owned(),
        detail.to_owned(),
    ];
    let arguments: Vec<&str> = ["demo"].into_iter().chain(flags.iter().map(String::as_str)).collect();
    let mut running = Running::start(&mut started_by(nectar_exporter(&arguments)));
    let address = running.address();
    running.wait_for("Poll finished");
    // Not before: whoever comes in has only seconds for a request.
    let mut client = std::net::TcpStream::connect(address).unwrap();
    client.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(body(answer.as_bytes(), false).1, b"", "an answer of another length than it says");
    let open =
        std::fs::read_dir(format!("/proc/{}/fd", running.id())).unwrap().map(|file| file.unwrap().path());
    let is_ours = |file: &PathBuf| {
        std::fs::read_link(file)
            .is_ok_and(|name| name.to_string_lossy().starts_with("/memfd:nectar-exporter"))
    };
    let bytes = open.filter(is_ours).map(|file| std::fs::metadata(file).unwrap().blocks() * 512).sum();
    (bytes, running.log.iter().any(|line| line.contains(IN_MEMORY)))
}

/// Without this, the tests of long texts would pass with all of them in memory.
#[test]
fn they_lie_in_a_file() {
    let cases = [(&LONG, FLAG), (&kept_text::LONG, kept_text::FLAGS[0])];
    for (plan, detail) in cases {
        let (bytes, are_in_memory) = in_file(plan, detail, |command| command);
        assert_eq!(bytes > 1_000_000, has_small_pages(), "{bytes} bytes of {plan:?}");
        assert_eq!(are_in_memory, !has_small_pages());
    }
    let (short, _) = in_file(&kept_text::SHORT, kept_text::FLAGS[0], |command| command);
    assert_eq!(short, 0, "texts that are too short to be worth it");
}

/// Places in the file are never used again: writing beyond the limit would end the process.
#[test]
fn where_files_may_not_grow_they_lie_in_memory() {
    let (bytes, are_in_memory) = in_file(&LONG, FLAG, |command| {
        let mut limited = Command::new("sh");
        limited.args(["-c", r#"ulimit -f 1000 && exec "$0" "$@""#]).arg(command.get_program());
        limited.args(command.get_args()).stdin(Stdio::null());
        command.get_envs().filter(|(_, value)| value.is_none()).for_each(|(name, _)| {
            limited.env_remove(name);
        });
        limited
    });
    assert_eq!((bytes, are_in_memory), (0, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn they_say_the_same_plain_and_compressed() {
    const ONE: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    const HEAD: &str = "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    const PAGE: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const PACKED: &str =
        "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n";
    const OLD: &str = "GET /metrics HTTP/1.0\r\n\r\n";
    let (program, _simulator) = Program::simulated(&LONG, &[FLAG]).await;
    program.after_polls(1).await;

    let answers_to_all = answers(&program, &[ONE, HEAD, ONE, PAGE, PACKED]).await;
    let (first, rest) = body(&answers_to_all, false);
    let (_, rest) = body(rest, true);
    let (third, rest) = body(rest, false);
    let (page, rest) = body(rest, false);
    let (packed, rest) = body(rest, false);
    assert!(rest.is_empty(), "more than was asked for");
    assert!(String::from_utf8_lossy(page).contains("<html"));
    let to_old = answers(&program, &[OLD]).await;
    let (old, _) = body(&to_old, false);

    let expected = of_the_fleet(&unpacked(packed));
    for (name, text) in [("the first", first), ("the third", third), ("HTTP/1.0", old)] {
        let text = of_the_fleet(std::str::from_utf8(text).unwrap());
        let differing = text.lines().zip(expected.lines()).find(|(text, expected)| text != expected);
        assert_eq!(differing, None, "{name}");
        assert_eq!(text.len(), expected.len(), "{name}");
    }
}
