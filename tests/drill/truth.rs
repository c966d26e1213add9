//! What people ought to be told, from what happened at Nectar.
//!
//! Knows episodes.

use crate::nectar::{Nectar, WAITING};

/// Something that begins once and ends once, and is to be told so: one login in one status.
#[derive(Debug, Clone)]
pub struct Episode {
    pub company: usize,
    /// None where logins are not told apart.
    pub login: Option<usize>,
    pub status: &'static str,
    /// Since when, as Nectar says, in Unix seconds; where logins are not told apart, the earliest and latest that is as good.
    pub since: (i64, i64),
    /// In Unix seconds.
    pub begin: f64,
    /// Infinite for one that has not ended.
    pub end: f64,
    /// It was there before anybody looked.
    pub is_standing: bool,
}

impl Episode {
    /// Whether it is in the same status at the same company.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.company, self.status) == (other.company, other.status)
    }
}

/// Each login in each status that needs its customer, in order of time; `started` is when people began to be told.
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

/// Each beginning, where logins are not told apart: any later time is as good, for the newest stands for those that began
/// between the same readings.
pub fn rises(episodes: &[Episode]) -> Vec<Episode> {
    let rise =
        |episode: &Episode| Episode { login: None, since: (episode.since.0, i64::MAX), ..episode.clone() };
    episodes.iter().map(rise).collect()
}

/// Times in which a company has a login in a status, however many: what ends, where logins are not told apart.
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
