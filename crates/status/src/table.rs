//! Every status that Nectar documents: what it means, who acts, and what the customer is asked to do.
//!
//! This is the only source of these words: the message template, the boards, the landing page, the runbooks and `docs/statuses.md` take
//! them from here. All pages are below `https://docs.nectarclimate.com/`. Value, name, category, re-check and, unless another page is
//! named, meaning are from `developer-guide/connection-statuses`.

use strum::IntoStaticStr;

/// The heading that a status is under on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
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
        self.into()
    }

    /// The categories in which a connection brings no data until somebody mends it.
    pub const BROKEN: [Self; 2] = [Self::WebsiteIssue, Self::InterventionNeeded];

    /// Whether it is one of [`BROKEN`](Self::BROKEN).
    pub fn is_broken(self) -> bool {
        Self::BROKEN.contains(&self)
    }

    /// The heading in short, for people.
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

/// Whether Nectar checks again by itself (the page's section "Check frequency").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recheck {
    /// At an interval: weekly according to the page, `--nectar.check-interval` in the exporter.
    Periodic,
    /// Not before the customer has acted.
    AfterCustomer,
    /// Never again.
    Never,
}

impl Recheck {
    /// In words, for people.
    pub fn display(self) -> &'static str {
        match self {
            Self::Periodic => "weekly",
            Self::AfterCustomer => "after the customer has acted",
            Self::Never => "never",
        }
    }
}

/// Who has to act next. The pages say so for the statuses that need the customer, and for `PENDING`, `UNDER_INVESTIGATION`, `CONNECTED`
/// and `WEBSITE_DOWN`; for the others it is this project's interpretation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// All is well, or the status is intended.
    Nobody,
    /// The person who holds the login.
    Customer,
    /// Nectar: its next check, or its team.
    Nectar,
    /// The utility that runs the website.
    Utility,
    /// The one who has to act on the connection that the account belongs to.
    AsForConnection,
}

impl Actor {
    /// In words, for people.
    pub fn display(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Customer => "the customer",
            Self::Nectar => "Nectar",
            Self::Utility => "the utility",
            Self::AsForConnection => "as for its connection",
        }
    }
}

/// One row: a documented status.
#[derive(Debug, PartialEq, Eq)]
pub struct Documented {
    /// The API value, and the value of the `status` label.
    pub value: &'static str,
    /// Its name in Nectar's dashboard.
    pub display: &'static str,
    /// The heading that it is under on the page.
    pub category: Category,
    /// Whether Nectar checks again by itself.
    pub recheck: Recheck,
    /// Who has to act next.
    pub who_acts: Actor,
    /// What the matter is, in a few words for customers and customer care; it fits into "Elm Gas: …, since Tuesday".
    pub plain: &'static str,
    /// What it means, for operators.
    pub meaning: &'static str,
    /// What the customer is asked to do, to be forwarded as it is; none if there is nothing for them to do.
    pub request: Option<&'static str>,
}

impl Documented {
    /// The plain words as the beginning of a line.
    pub fn headline(&self) -> String {
        let mut chars = self.plain.chars();
        chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
    }
}

use Actor::{AsForConnection, Customer, Nectar, Nobody, Utility};
use Category::{Error, InterventionNeeded, Standard, System, Terminal, WebsiteIssue};
use Recheck::{AfterCustomer, Never, Periodic};

// COMPANY_INACTIVE is not among the page's exceptions to the weekly check, for either kind.
//
// Where a connection is in the dashboard: platform/data-input/connections. That people who are invited to reconnect need no login at
// Nectar, and that nobody sees what they enter: platform/data-input/invitations.
#[rustfmt::skip]
pub(super) const CONNECTIONS: &[Documented] = &[
    // How long the first check takes: platform/data-input/troubleshooting
    Documented {
        value: "PENDING", display: "Pending", category: Standard, recheck: Periodic, who_acts: Nectar,
        plain: "Nectar's first check is still to come",
        meaning: "New, not onboarded yet. The first check usually comes within hours, at times within two days.",
        request: None,
    },
    // How long it takes: platform/data-input/troubleshooting
    Documented {
        value: "UNDER_INVESTIGATION", display: "Under Investigation", category: Standard, recheck: Periodic, who_acts: Nectar,
        plain: "Nectar is looking into a problem",
        meaning: "Something went wrong; Nectar's team is looking into it, usually for a few business days.",
        request: None,
    },
    Documented {
        value: "CONNECTED", display: "Connected", category: Standard, recheck: Periodic, who_acts: Nobody,
        plain: "the connection works",
        meaning: "Nectar can log in and reach the connection.",
        request: None,
    },
    // platform/data-input/reconnecting
    Documented {
        value: "WEBSITE_DOWN", display: "Website Down", category: WebsiteIssue, recheck: Periodic, who_acts: Utility,
        plain: "the utility's website is down",
        meaning: "The utility's website is inaccessible, most often for a while only.",
        request: None,
    },
    Documented {
        value: "URL_INACCESSIBLE", display: "URL Inaccessible", category: WebsiteIssue, recheck: Periodic, who_acts: Utility,
        plain: "the utility's web address cannot be reached",
        meaning: "The provider URL cannot be reached.",
        request: None,
    },
    // The cause: developer-guide/connection-lifecycle
    Documented {
        value: "NO_ACCOUNTS_FOUND", display: "No Accounts Found", category: WebsiteIssue, recheck: Periodic, who_acts: Nectar,
        plain: "the login works but shows no account",
        meaning: "Nectar logs in, but sees no account: there may be none any more.",
        request: None,
    },
    Documented {
        value: "OTHER_ERROR", display: "Other Error", category: WebsiteIssue, recheck: Periodic, who_acts: Nectar,
        plain: "there is a problem of another kind",
        meaning: "A problem that no other status covers.",
        request: None,
    },
    // What Reconnect opens: platform/data-input/reconnecting. Causes and remedies: platform/data-input/mfa,
    // developer-guide/mfa-integration. The status page still speaks of a challenge to be completed.
    Documented {
        value: "MFA_TOKEN_EXPIRED", display: "MFA Token Expired", category: InterventionNeeded, recheck: AfterCustomer, who_acts: Customer,
        plain: "the login codes do not reach Nectar",
        meaning: "The codes of a multi-factor login do not reach Nectar: their forwarding is off or blocked, or their sender, form or destination has changed.",
        request: Some("The codes that the utility sends for logging in do not reach Nectar, and no new bills arrive \
            until they do. Please open the connection in Nectar's dashboard, under Data Input and then Connections, \
            and choose Reconnect: it opens the set-up for forwarding the codes (MFA forwarding) and does not ask for \
            the password. Please choose there how the codes are to reach Nectar; if the utility no longer asks for a \
            code, switch MFA off for this connection there instead. If somebody else holds the login, please send that \
            person a reconnect invitation from the dashboard, or ask us to: they need no access to Nectar."),
    },
    // platform/data-input/troubleshooting
    Documented {
        value: "PASSWORD_INCORRECT", display: "Password Incorrect", category: InterventionNeeded, recheck: AfterCustomer, who_acts: Customer,
        plain: "the password is wrong",
        meaning: "The utility's website refuses the password: it was changed, or mistyped.",
        request: Some("The utility's website does not accept the password that Nectar has for this login, and no new \
            bills arrive until Nectar has the right one. Please open the connection in Nectar's dashboard, under Data \
            Input and then Connections, choose Reconnect, and enter the password with which you log in at the utility. \
            If somebody else holds the login, please send that person a reconnect invitation from the dashboard, or \
            ask us to: they need no access to Nectar, and nobody else sees the password."),
    },
    // platform/data-input/troubleshooting, developer-guide/connection-lifecycle
    Documented {
        value: "NEW_PASSWORD_NEEDED", display: "New Password Needed", category: InterventionNeeded, recheck: AfterCustomer, who_acts: Customer,
        plain: "a new password must be set at the utility",
        meaning: "The utility's website lets nobody in before a new password is set there; many ask for one every 60 to 90 days.",
        request: Some("The utility's website wants a new password to be set before it lets anybody log in, and no new \
            bills arrive until then. Please log in at the utility's own website first and set a new password there. \
            After that, please open the connection in Nectar's dashboard, under Data Input and then Connections, \
            choose Reconnect, and enter the new password. If somebody else holds the login, please ask that person to \
            set it, and send them a reconnect invitation from the dashboard, or ask us to: they need no access to \
            Nectar, and nobody else sees the password."),
    },
    // platform/data-input/troubleshooting, platform/data-input/reconnecting
    Documented {
        value: "ADDITIONAL_CREDENTIALS_NEEDED", display: "Additional Credentials Needed", category: InterventionNeeded, recheck: AfterCustomer, who_acts: Customer,
        plain: "the utility asks for more than the password",
        meaning: "The utility's website asks for more than Nectar was given: security questions, a PIN, a proof of identity.",
        request: Some("The utility's website asks for more than a user name and a password, such as the answer to a \
            security question, a PIN or a proof of identity, and no new bills arrive before that is given. Please open \
            the connection in Nectar's dashboard, under Data Input and then Connections, choose Reconnect, log in, and \
            answer what the website asks. If somebody else holds the login, please send that person a reconnect \
            invitation from the dashboard, or ask us to: they need no access to Nectar."),
    },
    Documented {
        value: "COMPANY_INACTIVE", display: "Company Inactive", category: System, recheck: Periodic, who_acts: Nobody,
        plain: "the company is switched off at Nectar",
        meaning: "The parent company was deactivated.",
        request: None,
    },
];

#[rustfmt::skip]
pub(super) const ACCOUNTS: &[Documented] = &[
    // platform/data-inventory/account-detail, of accounts that are being onboarded
    Documented {
        value: "DETECTED", display: "Detected", category: Standard, recheck: Periodic, who_acts: Nectar,
        plain: "the account was found and is being set up",
        meaning: "Discovered, not onboarded yet.",
        request: None,
    },
    Documented {
        value: "ONBOARDED", display: "Onboarded", category: Standard, recheck: Periodic, who_acts: Nobody,
        plain: "the account is set up",
        meaning: "Confirmed and tracked.",
        request: None,
    },
    Documented {
        value: "PULL_COMPLETED", display: "Pull Completed", category: Standard, recheck: Periodic, who_acts: Nobody,
        plain: "the data of the account has arrived",
        meaning: "Its data was pulled and processed.",
        request: None,
    },
    Documented {
        value: "NO_DOCUMENTS_FOUND", display: "No Documents Found", category: Error, recheck: Periodic, who_acts: Nectar,
        plain: "no bills were found for the account",
        meaning: "No documents were found for it.",
        request: None,
    },
    Documented {
        value: "PDF_DOWNLOAD_FAILED", display: "PDF Download Failed", category: Error, recheck: Periodic, who_acts: Nectar,
        plain: "the bills of the account could not be downloaded",
        meaning: "There were documents, but downloading them failed.",
        request: None,
    },
    Documented {
        value: "ACCOUNT_NOT_FOUND", display: "Account Not Found", category: Error, recheck: Periodic, who_acts: Nectar,
        plain: "the account was not found on the utility's website",
        meaning: "Nectar did not find it on the connection's website.",
        request: None,
    },
    Documented {
        value: "WORKFLOW_NOT_ACCESSIBLE", display: "Workflow Not Accessible", category: Error, recheck: Periodic, who_acts: AsForConnection,
        plain: "the connection of the account has a problem",
        meaning: "The whole connection has a problem, such as a wrong password.",
        request: None,
    },
    Documented {
        value: "OTHER_ERROR", display: "Other Error", category: Error, recheck: Periodic, who_acts: Nectar,
        plain: "there is a problem of another kind",
        meaning: "A problem that no other status covers.",
        request: None,
    },
    Documented {
        value: "OLD_ACCOUNT", display: "Old Account", category: Terminal, recheck: Never, who_acts: Nobody,
        plain: "the account is closed",
        meaning: "Closed; no new data will come.",
        request: None,
    },
    Documented {
        value: "DUPLICATE", display: "Duplicate", category: Terminal, recheck: Never, who_acts: Nobody,
        plain: "the account is there twice",
        meaning: "A duplicate of another account.",
        request: None,
    },
    Documented {
        value: "CUSTOMER_NOT_TRACKED", display: "Customer Not Tracked", category: Terminal, recheck: Never, who_acts: Nobody,
        plain: "the account is left out by the customer's choice",
        meaning: "The customer chose not to track it.",
        request: None,
    },
    Documented {
        value: "COMPANY_INACTIVE", display: "Company Inactive", category: Terminal, recheck: Periodic, who_acts: Nobody,
        plain: "the company is switched off at Nectar",
        meaning: "The parent company was deactivated.",
        request: None,
    },
];
