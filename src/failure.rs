//! Why something could not be read: closed lists of reasons, their label values, and advice for people. Also the outcome of reading a
//! file again.

use std::fmt;
use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

/// Why a request gave no usable response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Reason {
    /// 401
    Auth,
    /// 403
    Forbidden,
    /// 404
    NotFound,
    /// 429
    RateLimited,
    /// Any other 4xx.
    ClientError,
    /// 5xx
    ServerError,
    /// No response, or not all of it, within the request timeout.
    Timeout,
    /// The host's name cannot be resolved.
    Dns,
    /// No connection, or one that broke off.
    Connect,
    /// The two sides could not agree on TLS, or we do not trust the certificate.
    Tls,
    /// A response that is not what the API documents.
    Decode,
    /// A response larger than this program reads.
    TooLarge,
    /// Anything else, such as a redirect.
    Other,
}

impl Reason {
    /// Every reason.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The value of the `reason` label.
    pub fn label(self) -> &'static str {
        self.into()
    }

    /// Whether the cause lies on the way to Nectar, and not at Nectar.
    pub fn is_network(self) -> bool {
        matches!(self, Self::Dns | Self::Connect | Self::Tls)
    }

    /// Whether the same request may succeed a moment later.
    pub fn is_transient(self) -> bool {
        self.is_network() || matches!(self, Self::Timeout | Self::RateLimited | Self::ServerError)
    }
}

/// Time limit for reading a file. One that takes longer is a pipe that nobody writes to, or on a mount that hangs.
pub const FILE_READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The outcome of reading a file again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reread {
    /// No file is configured.
    Nothing,
    /// Its contents are what they were before.
    Same,
    /// Its contents are new, and in force now.
    New,
    /// It cannot be used; what was read earlier stays.
    Unusable,
}

impl Reread {
    /// Words for the log; none if no file is configured.
    pub fn words(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Same => Some("unchanged"),
            Self::New => Some("new, and in force"),
            Self::Unusable => Some("not usable: what was read earlier stays"),
        }
    }
}

/// Why a company, or a whole poll, failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// A request failed, and so did its retries.
    Request(Reason),
    /// The pages never added up to the number of connections that Nectar gave.
    Incomplete,
    /// The poll ended before the company was read.
    Deadline,
    /// The company was asked for by id, but the list for this key does not have it.
    NotListed,
}

impl Failure {
    /// Nectar does not accept the key.
    pub const KEY_REFUSED: Self = Self::Request(Reason::Auth);

    /// Every failure.
    pub fn all() -> impl Iterator<Item = Self> {
        let own = [Self::Incomplete, Self::Deadline, Self::NotListed];
        Reason::ALL.iter().copied().map(Self::Request).chain(own)
    }

    /// The value of the `reason` label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Request(reason) => reason.label(),
            Self::Incomplete => "incomplete",
            Self::Deadline => "deadline",
            Self::NotListed => "not_listed",
        }
    }

    /// What happened, in plain words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Request(Reason::Auth) => "Nectar refuses the API key",
            Self::Request(Reason::Forbidden) => "the API key may not see it",
            Self::Request(Reason::NotFound) => "Nectar does not know it",
            Self::Request(Reason::RateLimited) => "Nectar asks for fewer requests",
            Self::Request(Reason::ClientError) => "Nectar refuses the request",
            Self::Request(Reason::ServerError) => "Nectar reports an error of its own",
            Self::Request(Reason::Timeout) => "no answer came in time",
            Self::Request(Reason::Dns) => "the name of Nectar's host leads nowhere",
            Self::Request(Reason::Connect) => "there is no connection to Nectar, or it broke",
            Self::Request(Reason::Tls) => "there is no connection to Nectar that can be trusted",
            Self::Request(Reason::Decode) => "what came is no answer of Nectar's API",
            Self::Request(Reason::TooLarge) => "the answer is too large",
            Self::Request(Reason::Other) => "the answer is of a kind that Nectar's API does not give",
            Self::Incomplete => "Nectar lists another number of connections than it names",
            Self::Deadline => "time ran out before it was read",
            Self::NotListed => "the API key does not list it",
        }
    }

    /// What a person can do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Request(Reason::Auth) => {
                "put a valid API key into the file of --nectar.api-key-file, which is read again by itself; or restart \
                 with a valid one in NECTAR_API_KEY"
            }
            Self::Request(Reason::Forbidden) => {
                "check what the API key may see; --nectar.exclude-company leaves a company out"
            }
            Self::Request(Reason::NotFound) => {
                "check --nectar.base-url; a company that was deleted goes when the list is read again"
            }
            Self::Request(Reason::RateLimited) => {
                "raise --nectar.poll-interval, or lower --nectar.max-concurrent-requests"
            }
            Self::Request(Reason::ClientError) => "check --nectar.base-url and --nectar.page-size",
            Self::Request(Reason::ServerError) => "wait; if it lasts, ask Nectar",
            Self::Request(Reason::Timeout) => "check the network, or raise --nectar.request-timeout",
            Self::Request(Reason::Dns) => {
                "check the host in --nectar.base-url (or of the proxy), and DNS on this machine"
            }
            Self::Request(Reason::Connect) => "check the network, firewalls, and the proxy",
            Self::Request(Reason::Tls) => {
                "check the certificate of the server, --nectar.ca-file, and the clock of this machine"
            }
            Self::Request(Reason::Decode | Reason::Other) => {
                "check --nectar.base-url, or look what answers in Nectar's place, such as a proxy"
            }
            Self::Request(Reason::TooLarge) => {
                "lower --nectar.page-size, or look what answers in Nectar's place"
            }
            Self::Incomplete => {
                "wait, in case the list kept changing while it was read; if it stays, ask Nectar"
            }
            Self::Deadline => "raise --nectar.poll-timeout, or look for the company that is slow",
            Self::NotListed => "check the id given with --nectar.company, and what the API key may see",
        }
    }
}

/// Why something was not read, with details for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// The failure, from a closed list.
    pub failure: Failure,
    /// The host that we wanted to reach, if there was no response.
    pub host: Option<String>,
    /// What the operating system or TLS says, or what is odd about the response. Never the response's own text.
    pub cause: Option<String>,
}

impl From<Failure> for ReadError {
    fn from(failure: Failure) -> Self {
        Self { failure, host: None, cause: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
