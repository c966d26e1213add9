//! From YAML text to a tree that knows its lines.
//!
//! Every scalar stays text, so that `123` can be a user's name.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use secrecy::SecretString;

use super::fault::{Fault, Wrong, name_of};

/// More levels than any file of this format has; what reads the tree calls itself once per level.
const MAX_DEPTH: usize = 8;

/// A value, and the line where it begins.
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

/// What a value is.
pub(super) enum Kind {
    /// Nothing after the colon, `~` or `null`.
    Null,
    Text(SecretString),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) node: Node,
}

/// Reads a text of one document, or none at all where nothing is in it.
pub(super) fn parse(text: &str) -> Result<Option<Node>, Wrong> {
    let mut events = Events(Parser::new_from_str(text));
    let mut document = None;
    loop {
        match events.next()? {
            (Event::StreamEnd, _) => return Ok(document),
            (Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing, _) => {}
            (_, line) if document.is_some() => return Err(wrong(line, Fault::UnsupportedYaml)),
            (event, line) => {
                let node = events.node(event, line, 0)?;
                document = (!matches!(node.kind, Kind::Null)).then_some(node);
            }
        }
    }
}

struct Events<'a>(Parser<'a, StrInput<'a>>);

impl<'a> Events<'a> {
    fn next(&mut self) -> Result<(Event<'a>, usize), Wrong> {
        match self.0.next() {
            Some(Ok((event, span))) => Ok((event, line_of(&span))),
            // What the parser says may quote the file.
            Some(Err(error)) => Err(wrong(line_of_error(&error), Fault::Syntax)),
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    fn node(&mut self, event: Event<'a>, line: usize, depth: usize) -> Result<Node, Wrong> {
        if depth > MAX_DEPTH {
            return Err(wrong(line, Fault::TooDeep));
        }
        let kind = match event {
            Event::Scalar(text, style, 0, None) => scalar(text, style),
            Event::SequenceStart(0, None) => Kind::List(self.list(depth)?),
            Event::MappingStart(0, None) => Kind::Map(self.map(depth)?),
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) | Event::Alias(_) => {
                return Err(wrong(line, Fault::UnsupportedYaml));
            }
            _ => return Err(wrong(line, Fault::Syntax)),
        };
        Ok(Node { line, kind })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Wrong> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, line) => items.push(self.node(event, line, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Entry>, Wrong> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (key, line) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(entries),
                (Event::Scalar(key, _, 0, None), line) => (key.into_owned(), line),
                (_, line) => return Err(wrong(line, Fault::NonScalarKey)),
            };
            if entries.iter().any(|entry| entry.key == key) {
                return Err(Wrong { line, key: name_of(&key).to_owned(), fault: Fault::DuplicateKey });
            }
            let (event, at) = self.next()?;
            entries.push(Entry { key, line, node: self.node(event, at, depth + 1)? });
        }
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Kind {
    let is_null = style == ScalarStyle::Plain && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
    if is_null { Kind::Null } else { Kind::Text(text.into_owned().into()) }
}

fn wrong(line: usize, fault: Fault) -> Wrong {
    Wrong { line, key: String::new(), fault }
}

fn line_of(span: &Span) -> usize {
    span.start.line()
}

fn line_of_error(error: &ScanError) -> usize {
    error.marker().line()
}
