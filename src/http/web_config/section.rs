//! A part of the file, taken apart key by key, so that what nobody took is an error.

use secrecy::{ExposeSecret, SecretString};

use super::fault::{Fault, Wrong, name_of};
use super::yaml::{Entry, Kind, Node};

/// Keys with values that are still to be taken.
pub(super) struct Section {
    /// Dotted, as messages show it; empty for the whole file.
    path: String,
    line: usize,
    entries: Vec<Entry>,
}

/// A value with its place.
pub(super) struct Value {
    pub(super) key: String,
    pub(super) path: String,
    line: usize,
    node: Node,
}

impl Section {
    /// The whole file.
    pub(super) fn whole(document: Node) -> Result<Self, Wrong> {
        let (line, key) = (document.line, String::new());
        Value { key: String::new(), path: key, line, node: document }.section()
    }

    /// The value of `key`. One that is left empty counts as not there, but for sections: see [`Value::section`].
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        let Entry { key, line, node } = self.entries.remove(at);
        Some(Value { path: self.path_of(&key), key, line, node })
    }

    /// An error where `key` is there: known to the toolkit, and not to us.
    pub(super) fn refuse(&mut self, key: &str, why: &'static str) -> Result<(), Wrong> {
        match self.take(key) {
            Some(value) => Err(value.fault(Fault::NotSupported(why))),
            None => Ok(()),
        }
    }

    /// An error where anything is left; `known` is what there is to choose from.
    pub(super) fn finish(self, known: &'static str) -> Result<(), Wrong> {
        match self.entries.first() {
            Some(Entry { key, line, .. }) => {
                Err(Wrong { line: *line, key: self.path_of(key), fault: Fault::NoSuchKey(known) })
            }
            None => Ok(()),
        }
    }

    /// Everything that is left, for sections whose keys are free.
    pub(super) fn rest(self) -> Vec<Value> {
        let path_of = |key: &str| join(&self.path, key);
        let values = self.entries.into_iter();
        values.map(|Entry { key, line, node }| Value { path: path_of(&key), key, line, node }).collect()
    }

    /// A fault of the section as a whole.
    pub(super) fn fault(&self, fault: Fault) -> Wrong {
        Wrong { line: self.line, key: self.path.clone(), fault }
    }

    fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }
}

impl Value {
    /// A fault here.
    pub(super) fn fault(&self, fault: Fault) -> Wrong {
        Wrong { line: self.line, key: self.path.clone(), fault }
    }

    /// Keys and values. Empty ones are empty sections: a word without what it asks for must not pass in silence.
    pub(super) fn section(self) -> Result<Section, Wrong> {
        let Self { path, line, node, .. } = self;
        match node.kind {
            Kind::Map(entries) => Ok(Section { path, line, entries }),
            Kind::Null => Ok(Section { path, line, entries: Vec::new() }),
            _ => {
                Err(Wrong { line, key: path, fault: Fault::Expected("keys with values, indented below it") })
            }
        }
    }

    /// A text; none where it is empty.
    pub(super) fn text(&self) -> Result<Option<&SecretString>, Wrong> {
        match &self.node.kind {
            Kind::Text(text) if text.expose_secret().is_empty() => Ok(None),
            Kind::Text(text) => Ok(Some(text)),
            Kind::Null => Ok(None),
            _ => Err(self.fault(Fault::Expected("one text"))),
        }
    }

    /// `true` or `false`, or what YAML 1.1 takes for them, as Prometheus does; none where it is empty.
    pub(super) fn flag(&self) -> Result<Option<bool>, Wrong> {
        match self.text()?.map(|text| text.expose_secret()) {
            None => Ok(None),
            Some("true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON") => Ok(Some(true)),
            Some("false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF") => Ok(Some(false)),
            Some(_) => Err(self.fault(Fault::Expected("true or false"))),
        }
    }

    /// The texts of a list; none where it is empty.
    pub(super) fn texts(&self) -> Result<Vec<&str>, Wrong> {
        let fault = || self.fault(Fault::Expected("a list of names"));
        let items = match &self.node.kind {
            Kind::List(items) => items.as_slice(),
            Kind::Null => &[],
            _ => return Err(fault()),
        };
        let text = |item| match item {
            &Node { kind: Kind::Text(ref text), .. } => Ok(text.expose_secret()),
            _ => Err(fault()),
        };
        items.iter().map(text).collect()
    }
}

fn join(path: &str, key: &str) -> String {
    let key = name_of(key);
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
