//! Worklist: which logins, since when, which first?

use nectar_exporter::status::{Category, Kind};

use super::shared;
use crate::board::Board;
use crate::grid::Grid;
use crate::link::{To, from_row, from_row_keeping};
use crate::panel::Panel;
use crate::promql::companies::{self, Of};
use crate::promql::connections::{self, Connections};
use crate::statuses;
use crate::style::{Thresholds, Unit};
use crate::table::{Column, table};
use crate::variable::{self, Shown};
use crate::view::View;

const OF: Of = Of::Companies;

/// A customer who has not acted for 14 days has probably forgotten it.
const FORGOTTEN_SECONDS: f64 = 14.0 * 86_400.0;

/// What a panel about one connection says when it has none.
const CHOOSE: &str = "Choose a connection in the table above";

/// The worklist.
pub fn board() -> Board {
    let grid = Grid::default()
        .heading("How much is there to do?")
        .row(4, [shared::waiting(OF), customers(), longest(), listed()])
        .heading("Which first?")
        .row(14, [logins()])
        .heading("One connection: choose it in the table above")
        .row(5, [connection()])
        .row(8, [states(), accounts()]);
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

fn customers() -> Panel {
    let description = "Companies with at least one connection that waits for them.";
    let number = companies::companies_with(OF, Category::InterventionNeeded);
    shared::stat("Customers who must act", description, Unit::Count, Thresholds::AttentionFrom(1.0), number)
}

fn longest() -> Panel {
    let description = "How long the customer who has waited longest has not acted. Orange from 14 days.";
    let longest = format!("max({})", companies::longest_wait(OF));
    Panel::new(View::Stat, "Longest wait", description, Unit::Seconds, "Nobody waits, or no data")
        .thresholds(Thresholds::AttentionFrom(FORGOTTEN_SECONDS))
        .ask("Longest wait", longest)
}

fn listed() -> Panel {
    let description = "How many of them the table below can name, of the chosen utilities. 'Unknown' means that the exporter \
                       serves no series per connection (--metrics.detail, --metrics.detail-limit).";
    let rows = format!("count({})", Connections::Waiting.rows());
    Panel::new(View::Stat, "Listed below", description, Unit::Count, "Unknown: needs series per connection")
        .ask("Listed below", crate::promql::utilities::or_zero_with_detail(&rows))
}

fn logins() -> Panel {
    let connections = Connections::Waiting;
    let company = from_row(To::Company, "Open the company", &[("company", "company_id")]);
    let provider = from_row(To::Provider, "Open the utility", &[("provider", "datasource")]);
    let chosen = [("connection", "connection_id")];
    let one = from_row_keeping(To::Worklist, "Show it below", &chosen, &["company", "provider"]);
    table(
        "Logins that wait for their customer",
        "The longest wait first. A click on the connection shows its history below.",
        "Nobody has to act, or series per connection are not served: see the numbers above",
        "Waiting for",
        vec![
            Column::hidden("company_id"),
            Column::label("company", "Company").link(company),
            Column::label("datasource", "Utility").link(provider),
            Column::label("country", "Country").width(90),
            Column::status(Kind::Connection),
            Column::rows(companies::named(OF, &connections.rows())),
            Column::value("Waiting for", Unit::Seconds, connections.in_status_for())
                .thresholds(Thresholds::AttentionFrom(FORGOTTEN_SECONDS)),
            Column::value("Checked before the reading", Unit::Seconds, connections.checked_ago()),
            Column::label("connection_id", "Connection").link(one),
        ],
    )
}

fn connection() -> Panel {
    let connections = Connections::One;
    let company = from_row(To::Company, "Open the company", &[("company", "company_id")]);
    table(
        "The connection",
        "As of the last reading.",
        CHOOSE,
        "Company",
        vec![
            Column::hidden("company_id"),
            Column::label("company", "Company").link(company),
            Column::label("datasource", "Utility"),
            Column::label("country", "Country"),
            Column::status(Kind::Connection),
            Column::rows(companies::named(Of::Fleet, &connections.rows())),
            Column::value("In this status for", Unit::Seconds, connections.in_status_for()),
            Column::value("Checked before the reading", Unit::Seconds, connections.checked_ago()),
            Column::value("Next check due", Unit::Date, connections.check_due()),
            Column::label("connection_id", "Connection"),
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
        "The accounts behind the connection. Only with --metrics.detail=accounts.",
        "No connection is chosen, or series per account are not served",
        "In this status for",
        vec![
            Column::hidden("company_id"),
            Column::label("account_id", "Account"),
            Column::status(Kind::Account),
            Column::rows(connections::accounts()),
            Column::value("In this status for", Unit::Seconds, connections::accounts_in_status_for()),
            Column::value("Checked before the reading", Unit::Seconds, connections::accounts_checked_ago()),
        ],
    )
}
