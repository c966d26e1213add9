//! From YAML text to the structs of the sections, with the line of every value.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_path_to_error::{Path, Segment, Track};
use serde_saphyr::{Error, MergeKeyPolicy, Options, Spanned, budget, options};

use super::fault::{ConfigIssue, name_of};

pub(super) const TWICE: &str = "this key is given twice; remove one of them";

/// Any scalar as it is written, and its line. A secret, because even where a path belongs, somebody may put a private key.
pub(super) type Text = Spanned<SecretString>;

/// A section with keys of any name, such as users: each key with its value, in the file's order.
pub(super) struct Entries(pub(super) Vec<(String, Text)>);

/// Reads the one document; none where it is empty.
pub(super) fn parse<T: DeserializeOwned>(yaml: &str) -> Result<Option<T>, ConfigIssue> {
    let mut track = Track::new();
    let read = serde_saphyr::with_deserializer_from_str_with_options(yaml, strict(), |document| {
        Option::<T>::deserialize(serde_path_to_error::Deserializer::new(document, &mut track))
    });
    read.map_err(|error| wrong(&error, &track.path()))
}

/// The text, unless it is left empty.
pub(super) fn given(text: &Option<Text>) -> Option<&Text> {
    text.as_ref().filter(|text| !text.value.expose_secret().is_empty())
}

/// For sections that must not be left empty: `basic_auth_users:` with nothing below it is an error, and not the same as no such key.
pub(super) fn filled<'de, D, T>(section: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(section).map(Some)
}

/// The format needs no anchors, so there are none to expand without end.
fn strict() -> Options {
    options! {
        budget: budget! { max_anchors: 0 },
        merge_keys: MergeKeyPolicy::AsOrdinary,
        null_as_string: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// The library's own messages are not shown, because they quote the file.
fn wrong(error: &Error, path: &Path) -> ConfigIssue {
    let keys = path.iter().filter_map(|segment| match segment {
        // `Spanned` adds this one.
        Segment::Map { key } => Some(key.as_str()).filter(|key| *key != "value"),
        _ => None,
    });
    let duplicate = match error {
        Error::DuplicateMappingKey { key, .. } => key.as_deref(),
        _ => None,
    };
    let keys: Vec<&str> = keys.chain(duplicate).map(name_of).collect();
    let line = error.location().map_or(1, |location| location.line());
    // Only what is no key at all has none.
    let what = if keys.is_empty() && matches!(error, Error::Unexpected { expected: "string scalar", .. }) {
        "a key must be plain text, such as cert_file".to_owned()
    } else {
        what(error)
    };
    ConfigIssue { line, key: keys.join("."), what }
}

fn what(error: &Error) -> String {
    let what = match error {
        Error::SerdeUnknownField { field, .. } if field == "rate_limit" => {
            "this key is not supported: the server has fixed limits of its own; take it out"
        }
        Error::SerdeUnknownField { field, .. } if field == "client_allowed_sans" => {
            "this key is not supported: names in client certificates are not checked; take it out"
        }
        Error::SerdeUnknownField { expected, .. } => {
            return format!("there is no such key; take one of {}", expected.join(", "));
        }
        Error::DuplicateMappingKey { .. } => TWICE,
        Error::InvalidScalar { ty: "boolean", .. } => "takes true or false",
        Error::Unexpected { expected: "mapping start", .. } => "takes keys with values, indented below it",
        Error::Unexpected { expected: "sequence start", .. } => "takes a list of names",
        Error::Unexpected { expected: "string scalar", .. } => "takes plain text",
        Error::Budget { .. }
        | Error::MultipleDocuments { .. }
        | Error::TaggedScalarCannotDeserializeIntoString { .. }
        | Error::UnknownAnchor { .. }
        | Error::UnsupportedTag { .. } => {
            "anchors, aliases, tags and several documents are not supported; write every value out, in one document"
        }
        _ => "this is not YAML; check the indentation and the quotes",
    };
    what.to_owned()
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(map: D) -> Result<Self, D::Error> {
        map.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys with values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}
