//! Nectar's status page as data: every documented status, its category, and whether it is re-checked.
//!
//! Source of every row: the page "Connection and account statuses" of Nectar's documentation.
//! Knows the page. Must not know where a status was read, or what is made of it.

use std::cmp::Ordering;
use std::fmt;
use std::ptr;
use std::sync::Arc;

/// What a status belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A login at a utility's website.
    Connection,
    /// A billing relationship found behind a login.
    Account,
}

impl Kind {
    /// Both kinds, in the order of the page.
    pub const ALL: [Self; 2] = [Self::Connection, Self::Account];

    /// The word used in label values.
    pub fn label(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Account => "account",
        }
    }

    /// The rows of the page for this kind, in the page's order.
    pub fn documented(self) -> &'static [Documented] {
        match self {
            Self::Connection => CONNECTION_STATUSES,
            Self::Account => ACCOUNT_STATUSES,
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

/// The heading that a status stands under on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// "Standard statuses", of both kinds.
    Standard,
    /// "Error statuses — website issues", of connections.
    WebsiteIssue,
    /// "Error statuses — needs customer intervention", of connections.
    InterventionNeeded,
    /// "System statuses", of connections.
    System,
    /// "Error statuses", of accounts.
    Error,
    /// "Terminal statuses", of accounts.
    Terminal,
    /// Not on the page.
    Unknown,
}

impl Category {
    /// The value of the `category` label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::WebsiteIssue => "website_issue",
            Self::InterventionNeeded => "intervention_needed",
            Self::System => "system",
            Self::Error => "error",
            Self::Terminal => "terminal",
            Self::Unknown => "unknown",
        }
    }

    /// The heading, short, for people.
    pub fn display(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::WebsiteIssue => "Website issue",
            Self::InterventionNeeded => "Needs customer intervention",
            Self::System => "System",
            Self::Error => "Error",
            Self::Terminal => "Terminal",
            Self::Unknown => "Unknown to this exporter",
        }
    }
}

/// Whether Nectar looks again by itself (the page's section "Check frequency").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recheck {
    /// Every seven days.
    Weekly,
    /// Not before the customer has acted.
    AfterCustomer,
    /// Never again.
    Never,
}

impl Recheck {
    /// In words, for people.
    pub fn display(self) -> &'static str {
        match self {
            Self::Weekly => "weekly",
            Self::AfterCustomer => "after the customer has acted",
            Self::Never => "never",
        }
    }
}

/// One row of the page.
#[derive(Debug, PartialEq, Eq)]
pub struct Documented {
    /// The API value, and the value of the `status` label.
    pub value: &'static str,
    /// The name for people.
    pub display: &'static str,
    /// The heading it stands under.
    pub category: Category,
    /// Whether Nectar looks again by itself.
    pub recheck: Recheck,
    /// What it means.
    pub meaning: &'static str,
}

const fn row(
    value: &'static str,
    display: &'static str,
    category: Category,
    recheck: Recheck,
    meaning: &'static str,
) -> Documented {
    Documented { value, display, category, recheck, meaning }
}

use Category::{Error, InterventionNeeded, Standard, System, Terminal, WebsiteIssue};
use Recheck::{AfterCustomer, Never, Weekly};

// COMPANY_INACTIVE is not among the page's exceptions to the weekly check, for either kind.
#[rustfmt::skip]
const CONNECTION_STATUSES: &[Documented] = &[
    row("PENDING", "Pending", Standard, Weekly, "New, not onboarded yet."),
    row("UNDER_INVESTIGATION", "Under Investigation", Standard, Weekly, "Something went wrong; Nectar's team is looking into it."),
    row("CONNECTED", "Connected", Standard, Weekly, "Nectar can log in and reach the connection."),
    row("WEBSITE_DOWN", "Website Down", WebsiteIssue, Weekly, "The utility's website is inaccessible."),
    row("URL_INACCESSIBLE", "URL Inaccessible", WebsiteIssue, Weekly, "The provider URL cannot be reached."),
    row("NO_ACCOUNTS_FOUND", "No Accounts Found", WebsiteIssue, Weekly, "Nectar logs in, but sees no account."),
    row("OTHER_ERROR", "Other Error", WebsiteIssue, Weekly, "A problem that no other status covers."),
    row("MFA_TOKEN_EXPIRED", "MFA Token Expired", InterventionNeeded, AfterCustomer, "A multi-factor challenge waits to be completed."),
    row("PASSWORD_INCORRECT", "Password Incorrect", InterventionNeeded, AfterCustomer, "The connection's password is wrong."),
    row("NEW_PASSWORD_NEEDED", "New Password Needed", InterventionNeeded, AfterCustomer, "The website asks for a new password."),
    row("ADDITIONAL_CREDENTIALS_NEEDED", "Additional Credentials Needed", InterventionNeeded, AfterCustomer, "The website asks for more than Nectar was given."),
    row("COMPANY_INACTIVE", "Company Inactive", System, Weekly, "The parent company was deactivated."),
];

#[rustfmt::skip]
const ACCOUNT_STATUSES: &[Documented] = &[
    row("DETECTED", "Detected", Standard, Weekly, "Discovered, not onboarded yet."),
    row("ONBOARDED", "Onboarded", Standard, Weekly, "Confirmed and tracked."),
    row("PULL_COMPLETED", "Pull Completed", Standard, Weekly, "Its data was pulled and processed."),
    row("NO_DOCUMENTS_FOUND", "No Documents Found", Error, Weekly, "No documents were found for it."),
    row("PDF_DOWNLOAD_FAILED", "PDF Download Failed", Error, Weekly, "There were documents, but downloading them failed."),
    row("ACCOUNT_NOT_FOUND", "Account Not Found", Error, Weekly, "Nectar did not find it on the connection's website."),
    row("WORKFLOW_NOT_ACCESSIBLE", "Workflow Not Accessible", Error, Weekly, "The whole connection has a problem, such as a wrong password."),
    row("OTHER_ERROR", "Other Error", Error, Weekly, "A problem that no other status covers."),
    row("OLD_ACCOUNT", "Old Account", Terminal, Never, "Closed; no new data will come."),
    row("DUPLICATE", "Duplicate", Terminal, Never, "A duplicate of another account."),
    row("CUSTOMER_NOT_TRACKED", "Customer Not Tracked", Terminal, Never, "The customer chose not to track it."),
    row("COMPANY_INACTIVE", "Company Inactive", Terminal, Weekly, "The parent company was deactivated."),
];

/// The label of text that does not look like a status.
pub const INVALID: &str = "INVALID";
/// The label of no status at all.
pub const MISSING: &str = "MISSING";

/// A status as Nectar sent it.
#[derive(Debug, Clone)]
pub enum Status {
    /// On the page.
    Documented(&'static Documented),
    /// Not on the page, but it looks like a status.
    Undocumented(Arc<str>),
    /// Text that does not look like a status.
    Invalid,
    /// None at all.
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

    /// The heading it stands under.
    pub fn category(&self) -> Category {
        match self {
            Self::Documented(row) => row.category,
            _ => Category::Unknown,
        }
    }

    /// Whether Nectar looks again by itself. What is not on the page is no exception to its rule: weekly.
    pub fn recheck(&self) -> Recheck {
        match self {
            Self::Documented(row) => row.recheck,
            _ => Recheck::Weekly,
        }
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

// Two statuses of one kind are the same when their words are; a documented status of the other kind never meets them.
impl Ord for Status {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            // Most are the same, and then there is nothing to read.
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
