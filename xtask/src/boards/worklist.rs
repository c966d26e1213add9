//! Worklist: which logins, since when, which first?

use nectar_exporter::status::Kind;
use serde_json::json;

use super::shared;
use crate::board::Board;
use crate::grid::Grid;
use crate::link::{self, To, from_row, from_row_keeping};
use crate::panel::Panel;
use crate::promql::companies::{self, FORGOTTEN_DAYS, Of};
use crate::promql::connections::{self, Connections};
use crate::statuses;
use crate::style::{NEUTRAL, Thresholds, Unit};
use crate::table::{Column, UUID, WHO_ACTS, table};
use crate::variable::{self, Shown};
use crate::view::View;

const OF: Of = Of::Companies;

/// What a panel about one connection says when it has none.
const CHOOSE: &str = "No connection is chosen in the table above, or there is no data of it";

/// Headings of columns to sort by.
const WAITING: &str = "Waiting for";
const IN_STATUS: &str = "In status for";

/// The worklist.
pub fn board() -> Board {
    let grid = Grid::default()
        .heading("How much is there to do?")
        .row(4, [shared::waiting(OF), shared::customers(OF), longest(), listed()])
        .heading("Which first?")
        .row(14, [logins()])
        .heading("One connection: choose it in the table above")
        .row(5, [connection()])
        .row(5, [states()])
        .row(7, [accounts()]);
    Board {
        which: To::Worklist,
        description: "Which logins, since when, which first?",
        from: "now-30d",
        variables: vec![
            variable::data_source(),
            variable::job(),
            variable::instance(Shown::No),
            variable::companies(),
            variable::provider(),
            variable::connection(),
        ],
        annotations: Vec::new(),
        grid,
    }
}

fn longest() -> Panel {
    let description =
        "For how long the login that waits longest has needed its customer. Orange from 14 days.";
    let longest = companies::longest_wait_of_all(OF);
    shared::stat("Longest wait", description, Unit::Days, Thresholds::AttentionFrom(FORGOTTEN_DAYS), longest)
}

fn listed() -> Panel {
    let description = "How many of them the table below can name, of the chosen utilities. None if whoever runs the \
                       exporter has switched off the details of single logins, or there are more than it is set to show.";
    let rows = format!("count({})", Connections::Waiting.rows());
    let unknown = json!({"type": "value", "options": {"-1": {"text": "No names served", "color": NEUTRAL, "index": 0}}});
    let number = companies::or_less_than_zero(OF, &crate::promql::utilities::or_zero_with_detail(&rows));
    shared::stat("Listed below", description, Unit::Count, Thresholds::Neutral, number).mapping(unknown)
}

fn logins() -> Panel {
    let connections = Connections::Waiting;
    let company = from_row(To::Company, "Open the company", &[("company", "company_id")]);
    let provider = from_row(To::Provider, "Open the utility", &[("provider", "datasource")]);
    let chosen = [("connection", "connection_id")];
    let one = from_row_keeping(To::Worklist, "Show it below", &chosen, &["company", "provider"]);
    table(
        "Logins that wait for their customer",
        "The longest wait first. A click on the status shows its history below; one on the connection opens it in Nectar, where its \
         company must be selected before.",
        "Nobody has to act, or there is no data on each login: see the numbers above",
        [WAITING],
        vec![
            Column::hidden("company_id"),
            Column::label("company", "Company").link(company),
            Column::label("datasource", "Utility").link(provider),
            Column::label("country", "Country").width(90),
            Column::plain_status(&[Kind::Connection]).link(one),
            Column::rows(companies::named(OF, &connections.rows())),
            Column::value(WAITING, Unit::Days, connections.in_status_for())
                .thresholds(Thresholds::AttentionFrom(FORGOTTEN_DAYS))
                .width(120),
            Column::label("connection_id", "Connection").width(UUID).link(link::at_nectar()),
        ],
    )
}

fn connection() -> Panel {
    let connections = Connections::One;
    let company = from_row(To::Company, "Open the company", &[("company", "company_id")]);
    table(
        "The connection",
        "As of the last reading. Days until the next check are negative where it is late, and empty where it waits for the \
         customer or was never checked.",
        CHOOSE,
        ["Company"],
        vec![
            Column::hidden("company_id"),
            Column::label("company", "Company").link(company),
            Column::label("datasource", "Utility"),
            Column::hidden("country"),
            Column::status(Kind::Connection),
            Column::rows(companies::named(Of::Fleet, &connections.rows())),
            Column::value(IN_STATUS, Unit::Days, connections.in_status_for()),
            Column::value("Last check", Unit::DaysAgo, connections.checked_ago()),
            Column::value("Next check", Unit::Days, connections.next_check_in()),
            Column::label("connection_id", "Connection").width(UUID).link(link::at_nectar()),
        ],
    )
}

fn states() -> Panel {
    let description = "Which status the connection was in, as far as this Prometheus remembers. A gap is time without data.";
    Panel::new(View::States, "Its status over time", description, Unit::Word, CHOOSE)
        .ask("{{status}}", Connections::One.states())
        .overrides(statuses::series_overrides(Kind::Connection))
}

fn accounts() -> Panel {
    table(
        "Its accounts",
        "The accounts behind the connection. Only if whoever runs the exporter has switched on the details of accounts.",
        "No connection is chosen, or there is no data of its accounts",
        [WHO_ACTS, IN_STATUS],
        vec![
            Column::hidden("company_id"),
            Column::label("account_id", "Account"),
            Column::status(Kind::Account),
            Column::rows(connections::accounts()),
            Column::value(IN_STATUS, Unit::Days, connections::accounts_in_status_for()),
            Column::value("Last check", Unit::DaysAgo, connections::accounts_checked_ago()),
            Column::who_acts(connections::accounts_who_acts()),
        ],
    )
}
