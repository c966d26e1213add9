//! HTTP as it goes over the wire: a server that always says the same, and answers one behind the other, each with its body however
//! its length is told.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

/// Answers every request with `head`, which lacks only the blank line at its end, and `body`, and closes. Returns its address.
pub fn always(head: &str, body: &[u8]) -> String {
    let answer = [head.as_bytes(), b"\r\n", body].concat();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = BufReader::new(client.unwrap());
            let mut line = String::from("begun");
            while !line.trim().is_empty() {
                line.clear();
                // A client that has left, or does not speak HTTP, is answered all the same.
                if client.read_line(&mut line).is_err() {
                    break;
                }
            }
            // Whoever has seen enough may hang up.
            let _ = client.get_mut().write_all(&answer);
        }
    });
    address
}

/// The heads and bodies of the answers to `requests`, given by method. The last may end with the connection.
pub fn answers(bytes: &[u8], requests: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut rest = bytes;
    let answers = requests.iter().map(|request| {
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head") + 4;
        let (head, behind) = rest.split_at(end);
        let head = std::str::from_utf8(head).unwrap().to_ascii_lowercase();
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let (body, behind) = if request.starts_with("HEAD ") {
            (Vec::new(), behind)
        } else if header("transfer-encoding:") == Some("chunked") {
            chunked(behind)
        } else if let Some(length) = header("content-length:") {
            let (body, behind) = behind.split_at(length.parse().unwrap());
            (body.to_vec(), behind)
        } else {
            (behind.to_vec(), &[][..])
        };
        rest = behind;
        (head, body)
    });
    let answers = answers.collect();
    assert!(rest.is_empty(), "more than was asked for");
    answers
}

fn chunked(mut rest: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").expect("a chunk's length");
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        rest = &rest[end + 2..];
        body.extend_from_slice(&rest[..length]);
        assert_eq!(&rest[length..length + 2], b"\r\n", "the end of a chunk");
        rest = &rest[length + 2..];
        if length == 0 {
            return (body, rest);
        }
    }
}
