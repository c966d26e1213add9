//! HTTP as it goes over the wire: a server that always sends the same, and responses one after the other, each with its body, however
//! its length is given.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

/// Responds to every request with `head`, which lacks only the blank line at its end, and `body`, and closes. Returns its address.
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
                // A client that has left, or does not speak HTTP, gets the response, too.
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

/// The head and body of an answer; the head in small letters.
pub type Answer = (String, Vec<u8>);

/// The answers to `requests`, given by method. The last may end with the connection.
pub fn answers(bytes: &[u8], requests: &[&str]) -> Vec<Answer> {
    let mut rest = bytes;
    let answers = requests.iter().map(|request| {
        let (answer, behind) = first_answer(rest, request, true).expect("a whole answer");
        rest = behind;
        answer
    });
    let answers = answers.collect();
    assert!(rest.is_empty(), "more than was asked for");
    answers
}

/// The answer to `request` with which `bytes` begin, and what stands behind it; none if it is not whole yet. Where neither its length nor
/// chunks say where its body ends, that is where the connection has ended.
pub fn first_answer<'a>(bytes: &'a [u8], request: &str, has_ended: bool) -> Option<(Answer, &'a [u8])> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let (head, behind) = bytes.split_at(end);
    let head = std::str::from_utf8(head).unwrap().to_ascii_lowercase();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let (body, behind) = if request.starts_with("HEAD ") {
        (Vec::new(), behind)
    } else if header("transfer-encoding:") == Some("chunked") {
        chunked(behind)?
    } else if let Some(length) = header("content-length:") {
        let (body, behind) = behind.split_at_checked(length.parse().unwrap())?;
        (body.to_vec(), behind)
    } else if has_ended {
        (behind.to_vec(), &[][..])
    } else {
        return None;
    };
    Some(((head, body), behind))
}

/// A body in chunks, and what stands behind it; none if the last chunk is not there yet.
fn chunked(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        // Behind a semicolon there may be extensions, which mean nothing to us.
        let size = std::str::from_utf8(&rest[..end]).unwrap().split(';').next().unwrap_or_default();
        let length = usize::from_str_radix(size.trim(), 16).unwrap();
        let (chunk, behind) = rest[end + 2..].split_at_checked(length)?;
        body.extend_from_slice(chunk);
        assert!(b"\r\n".starts_with(&behind[..behind.len().min(2)]), "the end of a chunk");
        rest = behind.get(2..)?;
        if length == 0 {
            return Some((body, rest));
        }
    }
}
