//! Company: what do I tell this customer?

use nectar_exporter::status::Kind;

use super::shared;
use crate::board::Board;
use crate::grid::Grid;
use crate::link::{self, To, from_row};
use crate::panel::{NO_DATA, Panel};
use crate::promql::companies::{self, Of, counts};
use crate::promql::connections::Connections;
use crate::statuses;
use crate::style::{NEUTRAL, Thresholds, Unit, words};
use crate::table::{Column, UUID, WHO_ACTS, table};
use crate::variable::{self, Shown};
use crate::view::View;

const OF: Of = Of::Company;

/// The heading of the column with the time in a status.
const IN_STATUS: &str = "In status for";
/// What a table about a company says when it has no data.
const NO_COMPANY_DATA: &str = "No data of this company";

/// The company board.
pub fn board() -> Board {
    let grid = Grid::default()
        .heading("How is this customer?")
        .row(4, [shared::data_age(OF), last_reading(), shared::connections(OF), shared::share_connected(OF)])
        .row(
            4,
            [
                shared::waiting(OF),
                shared::website_issues(OF),
                shared::overdue(OF),
                shared::accounts_in_error(OF),
            ],
        )
        .heading("What do I tell them?")
        .row(11, [connections()])
        .row(9, [by_status(Kind::Connection), by_status(Kind::Account)])
        .heading("How did it come to this?")
        .row(
            9,
            [
                shared::in_trouble(Kind::Connection, OF, "status"),
                shared::in_trouble(Kind::Account, OF, "status"),
            ],
        )
        .heading("What to ask, and what does each status mean?")
        .row(45, [meanings()]);
    Board {
        which: To::Company,
        description: "What do I tell this customer?",
        from: "now-30d",
        variables: vec![
            variable::data_source(),
            variable::job(),
            variable::instance(Shown::No),
            variable::company(),
        ],
        annotations: Vec::new(),
        grid,
    }
}

fn last_reading() -> Panel {
    let description = "Whether the last poll could read this company, and if not, why.";
    Panel::new(View::Stat, "Last reading", description, Unit::Word, NO_DATA)
        .ask("Read", companies::was_read(OF))
        .ask("{{reason}}", companies::failures(OF))
        .overrides([words("Read", "Read", NEUTRAL)])
        .overrides(shared::failures())
}

fn connections() -> Panel {
    let connections = Connections::OfCompany;
    let one =
        from_row(To::Worklist, "Its history", &[("company", "company_id"), ("connection", "connection_id")]);
    let provider = from_row(To::Provider, "Open the utility", &[("provider", "datasource")]);
    table(
        "Its connections",
        "Every connection as of the last reading; what needs somebody comes first. A click on the time in its status shows its \
         history; one on the connection opens it in Nectar, where this company must be selected before. Days until the next check are \
         negative where it is late, and empty where it waits for the customer or was never checked.",
        "No connections, or there is no data on each of them: see the counts by status",
        [WHO_ACTS, IN_STATUS],
        vec![
            Column::hidden("company_id"),
            Column::label("datasource", "Utility").link(provider),
            Column::hidden("country"),
            Column::status(Kind::Connection),
            Column::rows(connections.rows()),
            Column::who_acts(connections.who_acts()),
            Column::value(IN_STATUS, Unit::Days, connections.in_status_for()).link(one),
            Column::value("Last check", Unit::DaysAgo, connections.checked_ago()),
            // A check often comes some hours late.
            Column::value("Next check", Unit::Days, connections.next_check_in())
                .thresholds(Thresholds::AttentionBelow(-1.0)),
            Column::label("connection_id", "Connection").width(UUID).link(link::at_nectar()),
        ],
    )
}

fn by_status(kind: Kind) -> Panel {
    let (title, what) = match kind {
        Kind::Connection => ("Connections by status", "connections"),
        Kind::Account => ("Accounts by status", "accounts"),
    };
    let description = format!(
        "How many {what} are in which status, and for how long the longest of them. What needs somebody comes first."
    );
    let longest = companies::longest_in_status(kind, OF);
    let ranks = companies::who_acts(kind, &counts(kind, OF), &["status"]);
    table(
        title,
        &description,
        NO_COMPANY_DATA,
        [WHO_ACTS, "Number"],
        vec![
            Column::status(kind).sharing(),
            Column::value("Number", Unit::Count, companies::number_by_status(kind, OF)),
            Column::value("Longest", Unit::Days, format!("max by (status) ({longest})")),
            Column::who_acts(format!("max by (status) ({ranks})")),
        ],
    )
}

fn meanings() -> Panel {
    let view = View::Text(statuses::page());
    let description = "What to ask can be forwarded to the customer as it is. From Nectar's pages on statuses and on reconnecting.";
    Panel::new(view, "Statuses", description, Unit::Word, "")
}
