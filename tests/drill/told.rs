//! What people were told about customers, extracted from the labels of all messages.

use std::collections::HashMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::nectar::Nectar;
use crate::receiver::{Labels, Message};
use crate::truth::Episode;

/// The receiver that should be told.
const CUSTOMER_CARE: &str = "nectar-customer-care";

/// What is said about an episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Saying {
    New,
    /// It is still waiting.
    Standing,
    Over,
}

/// One line of one message.
#[derive(Debug, Clone)]
pub struct Told {
    /// Index of the message.
    pub message: usize,
    /// When the message came, in Unix seconds.
    pub at: f64,
    pub saying: Saying,
    pub company: usize,
    pub login: Option<usize>,
    pub status: String,
    /// In Unix seconds; 0 if it is unknown.
    pub since: i64,
    /// When the reading was made that showed it, in Unix seconds.
    pub noticed: Option<i64>,
    /// What the login became.
    pub became: Option<String>,
    /// Whether the right people were told.
    pub is_for_them: bool,
}

impl Told {
    /// When the company was read, in Unix seconds; for one that is gone, when that was told.
    pub fn read(&self) -> f64 {
        self.noticed.map_or(self.at, |noticed| noticed as f64)
    }

    /// Whether this line says about this episode what should be said, to the people who should be told.
    pub fn says(&self, saying: Saying, episode: &Episode) -> bool {
        self.is_for_them
            && self.saying == saying
            && (self.company, self.status.as_str()) == (episode.company, episode.status)
            && (episode.login.is_none() || episode.login == self.login)
            && (episode.since.0..=episode.since.1).contains(&self.since)
    }
}

/// Everything that was said about customers, in order.
pub fn told(nectar: &Nectar, messages: &[Message]) -> Vec<Told> {
    let companies: HashMap<&str, usize> =
        nectar.companies.iter().enumerate().map(|(at, company)| (company.id.as_str(), at)).collect();
    let logins: HashMap<&str, usize> =
        nectar.logins.iter().enumerate().map(|(at, login)| (login.id.as_str(), at)).collect();
    let lines = messages
        .iter()
        .enumerate()
        .flat_map(|(number, message)| message.alerts.iter().map(move |labels| (number, message, labels)));
    let read = |(number, message, labels): (usize, &Message, &Labels)| {
        let label = |name: &str| labels.get(name).map(String::as_str);
        let saying = match (label("alertname")?, label("told")) {
            ("NectarInterventionEnded", _) => Saying::Over,
            ("NectarInterventionOverdue", _) | ("NectarInterventionNeeded", Some("standing")) => {
                Saying::Standing
            }
            // `earlier` must be sent to nobody; if it is, it counts as told anew.
            ("NectarInterventionNeeded", _) => Saying::New,
            _ => return None,
        };
        Some(Told {
            message: number,
            at: message.at,
            saying,
            company: *companies.get(label("company_id")?)?,
            login: label("connection_id").and_then(|id| logins.get(id).copied()),
            status: label("status")?.to_owned(),
            since: label("since").and_then(time).unwrap_or(0),
            noticed: label("noticed").and_then(|seconds| seconds.parse().ok()),
            became: label("became").map(str::to_owned),
            is_for_them: message.receiver == CUSTOMER_CARE && label("told") != Some("earlier"),
        })
    };
    lines.filter_map(read).collect()
}

/// The time in a label.
fn time(text: &str) -> Option<i64> {
    let time: DateTime = text.parse().ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}
