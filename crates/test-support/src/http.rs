//! Splits responses that came over one connection, each with its body, however its length is given.

/// The heads and bodies of the responses to `requests`, given by method. The last one may end with the connection.
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
