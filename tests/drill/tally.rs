//! The figures of a drill, which of them must be 0, and what each consists of.

use std::collections::BTreeMap;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    Episodes,
    /// No reading of the company was made meanwhile, or none that Prometheus had.
    NeverRead,
    /// Over, and no longer kept firing, before Alertmanager was back.
    Gone,
    /// Without series per connection: before Alertmanager was back, a later one of the same status began, which is told with the number
    /// of all.
    Joined,
    Told,
    Missed,
    Twice,
    Wrongly,
    Late,
    Ends,
    EndsTold,
    EndsMissed,
    EndsTwice,
    EndsLate,
    /// One reading showed the end of one episode of a login and the beginning of the next.
    ChangesTorn,
    Standing,
    StandingTold,
    /// Rules were not evaluated although nothing was away.
    Stalls,
    Messages,
    Unlike,
}

/// What it means for the product if the figure is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Nothing.
    Fine,
    /// Nothing, or that the machine was slow.
    WorthALook,
    /// That a promise is broken.
    Wrong,
}

use Row::*;
use Verdict::{Fine, WorthALook, Wrong};

const ROWS: [(Row, &str, Verdict); 20] = [
    (Episodes, "episodes", Fine),
    (NeverRead, "  not to be known: never read", Fine),
    (Gone, "  not to be told: over before Alertmanager was back", Fine),
    (Joined, "  told with a later one, after Alertmanager was away", WorthALook),
    (Told, "told", Fine),
    (Missed, "not told", Wrong),
    (Twice, "told twice", Wrong),
    (Wrongly, "told wrongly", Wrong),
    (Late, "told late", WorthALook),
    (Ends, "ends", Fine),
    (EndsTold, "ends told", Fine),
    (EndsMissed, "ends not told", Wrong),
    (EndsTwice, "ends told twice", Wrong),
    (EndsLate, "ends told late", WorthALook),
    (ChangesTorn, "changes of status told in two messages", WorthALook),
    (Standing, "standing from the start", Fine),
    (StandingTold, "  told as such", Fine),
    (Stalls, "times the machine was too slow", WorthALook),
    (Messages, "messages, to all receivers", Fine),
    (Unlike, "text unlike the labels", Wrong),
];

/// Everything that was counted, each with its story.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<Row, Vec<String>>);

impl Tally {
    /// Counts one.
    pub fn note(&mut self, row: Row, story: String) {
        self.0.entry(row).or_default().push(story);
    }

    /// How many.
    pub fn number(&self, row: Row) -> usize {
        self.0.get(&row).map_or(0, Vec::len)
    }

    /// All figures, as a table.
    pub fn table(&self) -> String {
        ROWS.iter().map(|(row, text, _)| format!("{text:<54}{:>6}\n", self.number(*row))).collect()
    }

    /// What is wrong on any machine, because it does not depend on time.
    pub fn faults(&self) -> Vec<String> {
        let standing = self.number(Standing) != self.number(StandingTold);
        let standing = standing.then(|| "not all that stand from the start were told".to_owned());
        self.stories(Wrong).into_iter().chain(standing).collect()
    }

    /// Everything else that is worth a look.
    pub fn remarks(&self) -> Vec<String> {
        self.stories(WorthALook)
    }

    fn stories(&self, verdict: Verdict) -> Vec<String> {
        let rows = ROWS.iter().filter(|(_, _, of)| *of == verdict);
        let stories =
            rows.flat_map(|(row, text, _)| self.0.get(row).into_iter().flatten().map(move |one| (text, one)));
        stories.map(|(text, story)| format!("{}: {story}", text.trim_start())).collect()
    }
}
