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
use crate::table::{Column, table};
use crate::variable::{self, Shown};
use crate::view::View;

/// The provider board.
pub fn board() -> Board {
    let grid = Grid::default()
        .heading("One customer's problem, or everyone's?")
        .row(11, [utilities()])
        .uneven(11, [(14, customers()), (10, ages())])
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
        "Down",
        vec![
            Column::label("datasource", "Utility").link(here),
            Column::value("Connections", Unit::Count, utilities::connections(&chosen())),
            Column::value("Companies", Unit::Count, utilities::companies(&chosen())),
            Column::value("Checked lately", Unit::Count, utilities::checked_lately()),
            Column::value("Down", Unit::Share, utilities::share_down())
                .thresholds(Thresholds::AlarmFrom(utilities::SUSPECT_SHARE)),
            Column::value("Needs the customer", Unit::Share, utilities::share_needing_customer(&chosen()))
                .thresholds(Thresholds::AttentionFrom(0.2)),
        ],
    )
}

fn customers() -> Panel {
    let company = from_row(To::Company, "Open the company", &[("company", "company_id")]);
    let number = once(&chosen(), &["datasource", "status"]);
    table(
        "Who has which status there",
        "The connections of each company at the chosen utilities.",
        NO_COMPANY,
        "Connections",
        vec![
            Column::hidden("company_id"),
            Column::label("company", "Company").link(company),
            Column::label("datasource", "Utility"),
            Column::status(Kind::Connection),
            Column::value("Connections", Unit::Count, companies::named(Of::Fleet, &number)).width(110),
        ],
    )
}

fn ages() -> Panel {
    let description = "How long before its company was read each connection at the chosen utilities was last checked. \
                       Checks come weekly; those that wait for a customer are not checked.";
    let nothing = "Unknown: needs series per connection";
    Panel::new(View::Bars, "Age of the last checks", description, Unit::Count, nothing)
        .ask("under 1 day", utilities::checked_between(0, Some(1)))
        .ask("1 to 3 days", utilities::checked_between(1, Some(3)))
        .ask("3 to 7 days", utilities::checked_between(3, Some(7)))
        .ask("7 to 8 days", utilities::checked_between(7, Some(8)))
        .ask("8 days and more", utilities::checked_between(8, None))
        .ask("never", utilities::never_checked())
}

fn over_time() -> Panel {
    let rows = format!("sum by (category) ({})", once(&chosen(), &["datasource", "status", "category"]));
    let description = "Connections at the chosen utilities, by the category of their status.";
    Panel::new(View::Stack, "Connections by category", description, Unit::Count, NO_COMPANY)
        .ask("{{category}}", rows)
        .overrides(statuses::category_overrides(Kind::Connection))
}

fn down_over_time() -> Panel {
    let all = utilities::connections(&chosen());
    let down = utilities::connections(&chosen().any("status", &statuses::down()));
    let description = "Part of all connections whose utility's website does not answer, the ten largest. It counts those \
                       not checked lately too, so it moves slowly.";
    Panel::new(View::Lines, "Share down of all connections", description, Unit::Share, NO_COMPANY)
        .ask("{{datasource}}", format!("topk(10, ({down} or 0 * {all}) / {all})"))
}
