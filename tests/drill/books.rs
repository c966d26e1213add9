//! Compares what people were told with the truth: what counts as told, twice, wrongly, late.

use crate::nectar::Nectar;
use crate::reach::Reach;
use crate::script::Part;
use crate::tally::{Row, Tally};
use crate::told::{Saying, Told};
use crate::truth::{Episode, rises, spells};

/// In seconds: when a company was read is known to the second, and its logins may change meanwhile.
const READING_LASTS: f64 = 2.0;

/// Everything that is known at the end of a drill.
#[derive(Debug)]
pub struct Books<'a> {
    pub nectar: &'a Nectar,
    /// Whether there are series per connection.
    pub has_detail: bool,
    pub episodes: Vec<Episode>,
    pub told: Vec<Told>,
    pub reach: Reach,
}

impl Books<'_> {
    /// Counts everything.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        let (begins, ends) = match self.has_detail {
            true => (self.episodes.clone(), self.episodes.clone()),
            false => (rises(&self.episodes), spells(&self.episodes)),
        };
        begins.iter().for_each(|episode| self.count(episode, &begins, &mut tally));
        for (place, episode) in ends.iter().enumerate().filter(|(_, episode)| episode.end.is_finite()) {
            let again = ends[place + 1..].iter().find(|other| !self.has_detail && other.is_like(episode));
            self.count_end(episode, again.map_or(f64::INFINITY, |other| other.begin), &mut tally);
        }
        for line in &self.told {
            if let Some(fault) = self.fault(line, &ends) {
                let same =
                    ends.iter().filter(|one| (one.company, one.status) == (line.company, &line.status));
                let stories: Vec<String> = same.map(|one| self.reach.story(one)).collect();
                tally.note(Row::Wrongly, format!("{fault}: {}; {stories:?}", self.line(line)));
            }
        }
        for stall in self.reach.of(|part| part == Part::Machine) {
            let minutes = (stall.to - stall.from) / self.reach.minute;
            tally.note(Row::Stalls, format!("at {:.1} for {minutes:.1} min", self.reach.after(stall.from)));
        }
        tally
    }

    /// `begins` are all episodes that should be told.
    fn count(&self, episode: &Episode, begins: &[Episode], tally: &mut Tally) {
        let story = || self.reach.story(episode);
        if episode.is_standing {
            tally.note(Row::Standing, story());
            return match self.lines(Saying::Standing, episode).is_empty() {
                true => {}
                false => tally.note(Row::StandingTold, story()),
            };
        }
        tally.note(Row::Episodes, story());
        let news = self.lines(Saying::New, episode);
        let Some(first) = news.first() else {
            let row = self.reach.excuse(episode).or_else(|| self.joined(episode, begins));
            return tally.note(row.unwrap_or(Row::Missed), story());
        };
        tally.note(Row::Told, story());
        let again = news.iter().rfind(|line| line.since == first.since && line.message != first.message);
        // If one line is for several episodes, it counts once.
        if let Some(again) = again.filter(|again| again.since == episode.since.0) {
            let lines = [first, again].map(|line| self.line(line));
            tally.note(Row::Twice, format!("{lines:?}: {}", story()));
        }
        self.note_late(Row::Late, episode, episode.begin, first.at, tally);
    }

    /// Whether a later episode took the place of this one before it could be told, and was told.
    fn joined(&self, episode: &Episode, begins: &[Episode]) -> Option<Row> {
        let mut later = begins.iter().filter(|other| {
            !self.has_detail
                && other.is_like(episode)
                && episode.begin < other.begin
                && other.begin < episode.end
        });
        let first = later.clone().next()?;
        let replaced = Episode { end: first.begin, ..episode.clone() };
        let is_told = later.any(|other| !self.lines(Saying::New, other).is_empty());
        (is_told && self.reach.excuse(&replaced) == Some(Row::Gone)).then_some(Row::Joined)
    }

    /// `again` is when the next episode with the same name begins.
    fn count_end(&self, episode: &Episode, again: f64, tally: &mut Tally) {
        let story = || self.reach.story(episode);
        let over = self.lines(Saying::Over, episode);
        let noticed = self.reach.reading(episode.company, episode.end, again);
        // Of a company that is gone, nothing is read any more.
        let is_due = self.reach.known(episode).is_some() && (noticed.is_some() || again == f64::INFINITY);
        if over.is_empty() && !is_due {
            return;
        }
        tally.note(Row::Ends, story());
        let Some(first) = over.first() else {
            return tally.note(Row::EndsMissed, story());
        };
        tally.note(Row::EndsTold, story());
        if over.len() > 1 {
            let lines: Vec<String> = over.iter().map(|line| self.line(line)).collect();
            tally.note(Row::EndsTwice, format!("{lines:?}: {}", story()));
        }
        self.note_late(Row::EndsLate, episode, episode.end, first.at, tally);
        let next = self.episodes.iter().find(|next| next.login == episode.login && next.begin == episode.end);
        let next = next.and_then(|next| self.lines(Saying::New, next).first().copied());
        if next.is_some_and(|next| next.noticed == first.noticed && next.message != first.message) {
            tally.note(Row::ChangesTorn, story());
        }
    }

    fn note_late(&self, row: Row, episode: &Episode, at: f64, told: f64, tally: &mut Tally) {
        let due = self.reach.due(at, episode.company);
        if told > due {
            let minutes = (told - due) / self.reach.minute;
            tally.note(row, format!("by {minutes:.1} min: {}", self.reach.story(episode)));
        }
    }

    /// The lines about an episode. Of those that began between two readings, the newest may be told for all of them.
    fn lines(&self, saying: Saying, episode: &Episode) -> Vec<&Told> {
        let reading = self.reach.reading(episode.company, episode.begin, f64::INFINITY);
        let latest = reading.filter(|_| saying == Saying::New).map_or(f64::INFINITY, |(_, read)| read);
        let lines = self.told.iter().filter(|line| line.says(saying, episode));
        lines.filter(|line| line.since as f64 <= latest).collect()
    }

    /// What is not true of a line.
    fn fault(&self, line: &Told, ends: &[Episode]) -> Option<&'static str> {
        let is_meant = |episode: &&Episode| {
            (episode.company, episode.status, episode.since.0) == (line.company, &line.status, line.since)
                && (!self.has_detail || episode.login == line.login)
        };
        if !line.is_for_them {
            return Some("told to somebody else");
        }
        let Some(episode) = self.episodes.iter().find(is_meant) else { return Some("it never was") };
        match line.saying {
            Saying::New if episode.is_standing => Some("new, though it stood from the start"),
            Saying::Standing if !episode.is_standing => Some("standing, though it is new"),
            Saying::Over if self.is_there(line, ends) => Some("over, though it is not"),
            Saying::Over if self.has_detail && !self.became(line) => Some("it became something else"),
            _ => None,
        }
    }

    /// Whether what is said to be over was there both before and after the reading, and so is not over.
    fn is_there(&self, line: &Told, ends: &[Episode]) -> bool {
        let read = line.read();
        let mut same = ends.iter().filter(|one| (one.company, one.status) == (line.company, &line.status));
        same.any(|one| {
            let is_it = one.login.is_none() || one.login == line.login && one.since.0 == line.since;
            is_it && one.begin < read - READING_LASTS && read + READING_LASTS < one.end
        })
    }

    /// Whether the login, when it was read, was what the line says it became.
    fn became(&self, line: &Told) -> bool {
        let Some(login) = line.login.map(|login| &self.nectar.logins[login]) else { return true };
        let was = login.past.iter().filter(|stand| stand.at < line.read() + READING_LASTS);
        let last = was.clone().rev().take_while(|stand| stand.at > line.read() - READING_LASTS).count() + 1;
        was.rev().take(last).any(|stand| stand.status == line.became.as_deref())
    }

    fn line(&self, line: &Told) -> String {
        let [at, read] = [line.at, line.read()].map(|at| self.reach.after(at));
        format!("at {at:.1}, read {read:.1}: {line:?}")
    }
}
