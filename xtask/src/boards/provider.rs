//! Provider: one customer's problem, or everyone's?

use nectar_exporter::status::Kind;

use super::shared::NO_COMPANY;
use crate::board::Board;
use crate::grid::Grid;
use crate::link::{To, from_row};
use crate::panel::Panel;
use crate::promql::companies::{self, Of};
use crate::promql::selector::once;
use crate::promql::utilities::{self, chosen};
use crate::statuses;
use crate::style::{Thresholds, Unit};
use crate::table::{Column, WHO_ACTS, table};
use crate::variable::{self, Shown};
use crate::view::View;

/// The provider board.
pub fn board() -> Board {
    let grid = Grid::default()
        .heading("One customer's problem, or everyone's?")
        .uneven(11, [(15, utilities()), (9, ages())])
        .row(11, [customers()])
        .heading("How did it come to this?")
        .row(9, [over_time(), down_over_time()]);
    Board {
        which: To::Provider,
        description: "One customer's problem, or everyone's?",
        from: "now-30d",
        variables: vec![
            variable::data_source(),
            variable::job(),
            variable::instance(Shown::No),
            variable::provider(),
        ],
        annotations: Vec::new(),
        grid,
    }
}

fn utilities() -> Panel {
    let here = from_row(To::Provider, "Only this one", &[("provider", "datasource")]);
    table(
        "Utilities",
        "A utility that is down for everyone has a high share down over several companies. The share is of the connections \
         that were checked within 72 hours before they were read.",
        NO_COMPANY,
        ["Down"],
        vec![
            Column::label("datasource", "Utility").link(here),
            Column::value("Connections", Unit::Count, utilities::connections(&chosen())),
            Column::value("Companies", Unit::Count, utilities::companies(&chosen())),
            Column::value("Checked lately", Unit::Count, utilities::checked_lately()),
            Column::value("Down", Unit::Share, utilities::share_down()).thresholds(
                Thresholds::AttentionThenAlarm(utilities::TROUBLE_SHARE, utilities::SUSPECT_SHARE),
            ),
            Column::value("Needs the customer", Unit::Share, utilities::share_needing_customer(&chosen()))
                .thresholds(Thresholds::AttentionFrom(utilities::TROUBLE_SHARE)),
        ],
    )
}

fn customers() -> Panel {
    let company = from_row(To::Company, "Open the company", &[("company", "company_id")]);
    let labels = ["datasource", "status"];
    table(
        "Who has which status there",
        "The connections of each company at the chosen utilities. What needs somebody comes first.",
        NO_COMPANY,
        [WHO_ACTS, "Connections"],
        vec![
            Column::hidden("company_id"),
            Column::label("company", "Company").link(company),
            Column::label("datasource", "Utility"),
            Column::status(Kind::Connection),
            Column::value("Connections", Unit::Count, companies::named(Of::Fleet, &once(&chosen(), &labels)))
                .width(120),
            Column::who_acts(companies::who_acts(Kind::Connection, &chosen(), &labels)),
        ],
    )
}

fn ages() -> Panel {
    let description = "How long before its company was read each connection at the chosen utilities was last checked. \
                       Checks come weekly; those that wait for a customer are not checked.";
    let nothing = "No data, or series per connection are not served";
    Panel::new(View::Bars, "Age of the last checks", description, Unit::Count, nothing)
        .ask("under 1 day", utilities::checked_between(0, Some(1)))
        .ask("1 to 3 days", utilities::checked_between(1, Some(3)))
        .ask("3 to 7 days", utilities::checked_between(3, Some(7)))
        .ask("7 to 8 days", utilities::checked_between(7, Some(8)))
        .ask("8 days and more", utilities::checked_between(8, None))
        .ask("never", utilities::never_checked())
}

fn over_time() -> Panel {
    let troubled = chosen().none("category", &statuses::calm(Kind::Connection));
    let rows = format!("sum by (category) ({}) > 0", once(&troubled, &["datasource", "status", "category"]));
    let description =
        "Connections at the chosen utilities that do not work, by the category of their status.";
    Panel::new(
        View::Stack,
        "Connections in trouble",
        description,
        Unit::Count,
        "Nothing is in trouble, or there is no data",
    )
    .ask("{{category}}", rows)
    .overrides(statuses::category_overrides(Kind::Connection))
}

fn down_over_time() -> Panel {
    let description = "Utilities of whose connections over 20 % are down, with the part that is. It counts those not checked \
                       lately too, so it moves slowly.";
    let nothing = "No utility has over 20 % down, or there is no data";
    Panel::new(View::Lines, "Share down of all connections", description, Unit::Share, nothing)
        .ask("{{datasource}}", utilities::large_share_down_of_all())
}
