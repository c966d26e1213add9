//! Overview: is anything wrong, who must act, can I trust this page?

use nectar_exporter::status::{Category, Kind};
use serde_json::json;

use super::shared::{self, stat};
use crate::board::Board;
use crate::grid::Grid;
use crate::link::{To, from_row};
use crate::panel::Panel;
use crate::promql::companies::{self, Of, counts};
use crate::promql::selector::once;
use crate::promql::{exporter, utilities};
use crate::style::{ALARM, ATTENTION, NEUTRAL, Thresholds, Unit};
use crate::table::{Column, table};
use crate::variable::{self, Shown};

const OF: Of = Of::Fleet;

/// The overview.
pub fn board() -> Board {
    let grid = Grid::default()
        .heading("Is anything wrong?")
        .row(
            4,
            [
                shared::data_age(OF),
                unread(),
                shared::connections(OF),
                shared::share_connected(OF),
                customers(),
            ],
        )
        .row(
            4,
            [
                shared::waiting(OF),
                shared::website_issues(OF),
                suspected(),
                shared::overdue(OF),
                shared::accounts_in_error(OF),
            ],
        )
        .heading("Who must act?")
        .uneven(10, [(14, companies()), (10, utilities())])
        .heading("How did it come to this?")
        .row(9, [shared::by_category(Kind::Connection, OF), shared::by_category(Kind::Account, OF)])
        .heading("What is firing?")
        .row(8, [firing()]);
    Board {
        which: To::Overview,
        description: "Is anything wrong, who must act, can I trust this page?",
        from: "now-7d",
        variables: vec![variable::data_source(), variable::job(), variable::instance(Shown::No)],
        annotations: Vec::new(),
        grid,
    }
}

fn unread() -> Panel {
    let description = "Companies that the last poll could not read. They keep their last good data for a while. Why: \
                       see the company's page.";
    stat("Companies unreadable", description, Unit::Count, Thresholds::AlarmFrom(1.0), companies::unread(OF))
}

fn customers() -> Panel {
    let description = "Companies with at least one connection that waits for them.";
    let number = companies::companies_with(OF, Category::InterventionNeeded);
    stat("Customers who must act", description, Unit::Count, Thresholds::AttentionFrom(1.0), number)
}

fn suspected() -> Panel {
    let description = "Utilities whose website seems down for everyone: of the connections checked within 72 hours before \
                       they were read, at least three, 80 % or more are down, at two companies or more.";
    let number = utilities::number_suspected();
    stat("Utilities suspected down", description, Unit::Count, Thresholds::AlarmFrom(1.0), number)
}

fn companies() -> Panel {
    let waiting = counts(Kind::Connection, OF).category(Category::InterventionNeeded);
    let waiting = format!("{} > 0", once(&waiting, &["status"]));
    let company = from_row(To::Company, "Open the company", &[("company", "company_id")]);
    let worklist = from_row(To::Worklist, "Its logins", &[("company", "company_id")]);
    table(
        "Companies that need to act",
        "By status, the longest wait first. A click on the name opens the company, on the number its logins.",
        "Nobody has to act, or there is no data: see the data age",
        "Waiting for",
        vec![
            Column::hidden("company_id"),
            Column::label("company", "Company").link(company),
            Column::status(Kind::Connection),
            Column::value("Connections", Unit::Count, companies::named(OF, &waiting))
                .link(worklist)
                .width(110),
            Column::value("Waiting for", Unit::Seconds, companies::longest_wait(OF)).width(130),
        ],
    )
}

fn utilities() -> Panel {
    let provider = from_row(To::Provider, "Open the utility", &[("provider", "datasource")]);
    table(
        "Utilities by share down",
        "Of the connections that were checked within 72 hours before they were read. Few of them say little.",
        "Nothing was checked lately, or series per connection are not served",
        "Down",
        vec![
            Column::label("datasource", "Utility").link(provider),
            Column::value("Checked lately", Unit::Count, utilities::all_checked_lately()).width(120),
            Column::value("Down", Unit::Share, utilities::all_share_down())
                .thresholds(Thresholds::AlarmFrom(utilities::SUSPECT_SHARE))
                .width(90),
        ],
    )
}

fn firing() -> Panel {
    let severities = json!([{"type": "value", "options": {
        "critical": {"color": ALARM, "index": 0},
        "warning": {"color": ATTENTION, "index": 1},
        "info": {"color": NEUTRAL, "index": 2},
    }}]);
    let company = from_row(To::Company, "Open the company", &[("company", "company_id")]);
    let provider = from_row(To::Provider, "Open the utility", &[("provider", "datasource")]);
    table(
        "Firing alerts",
        "Alerts of the shipped rules that are firing in this Prometheus. An alert about a company leads to it.",
        "No alert is firing, or the alert rules are not installed in this Prometheus",
        "Severity",
        vec![
            Column::label("severity", "Severity").mappings(severities).width(110),
            Column::label("alertname", "Alert"),
            Column::hidden("company_id"),
            Column::label("company", "Company").link(company),
            Column::label("datasource", "Utility").link(provider),
            Column::status(Kind::Connection),
            Column::rows(exporter::firing_alerts()),
        ],
    )
}
