//! The figures of a drill, and what each of them is made of.
//!
//! Knows which of them ought to be none.

use std::collections::BTreeMap;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    Episodes,
    /// No reading of the company fell into it, or none that Prometheus had.
    NeverRead,
    /// Over, and no longer kept firing, before Alertmanager was back.
    Gone,
    /// Without series per connection: a later one of the same status, which is told with the number of all, came before Alertmanager
    /// was back.
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
    /// One reading showed the end of one episode of a login and the next one's beginning.
    ChangesTorn,
    Standing,
    StandingTold,
    /// Rules were not evaluated though nothing was away.
    Stalls,
    Messages,
    Unlike,
}

/// What it says of the product that there are some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Nothing.
    Fine,
    /// Nothing, or that the machine was slow.
    WorthALook,
    /// That it does not hold.
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

/// All that was counted, each with its story.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<Row, Vec<String>>);

impl Tally {
    /// One more.
    pub fn note(&mut self, row: Row, story: String) {
        self.0.entry(row).or_default().push(story);
    }

    /// How many.
    pub fn number(&self, row: Row) -> usize {
        self.0.get(&row).map_or(0, Vec::len)
    }

    /// As a table.
    pub fn table(&self) -> String {
        ROWS.iter().map(|(row, text, _)| format!("{text:<54}{:>6}\n", self.number(*row))).collect()
    }

    /// What is not as it ought to be, whatever the machine: nothing of it is about time.
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
