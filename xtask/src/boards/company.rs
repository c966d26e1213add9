//! Company: what do I tell this customer?

use nectar_exporter::status::Kind;

use super::shared;
use crate::board::Board;
use crate::grid::Grid;
use crate::link::{To, from_row};
use crate::panel::Panel;
use crate::promql::companies::{self, Of};
use crate::promql::connections::Connections;
use crate::statuses;
use crate::style::{ALARM, GOOD, Thresholds, Unit, query_colour};
use crate::table::{Column, table};
use crate::variable::{self, Shown};
use crate::view::View;

const OF: Of = Of::Company;

/// What a panel about a company says when it has no data.
const NO_DATA: &str = "No data of this company";

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
        .row(9, [over_time(Kind::Connection), over_time(Kind::Account)])
        .heading("What to ask, and what does each status mean?")
        .row(36, [meanings()]);
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
    Panel::new(View::Name, "Last reading", description, Unit::Word, "Not a company of this API key")
        .ask("Read", companies::was_read(OF))
        .ask("Failed: {{reason}}", companies::failure(OF))
        .overrides([query_colour("A", GOOD), query_colour("B", ALARM)])
}

fn connections() -> Panel {
    let connections = Connections::OfCompany;
    let one = from_row(
        To::Worklist,
        "This connection",
        &[("company", "company_id"), ("connection", "connection_id")],
    );
    let provider = from_row(To::Provider, "Open the utility", &[("provider", "datasource")]);
    table(
        "Its connections",
        "Every connection as of the last reading. Without a next check it waits for the customer, or was never checked.",
        "No connections, or series per connection are not served: see the counts by status",
        "In this status for",
        vec![
            Column::hidden("company_id"),
            Column::label("datasource", "Utility").link(provider),
            Column::label("country", "Country").width(90),
            Column::status(Kind::Connection),
            Column::rows(connections.rows()),
            Column::value("In this status for", Unit::Seconds, connections.in_status_for()),
            Column::value("Checked before the reading", Unit::Seconds, connections.checked_ago()),
            Column::value("Next check due", Unit::Date, connections.check_due()),
            Column::value("Overdue by", Unit::Seconds, connections.overdue_by())
                .thresholds(Thresholds::AttentionFrom(86_400.0)),
            Column::label("connection_id", "Connection").link(one),
        ],
    )
}

fn by_status(kind: Kind) -> Panel {
    let (title, what) = match kind {
        Kind::Connection => ("Connections by status", "connections"),
        Kind::Account => ("Accounts by status", "accounts"),
    };
    let description = format!("How many {what} are in which status, and for how long the longest of them.");
    let longest = companies::longest_in_status(kind, OF);
    table(
        title,
        &description,
        NO_DATA,
        "Number",
        vec![
            Column::status(kind),
            Column::value("Number", Unit::Count, format!("{} > 0", companies::number_by(kind, OF, "status"))),
            Column::value("The longest for", Unit::Seconds, format!("max by (status) ({longest})")),
        ],
    )
}

fn over_time(kind: Kind) -> Panel {
    let (title, what) = match kind {
        Kind::Connection => ("Connections over time", "connections"),
        Kind::Account => ("Accounts over time", "accounts"),
    };
    let description = format!("This company's {what} by status. Shades of one colour are of one category.");
    Panel::new(View::Stack, title, &description, Unit::Count, NO_DATA)
        .ask("{{status}}", companies::number_by(kind, OF, "status"))
        .overrides(statuses::series_overrides(kind))
}

fn meanings() -> Panel {
    let view = View::Text(statuses::page());
    let description = "What to ask can be forwarded to the customer as it is. From Nectar's pages on statuses and on reconnecting.";
    Panel::new(view, "Statuses", description, Unit::Word, "")
}
