//! What people should be told, derived from what happened at Nectar.

use crate::nectar::{Nectar, WAITING};

/// Something that begins once and ends once, and should be told like that: one login in one status.
#[derive(Debug, Clone)]
pub struct Episode {
    pub company: usize,
    /// None if logins are not told apart.
    pub login: Option<usize>,
    pub status: &'static str,
    /// The first-seen time that Nectar gives, in Unix seconds; if logins are not told apart, the earliest and the latest that is right.
    pub since: (i64, i64),
    /// In Unix seconds.
    pub begin: f64,
    /// Infinite if it has not ended.
    pub end: f64,
    /// It was there from the start.
    pub is_standing: bool,
}

impl Episode {
    /// Whether it is in the same status at the same company.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.company, self.status) == (other.company, other.status)
    }
}

/// Each login in each status that needs its customer, in order of time; `started` is when messages began.
pub fn episodes(nectar: &Nectar, started: f64) -> Vec<Episode> {
    let mut episodes = Vec::new();
    for (number, login) in nectar.logins.iter().enumerate() {
        for (place, stand) in login.past.iter().enumerate() {
            let Some(status) = stand.status.filter(|status| WAITING.contains(status)) else { continue };
            episodes.push(Episode {
                company: login.company,
                login: Some(number),
                status,
                since: (stand.since, stand.since),
                begin: stand.at,
                end: login.past.get(place + 1).map_or(f64::INFINITY, |next| next.at),
                is_standing: stand.at < started,
            });
        }
    }
    episodes.sort_by(|one, other| one.begin.total_cmp(&other.begin));
    episodes
}

/// Each beginning, if logins are not told apart. Any later time is right, because the newest is told for all that began between the
/// same readings.
pub fn rises(episodes: &[Episode]) -> Vec<Episode> {
    let rise =
        |episode: &Episode| Episode { login: None, since: (episode.since.0, i64::MAX), ..episode.clone() };
    episodes.iter().map(rise).collect()
}

/// Spans in which a company has any login in a status: these are what ends if logins are not told apart.
pub fn spells(episodes: &[Episode]) -> Vec<Episode> {
    let mut spells: Vec<Episode> = Vec::new();
    for episode in episodes {
        match spells.iter_mut().find(|spell| spell.is_like(episode) && spell.end > episode.begin) {
            Some(spell) => {
                spell.end = spell.end.max(episode.end);
                spell.since = (spell.since.0.min(episode.since.0), spell.since.1.max(episode.since.1));
            }
            None => spells.push(Episode { login: None, ..episode.clone() }),
        }
    }
    spells
}
