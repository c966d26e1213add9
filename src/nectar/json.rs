//! JSON objects read leniently: one field at a time, a bad one costing only itself.
//!
//! A strict decoder refuses a whole body for a lone surrogate or a key given twice; both occur. Here the last of
//! two equal keys wins, and what is not asked for is skipped without being decoded.
//! Knows JSON. Must not know what a record means.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The only field names that are ever looked at. Secret and personal fields are not among them.
const NAMES: [&str; 13] = [
    "accounts",
    "connections",
    "country",
    "created",
    "datasource",
    "externalId",
    "id",
    "name",
    "status",
    "statusFirstSeenTime",
    "statusLastUpdateTime",
    "totalConnections",
    "totalPages",
];

/// The fields of one JSON object, not decoded yet.
pub struct Fields<'a>(Vec<(&'static str, &'a RawValue)>);

/// What stands in a field.
#[derive(Debug, PartialEq, Eq)]
pub enum Value<T> {
    /// A value of the right type.
    Present(T),
    /// `null`
    Null,
    /// No such field.
    Missing,
    /// A value of another type, or one that cannot be read.
    Unreadable,
}

impl<T> Value<T> {
    /// The value, if there is one.
    pub fn present(self) -> Option<T> {
        match self {
            Self::Present(value) => Some(value),
            _ => None,
        }
    }
}

/// Names only: what is not decoded yet may hold a login.
impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl<'a> Fields<'a> {
    /// The fields of the object in `text`; none if it is not an object.
    pub fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// One field, decoded as `T`.
    pub fn get<T: Deserialize<'a>>(&self, name: &str) -> Value<T> {
        debug_assert!(NAMES.contains(&name), "{name} is never kept");
        let Some((_, raw)) = self.0.iter().rev().find(|(known, _)| *known == name) else {
            return Value::Missing;
        };
        match serde_json::from_str::<Option<T>>(raw.get()) {
            Ok(Some(value)) => Value::Present(value),
            Ok(None) => Value::Null,
            Err(_) => Value::Unreadable,
        }
    }
}

/// The elements of the JSON array in `text`, not decoded yet; none if it is not an array.
pub fn elements(text: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(text).ok()
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor).map(Fields)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<(&'static str, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            match name {
                Some(name) => fields.push((name, map.next_value()?)),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(fields)
    }
}

/// A key, if it is one of [`NAMES`]. Read as bytes, so that a key that is no text is skipped like any other.
struct Name(Option<&'static str>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Name, E> {
        Ok(Name(NAMES.into_iter().find(|name| name.as_bytes() == bytes)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Name, E> {
        self.visit_bytes(text.as_bytes())
    }
}
