//! Decodes `Transfer-Encoding: chunked` while it comes in.
//!
//! Source: RFC 9112, section 7.1.

/// Where in the encoding the next byte is.
#[derive(Debug)]
enum At {
    Size(u64),
    /// An extension, up to the end of the line.
    SizeLine(u64),
    Data(u64),
    DataEnd,
    /// After the last chunk: an empty line ends the body.
    Trailer {
        line_is_empty: bool,
    },
    End,
}

/// A body while it comes in.
#[derive(Debug)]
pub struct Chunks(At);

impl Chunks {
    /// A body of which nothing has come in yet.
    pub fn new() -> Self {
        Self(At::Size(0))
    }

    /// Whether all of it has come in.
    pub fn is_over(&self) -> bool {
        matches!(self.0, At::End)
    }

    /// Decodes what came in, and passes the data on.
    pub fn take(&mut self, mut bytes: &[u8], data: &mut impl FnMut(&[u8])) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if let At::Data(left) = &mut self.0 {
                let here = bytes.len().min(*left as usize);
                data(&bytes[..here]);
                bytes = &bytes[here..];
                *left -= here as u64;
                if *left == 0 {
                    self.0 = At::DataEnd;
                }
                continue;
            }
            self.0 = step(&self.0, byte);
            bytes = rest;
        }
    }
}

fn step(at: &At, byte: u8) -> At {
    match (at, byte) {
        (At::Size(0) | At::SizeLine(0), b'\n') => At::Trailer { line_is_empty: true },
        (At::Size(size) | At::SizeLine(size), b'\n') => At::Data(*size),
        (At::Size(size), digit) => match char::from(digit).to_digit(16) {
            Some(digit) => At::Size(size * 16 + u64::from(digit)),
            None => At::SizeLine(*size),
        },
        (At::SizeLine(size), _) => At::SizeLine(*size),
        (At::DataEnd, b'\n') => At::Size(0),
        (At::Trailer { line_is_empty: true }, b'\n') => At::End,
        (At::Trailer { .. }, b'\n') => At::Trailer { line_is_empty: true },
        (At::Trailer { line_is_empty }, b'\r') => At::Trailer { line_is_empty: *line_is_empty },
        (At::Trailer { .. }, _) => At::Trailer { line_is_empty: false },
        (At::DataEnd | At::Data(_) | At::End, _) => At::DataEnd,
    }
}
