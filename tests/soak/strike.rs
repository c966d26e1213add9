//! What goes wrong in a round: which fault of the simulator, where, and what the exporter must then say.

use nectar_simulator::{Fault, Scope, Simulator};

use crate::reader::Truth;
use test_support::exporter::KEY;
use test_support::fault_table::{self, Wrong};

/// Connections asked for per page: few, so that most companies have several pages.
pub const PAGE_SIZE: usize = 3;
/// Reasons after which the same request is sent again: a fault of up to three requests has no effect.
const PASSING: [&str; 6] = ["timeout", "dns", "connect", "tls", "rate_limited", "server_error"];

/// Where a fault occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The second page of one company.
    Page,
    /// All pages of one company.
    Company,
    /// The list of companies.
    List,
    /// Every request.
    Everything,
}

impl Place {
    pub const ALL: [Self; 4] = [Self::Page, Self::Company, Self::List, Self::Everything];
}

/// A fault of the simulator, and the reason it counts as.
#[derive(Debug, Clone)]
pub struct Row {
    pub fault: Fault,
    pub reason: &'static str,
}

/// Those rows of the table that are faults of responses: the others need another server.
pub fn answers(rows: Vec<fault_table::Row>) -> impl Iterator<Item = Row> {
    rows.into_iter().filter_map(|fault_table::Row { wrong, reason, .. }| match wrong {
        Wrong::Answer(fault) => Some(Row { fault, reason }),
        _ => None,
    })
}

/// A fault that is set for a round.
#[derive(Debug, Clone)]
pub struct Hit {
    pub row: Row,
    pub place: Place,
    pub victim: String,
    /// Requests that it is for; none if it is for all.
    pub times: Option<u32>,
    /// The poll's own time runs out before any request's does.
    pub runs_out: bool,
}

/// What goes wrong in a round.
#[derive(Debug, Clone)]
pub enum Strike {
    /// Nectar accepts another key than ours.
    Key,
    Fault(Hit),
}

/// What `nectar_up` must say after the round.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    Up,
    /// One of these reasons must be given, too.
    Down(Vec<&'static str>),
    /// Up or down are both right; what is shown must still be true.
    Open,
}

impl Strike {
    pub fn set(&self, simulator: &Simulator) {
        let hit = match self {
            Self::Key => return simulator.accept_key("another key"),
            Self::Fault(hit) => hit,
        };
        let scope = match hit.place {
            Place::Page => Scope::Page(hit.victim.clone(), 2),
            Place::Company => Scope::Company(hit.victim.clone()),
            Place::List => Scope::CompanyList,
            Place::Everything => Scope::Everything,
        };
        match hit.times {
            Some(times) => simulator.faults().set_times(scope, hit.row.fault.clone(), times),
            None => simulator.faults().set(scope, hit.row.fault.clone()),
        }
    }

    pub fn runs_out(&self) -> bool {
        matches!(self, Self::Fault(hit) if hit.runs_out)
    }

    /// The company that it is for, if it is for one.
    pub fn victim(&self) -> Option<&str> {
        match self {
            Self::Fault(Hit { place: Place::Page | Place::Company, victim, .. }) => Some(victim),
            _ => None,
        }
    }

    /// What it must lead to, if the truth is `truth`.
    pub fn outcome(&self, truth: &Truth) -> Outcome {
        match self {
            Self::Key => Outcome::Down(vec!["auth"]),
            Self::Fault(hit) => hit.outcome(truth),
        }
    }

    /// The name under which the report counts it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Key => "key refused",
            Self::Fault(hit) if hit.runs_out => "poll out of time",
            Self::Fault(hit) => kind(&hit.row.fault),
        }
    }
}

/// Ends every fault.
pub fn heal(simulator: &Simulator) {
    simulator.faults().clear();
    simulator.accept_key(KEY);
}

impl Hit {
    fn outcome(&self, truth: &Truth) -> Outcome {
        let has_two_pages = |id: &String| truth[id].len() > PAGE_SIZE;
        let strikes = match (&self.row.fault, self.place) {
            (Fault::Delay(_), _) | (Fault::Overlap | Fault::RowsMove, Place::List) => false,
            (_, Place::Page) | (Fault::Overlap | Fault::RowsMove, Place::Company) => {
                has_two_pages(&self.victim)
            }
            (Fault::Overlap | Fault::RowsMove, Place::Everything) => truth.keys().any(has_two_pages),
            _ => true,
        };
        let reason = self.row.reason;
        match self.times {
            _ if !strikes => Outcome::Up,
            _ if self.runs_out => Outcome::Open,
            Some(_) if PASSING.contains(&reason) => Outcome::Up,
            // A reading that does not add up is repeated, and a large body may time out before it is too large.
            Some(_) if ["incomplete", "too_large"].contains(&reason) => Outcome::Open,
            None if reason == "too_large" => Outcome::Down(vec![reason, "timeout"]),
            _ => Outcome::Down(vec![reason]),
        }
    }
}

/// Every kind there is, by the name that [`Strike::kind`] gives it.
pub const KINDS: [&str; 19] = [
    "key refused",
    "poll out of time",
    "status",
    "status, retry-after",
    "delay",
    "hang",
    "broken body",
    "truncated JSON",
    "wrong JSON",
    "other body",
    "other bytes",
    "packed",
    "no body",
    "silent",
    "trickle",
    "endless",
    "overlap",
    "rows move",
    "redirect",
];

/// No wildcard: a fault that is added to the simulator must be named here, and then occur.
fn kind(fault: &Fault) -> &'static str {
    match fault {
        Fault::Status(_) => "status",
        Fault::StatusRetryAfter(..) => "status, retry-after",
        Fault::Delay(_) => "delay",
        Fault::Hang => "hang",
        Fault::BrokenBody => "broken body",
        Fault::TruncatedJson => "truncated JSON",
        Fault::WrongJson => "wrong JSON",
        Fault::Body(_) => "other body",
        Fault::Bytes(_) => "other bytes",
        Fault::Packed(_) => "packed",
        Fault::NoBody => "no body",
        Fault::Silent => "silent",
        Fault::Trickle => "trickle",
        Fault::Endless => "endless",
        Fault::Overlap => "overlap",
        Fault::RowsMove => "rows move",
        Fault::Redirect(_) => "redirect",
    }
}
