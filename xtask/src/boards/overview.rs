//! Overview: is anything wrong, who must act, can I trust this page?

use nectar_exporter::failure::Failure;
use nectar_exporter::status::{Category, Kind};
use serde_json::{Map, Value, json};

use super::shared::{self, stat};
use crate::board::Board;
use crate::grid::Grid;
use crate::link::{self, To, from_row};
use crate::panel::Panel;
use crate::promql::companies::{self, FORGOTTEN_DAYS, Of, counts};
use crate::promql::selector::once;
use crate::promql::{exporter, trend, utilities};
use crate::style::{ALARM, ATTENTION, NEUTRAL, Thresholds, Unit};
use crate::table::{Column, table};
use crate::variable::{self, Shown};

const OF: Of = Of::Fleet;

/// Headings of columns to sort by.
const WAITING: &str = "Waiting for";
const AGE: &str = "Data age";
const SEVERITY: &str = "Severity";
/// The width of the longest name of an alert, in pixels.
const ALERT_NAME: usize = 230;

/// What a table of alerts says when there is none.
const NO_ALERT: &str =
    "No alert is firing, or there is no data: this Prometheus may not have the alert rules";

/// The overview.
pub fn board() -> Board {
    let grid = Grid::default()
        .heading("Is anything wrong?")
        .row(7, [firing_by_name(), unread_companies()])
        .row(
            4,
            [
                shared::data_age(OF),
                shared::last_poll(),
                with_change(unread()),
                with_change(suspected()),
                with_change(shared::forgotten(OF)),
                with_change(shared::customers(OF)),
            ],
        )
        .row(
            4,
            [
                shared::connections(OF),
                shared::share_connected(OF),
                shared::waiting(OF),
                shared::website_issues(OF),
                shared::overdue(OF),
                shared::accounts_in_error(OF),
            ]
            .map(with_change),
        )
        .heading("Who must act?")
        .uneven(10, [(14, companies()), (10, utilities())])
        .heading("How did it come to this?")
        .row(
            9,
            [
                shared::in_trouble(Kind::Connection, OF, "category"),
                shared::in_trouble(Kind::Account, OF, "category"),
            ],
        )
        .heading("What is firing?")
        .row(12, [firing()]);
    Board {
        which: To::Overview,
        description: "Is anything wrong, who must act, can I trust this page?",
        from: "now-7d",
        variables: vec![variable::data_source(), variable::job(), variable::instance(Shown::No)],
        annotations: Vec::new(),
        grid,
    }
}

/// Shows beside a number how much it has changed in seven days.
fn with_change(panel: Panel) -> Panel {
    let is_share = panel.unit() == Unit::Share;
    let (name, factor, decimals) = if is_share { ("points in 7 days", 100, 1) } else { ("in 7 days", 1, 0) };
    let change = trend::change_in_a_week(panel.expression(), factor);
    // Grafana has no unit that writes the sign of a rise.
    let look = |query: &str, unit: &str| {
        json!({
            "matcher": {"id": "byFrameRefID", "options": query},
            "properties": [
                {"id": "unit", "value": unit},
                {"id": "decimals", "value": decimals},
                {"id": "thresholds", "value": Thresholds::Neutral.json()},
            ],
        })
    };
    let now = json!({
        "matcher": {"id": "byFrameRefID", "options": "A"},
        "properties": [{"id": "displayName", "value": "now"}],
    });
    panel.ask(name, format!("{change} > 0")).ask(name, format!("{change} <= 0")).overrides([
        now,
        look("B", "prefix:+"),
        look("C", "locale"),
    ])
}

fn unread() -> Panel {
    let description = "Companies that the last poll could not read. They keep their last good data for a while. The list above \
                       says why.";
    stat("Companies unread", description, Unit::Count, Thresholds::AlarmFrom(1.0), companies::unread(OF))
}

fn unread_companies() -> Panel {
    let reasons: Map<String, Value> = Failure::all()
        .map(|failure| {
            (failure.label().to_owned(), json!({"text": shared::headline(failure), "color": NEUTRAL}))
        })
        .collect();
    let company = from_row(To::Company, "Open the company", &[("company", "company_id")]);
    table(
        "Companies that cannot be read",
        "Companies that the last poll could not read, why, and how old their last good data is.",
        "Every company was read, or there is no data: see the data age",
        [AGE],
        vec![
            Column::hidden("company_id"),
            Column::label("company", "Company").link(company),
            Column::label("reason", "Reason").mappings(json!([{"type": "value", "options": reasons}])),
            Column::rows(companies::named(OF, &companies::failures(OF))),
            Column::value(AGE, Unit::Seconds, companies::age_of_unread(OF))
                .without_value("Never read")
                .width(110),
        ],
    )
}

fn suspected() -> Panel {
    let description = "Utilities whose website seems down for everyone: of the connections checked within 72 hours before \
                       they were read, at least three, 80 % or more are down, at two companies or more.";
    let number = utilities::number_suspected();
    stat("Suspected outages", description, Unit::Count, Thresholds::AlarmFrom(1.0), number)
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
        [WAITING],
        vec![
            Column::hidden("company_id"),
            Column::label("company", "Company").link(company),
            Column::plain_status(&[Kind::Connection]),
            Column::value("Connections", Unit::Count, companies::named(OF, &waiting))
                .link(worklist)
                .width(120),
            Column::value(WAITING, Unit::Days, companies::longest_wait(OF))
                .thresholds(Thresholds::AttentionFrom(FORGOTTEN_DAYS))
                .width(120),
        ],
    )
}

fn utilities() -> Panel {
    let provider = from_row(To::Provider, "Open the utility", &[("provider", "datasource")]);
    table(
        "Utilities by share down",
        "Of the connections that were checked within 72 hours before they were read. Few of them say little.",
        "Nothing was checked lately, or there is no data: see the data age",
        ["Down"],
        vec![
            Column::label("datasource", "Utility").link(provider),
            Column::value("Checked lately", Unit::Count, utilities::all_checked_lately()).width(150),
            Column::value("Down", Unit::Share, utilities::all_share_down())
                .thresholds(Thresholds::AttentionThenAlarm(
                    utilities::TROUBLE_SHARE,
                    utilities::SUSPECT_SHARE,
                ))
                .width(90),
        ],
    )
}

/// The rank of an alert's severity, in words.
fn severity(ranks: String) -> Column {
    let looks = [("Other", NEUTRAL), ("Info", NEUTRAL), ("Warning", ATTENTION), ("Critical", ALARM)];
    let words: Map<String, Value> = looks
        .iter()
        .enumerate()
        .map(|(rank, (text, colour))| {
            (rank.to_string(), json!({"text": text, "color": colour, "index": rank}))
        })
        .collect();
    Column::value(SEVERITY, Unit::Word, ranks)
        .mappings(json!([{"type": "value", "options": words}]))
        .width(110)
}

fn firing_by_name() -> Panel {
    table(
        "Firing alerts by name",
        "How many alerts of the shipped rules are firing in this Prometheus, the most severe first. A click on the name opens its \
         board. They are listed below.",
        NO_ALERT,
        [SEVERITY, "Number"],
        vec![
            severity(exporter::firing_ranks()),
            Column::label("alertname", "Alert").link(link::to_board_of_alert(&[])),
            Column::value("Number", Unit::Count, exporter::firing_numbers()).width(90),
            Column::hidden("board"),
        ],
    )
}

fn firing() -> Panel {
    let company = from_row(To::Company, "Open the company", &[("company", "company_id")]);
    let provider = from_row(To::Provider, "Open the utility", &[("provider", "datasource")]);
    let board = link::to_board_of_alert(&[("company", "company_id"), ("provider", "datasource")]);
    let login = from_row(To::Worklist, "Open the login", &[("connection", "connection_id")]);
    table(
        "Firing alerts",
        "Alerts of the shipped rules that are firing in this Prometheus, the most severe first. A click on the alert opens its board, \
         the last column its runbook, if the address of the runbooks was set.",
        NO_ALERT,
        [SEVERITY],
        vec![
            severity(exporter::firing_alerts()),
            Column::label("alertname", "Alert").width(ALERT_NAME).link(board),
            Column::hidden("company_id"),
            Column::label("company", "Company").link(company),
            Column::label("datasource", "Utility").link(provider),
            Column::plain_status(&Kind::ALL).link(login),
            Column::hidden("connection_id"),
            Column::hidden("job"),
            Column::hidden("instance"),
            Column::label("runbook", "Runbook").width(110).link(link::runbook()),
            Column::hidden("nectar_scope"),
            Column::hidden("board"),
        ],
    )
}
