//! JSON objects read leniently: one field at a time, a bad one costing only itself.
//!
//! A strict decoder refuses a whole body for a lone surrogate or a duplicate key; both occur. Here the last of two equal keys wins, and
//! fields that nobody asks for are skipped without being decoded.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The only fields that are ever read. Secret and personal ones are not among them.
const NAMES: [&str; 15] = [
    "accounts",
    "company",
    "connections",
    "country",
    "created",
    "datasource",
    "eventType",
    "externalId",
    "id",
    "name",
    "status",
    "statusFirstSeenTime",
    "statusLastUpdateTime",
    "totalConnections",
    "totalPages",
];

/// An array with more elements is not read: no list of companies, page or account list comes near it, and one of millions would take
/// many times the memory of its text.
pub const MAX_ELEMENTS: usize = 100_000;

/// The fields of one JSON object, not decoded yet, by the index of their name. However often an object repeats itself, it takes no more
/// memory than that.
pub struct Fields<'a>([Option<&'a RawValue>; NAMES.len()]);

/// What a field contains.
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

/// Shows names only: what is not decoded yet may contain a login.
impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let there = NAMES.iter().zip(&self.0).filter(|(_, value)| value.is_some());
        f.debug_list().entries(there.map(|(name, _)| name)).finish()
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
        let found = NAMES.iter().zip(&self.0).find(|(known, _)| **known == name);
        let Some((_, Some(raw))) = found else { return Value::Missing };
        match serde_json::from_str::<Option<T>>(raw.get()) {
            Ok(Some(value)) => Value::Present(value),
            Ok(None) => Value::Null,
            Err(_) => Value::Unreadable,
        }
    }
}

/// The elements of a JSON array, not decoded yet; at most [`MAX_ELEMENTS`].
#[derive(Default)]
pub struct Elements<'a>(Vec<&'a RawValue>);

impl<'a> Elements<'a> {
    /// The elements of the array in `text`; none if it is not an array, or too long a one.
    pub fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// Shows their number only: what is not decoded yet may contain a login.
impl fmt::Debug for Elements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} elements", self.0.len())
    }
}

impl<'a> IntoIterator for Elements<'a> {
    type Item = &'a RawValue;
    type IntoIter = std::vec::IntoIter<&'a RawValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ElementsVisitor).map(Elements)
    }
}

struct ElementsVisitor;

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of at most {MAX_ELEMENTS} elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = array.next_element()? {
            if elements.len() == MAX_ELEMENTS {
                return Err(A::Error::invalid_length(MAX_ELEMENTS + 1, &self));
            }
            elements.push(element);
        }
        Ok(elements)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor).map(Fields)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = [Option<&'de RawValue>; NAMES.len()];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = [None; NAMES.len()];
        while let Some(Name(place)) = map.next_key()? {
            match place.and_then(|place| fields.get_mut(place)) {
                Some(field) => *field = Some(map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(fields)
    }
}

/// The index of a key in [`NAMES`]. Read as bytes, so that a key that is not valid text is skipped like any other.
struct Name(Option<usize>);

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
        Ok(Name(NAMES.iter().position(|name| name.as_bytes() == bytes)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Name, E> {
        self.visit_bytes(text.as_bytes())
    }
}
