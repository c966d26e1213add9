//! Statuses as Nectar sends them, and the table of those that it documents.

mod table;

use std::cmp::Ordering;
use std::fmt;
use std::ptr;
use std::sync::Arc;

use strum::IntoStaticStr;

pub use table::{Actor, Category, Documented, Recheck};

/// What a status belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// A login at a utility's website.
    Connection,
    /// A billing relationship found behind a login.
    Account,
}

impl Kind {
    /// Both kinds, in the order of Nectar's page.
    pub const ALL: [Self; 2] = [Self::Connection, Self::Account];

    /// The word used in label values.
    pub fn label(self) -> &'static str {
        self.into()
    }

    /// The rows of the table for this kind, in the order of Nectar's page.
    pub fn documented(self) -> &'static [Documented] {
        match self {
            Self::Connection => table::CONNECTIONS,
            Self::Account => table::ACCOUNTS,
        }
    }

    /// The categories that a status of this kind can have, in the page's order, `unknown` last.
    pub fn categories(self) -> &'static [Category] {
        match self {
            Self::Connection => &[
                Category::Standard,
                Category::WebsiteIssue,
                Category::InterventionNeeded,
                Category::System,
                Category::Unknown,
            ],
            Self::Account => &[Category::Standard, Category::Error, Category::Terminal, Category::Unknown],
        }
    }
}

/// The status of a connection that works.
const CONNECTED: &str = "CONNECTED";
/// The label of text that does not look like a status.
pub const INVALID: &str = "INVALID";
/// The label of a status that is missing.
pub const MISSING: &str = "MISSING";

/// A status as Nectar sent it.
#[derive(Debug, Clone)]
pub enum Status {
    /// On Nectar's status page.
    Documented(&'static Documented),
    /// Not on the page, but it looks like a status.
    Undocumented(Arc<str>),
    /// Text that does not look like a status.
    Invalid,
    /// No status at all.
    Missing,
}

impl Status {
    /// Reads a status. Never fails: enumerations grow, so an unknown value is data.
    pub fn read(kind: Kind, text: Option<&str>) -> Self {
        let Some(text) = text else { return Self::Missing };
        if let Some(row) = kind.documented().iter().find(|row| row.value == text) {
            return Self::Documented(row);
        }
        if looks_like_status(text) { Self::Undocumented(text.into()) } else { Self::Invalid }
    }

    /// The status in one word. For an undocumented one this is Nectar's own word.
    pub fn word(&self) -> &str {
        match self {
            Self::Documented(row) => row.value,
            Self::Undocumented(text) => text,
            Self::Invalid => INVALID,
            Self::Missing => MISSING,
        }
    }

    /// The heading that it is under on the page.
    pub fn category(&self) -> Category {
        match self {
            Self::Documented(row) => row.category,
            _ => Category::Unknown,
        }
    }

    /// Whether Nectar checks again by itself. Statuses that are not on the page follow the rule: periodically.
    pub fn recheck(&self) -> Recheck {
        match self {
            Self::Documented(row) => row.recheck,
            _ => Recheck::Periodic,
        }
    }

    /// Whether the connection works.
    pub fn is_connected(&self) -> bool {
        self.word() == CONNECTED
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Documented(_) => 0,
            Self::Undocumented(_) => 1,
            Self::Invalid => 2,
            Self::Missing => 3,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

// Two statuses of one kind are equal if their words are. Documented statuses of different kinds are never compared.
impl Ord for Status {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            // Most are equal, and then no text need be compared.
            (Self::Documented(one), Self::Documented(other)) if ptr::eq(*one, *other) => Ordering::Equal,
            _ => (self.rank(), self.word()).cmp(&(other.rank(), other.word())),
        }
    }
}

impl PartialOrd for Status {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Status {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Status {}

/// `[A-Z][A-Z0-9_]{0,63}`
fn looks_like_status(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 64
        && bytes.next().is_some_and(|first| first.is_ascii_uppercase())
        && bytes.all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}
