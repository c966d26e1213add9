//! Trend: is it getting better?

use serde_json::{Value, json};

use super::shared::NO_COMPANY;
use crate::board::Board;
use crate::grid::Grid;
use crate::link::{To, from_row};
use crate::panel::{NO_DATA, Panel};
use crate::promql::companies::{self, Of};
use crate::promql::trend;
use crate::style::{ATTENTION, NEUTRAL, Thresholds, Unit, series};
use crate::table::{Column, table};
use crate::variable::{self, Shown};
use crate::view::View;

/// What is said where nothing was counted yet.
const NOBODY: &str = "No login needed its customer in these four weeks, or there is no data";
const LONGEST: &str = "Longest wait now";
const MEAN: &str = "Mean days to mend";
const BROKEN: &str = "Of 100 in 30 days";

/// The trend board.
pub fn board() -> Board {
    let grid = Grid::default()
        .heading("Is it getting better?")
        .row(
            4,
            [broken(), mended(), to_mend("Half were mended within", 0.5), to_mend("Nine of ten within", 0.9)],
        )
        .row(9, [per_week(), time_to_mend()])
        .row(9, [connected(), checked()])
        .heading("Where to help first?")
        .uneven(11, [(13, customers()), (11, utilities())]);
    Board {
        which: To::Trend,
        description: "Is it getting better?",
        from: "now-28d",
        variables: vec![variable::data_source(), variable::job(), variable::instance(Shown::No)],
        annotations: Vec::new(),
        grid,
    }
}

/// A number, and what it was over an equal time before: nothing where the exporter was not there for all of that time.
fn beside(title: &str, description: &str, unit: Unit, ask: impl Fn(&str) -> String, ago: [&str; 3]) -> Panel {
    let [name, offset, start] = ago;
    let before = trend::if_seen_since(start, &ask(offset));
    Panel::new(View::Stat, title, description, unit, NO_DATA)
        .thresholds(Thresholds::Neutral)
        .ask("now", trend::while_served(&ask("")))
        .ask(name, trend::while_served(&before))
}

/// What it is called, how long ago it ended, and how long ago it began.
const WEEK: [&str; 3] = ["a week before", "7d", "14d"];
const FOUR_WEEKS: [&str; 3] = ["four weeks before", "28d", "56d"];

fn broken() -> Panel {
    let description = "How often a login came to need its customer within seven days, and in the seven days before. One that goes from one \
                       such status to another counts again. Prometheus must keep 15 days.";
    beside("New in a week", description, Unit::Count, trend::broken_in_a_week, WEEK)
}

fn mended() -> Panel {
    let description = "How often a login left a status in which it needed its customer within seven days, and in the seven days before. One \
                       that goes from one such status to another counts, too. Prometheus must keep 15 days.";
    beside("Mended in a week", description, Unit::Count, trend::mended_in_a_week, WEEK)
}

fn to_mend(title: &str, share: f64) -> Panel {
    let description = "How long a login was in a status in which it needs its customer, for those left within four weeks, and in the four \
                       weeks before: from the time at which Nectar first saw that status to the time at which it first saw the next one. \
                       Estimated from ranges of days. Prometheus must keep 57 days for what was before.";
    let none =
        json!({"type": "value", "options": {"-1": {"text": "None mended", "color": NEUTRAL, "index": 0}}});
    let ask = |offset: &str| trend::time_to_mend_or_none(share, offset);
    beside(title, description, Unit::Days, ask, FOUR_WEEKS).mapping(none)
}

/// An override: a line of how it was before is dashed, and in the same colour as the line of now.
fn before(name: &str, colour: &str) -> Value {
    let mut line = series(name, name, colour);
    if let Some(properties) = line.get_mut("properties").and_then(Value::as_array_mut) {
        properties.push(json!({"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [6, 6]}}));
    }
    line
}

fn per_week() -> Panel {
    let description = "How often a login came into a status in which it needs its customer, and how often one left it, each in the seven \
                       days before. What comes and goes between two polls is not seen.";
    Panel::new(View::Lines, "New and mended in a week", description, Unit::Count, NO_COMPANY)
        .ask("new", trend::broken_in_a_week(""))
        .ask("mended", trend::mended_in_a_week(""))
        .overrides([series("new", "new", ATTENTION), series("mended", "mended", "blue")])
}

fn time_to_mend() -> Panel {
    let description = "How long logins were in a status in which they need their customer, for those left in the four weeks before, and in the \
                       four weeks before those. Prometheus must keep 84 days for all of it.";
    Panel::new(View::Lines, "Days to mend", description, Unit::Days, NOBODY)
        .ask("half", trend::time_to_mend(0.5, ""))
        .ask("nine of ten", trend::time_to_mend(0.9, ""))
        .ask("half, four weeks before", trend::time_to_mend(0.5, "28d"))
        .ask("nine of ten, four weeks before", trend::time_to_mend(0.9, "28d"))
        .overrides([series("half", "half", "blue"), before("half, four weeks before", "blue")])
        .overrides([
            series("nine of ten", "nine of ten", "purple"),
            before("nine of ten, four weeks before", "purple"),
        ])
}

fn share(title: &str, description: &str, expression: &str) -> Panel {
    // From 0 on, what matters would be a flat line.
    let from_three_quarters = json!({
        "matcher": {"id": "byRegexp", "options": "/.*/"},
        "properties": [{"id": "custom.axisSoftMin", "value": 0.75}, {"id": "custom.axisSoftMax", "value": 1}],
    });
    Panel::new(View::Lines, title, description, Unit::Share, NO_COMPANY)
        .ask("now", expression.to_owned())
        .ask("a week before", trend::a_week_before(expression))
        .overrides([series("now", "now", "blue"), before("a week before", "blue"), from_three_quarters])
}

fn connected() -> Panel {
    let description = "Part of the logins that are connected, and the same a week before. Those of deactivated companies do not count.";
    share("Logins connected", description, &companies::share_connected(Of::Fleet))
}

fn checked() -> Panel {
    let description = "Of the logins that Nectar checks by itself, the part that was checked within 7 days (or the interval that the exporter \
                       was given), and the same a week before.";
    share("Checked within 7 days", description, &trend::share_checked())
}

fn customers() -> Panel {
    let company = from_row(To::Company, "Open the company", &[("company", "company_id")]);
    let worklist = from_row(To::Worklist, "Its logins", &[("company", "company_id")]);
    table(
        "Customers whose logins wait longest and break most often",
        "For how long the oldest login has needed its customer, how many need it now, how often one was mended within four weeks, and how \
         long that took on average.",
        NOBODY,
        [LONGEST, MEAN],
        vec![
            Column::hidden("company_id"),
            Column::label("company", "Company").link(company),
            Column::value(LONGEST, Unit::Days, trend::longest_wait_by_company()),
            Column::value("Needed now", Unit::Count, trend::waiting_by_company()).link(worklist),
            Column::value("Mended", Unit::Count, trend::mended_by_company()),
            Column::value(MEAN, Unit::Days, trend::mean_time_to_mend_by_company()),
        ],
    )
}

fn utilities() -> Panel {
    let provider = from_row(To::Provider, "Open the utility", &[("provider", "datasource")]);
    table(
        "Utilities that break most",
        "How often a login of the utility came to need its customer, or had an issue with the website, of 100 logins within 30 days; with \
         less history, at the rate of the days that there are. What lasts less than a day is not always seen. Needs series per connection.",
        NO_COMPANY,
        [BROKEN],
        vec![
            Column::label("datasource", "Utility").link(provider),
            Column::value(BROKEN, Unit::Count, trend::broken_in_a_month()),
            Column::value("Logins", Unit::Count, trend::logins()),
        ],
    )
}
