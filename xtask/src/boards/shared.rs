//! Panels that are on more than one board.

use nectar_exporter::status::{Category, Kind};

use crate::panel::Panel;
use crate::promql::companies::{self, Of};
use crate::promql::exporter;
use crate::statuses;
use crate::style::{ALARM, GOOD, Thresholds, Unit, query_colour};
use crate::view::View;

/// What a panel says when it has no data.
pub const NO_DATA: &str = "No data";
/// What a panel about several companies says when there is none.
pub const NO_COMPANY: &str = "No data: the exporter does not answer, or serves no company yet";

/// A panel with one number.
pub fn stat(title: &str, description: &str, unit: Unit, thresholds: Thresholds, expression: String) -> Panel {
    Panel::new(View::Stat, title, description, unit, NO_DATA).thresholds(thresholds).ask(title, expression)
}

/// How old the newest data is: green, and red once it is outdated.
pub fn data_age(of: Of) -> Panel {
    let whose = if of == Of::Fleet { "any company" } else { "this company" };
    let description = format!(
        "Time since the newest reading of {whose}. Red when the exporter has missed {} polls: \
         what this page shows is then not to be trusted.",
        exporter::MISSED_POLLS
    );
    Panel::new(View::Stat, "Data age", &description, Unit::Seconds, "Never read")
        .ask("Fresh", exporter::fresh_data_age(of))
        .ask("Too old", exporter::stale_data_age(of))
        .overrides([query_colour("A", GOOD), query_colour("B", ALARM)])
}

/// How many connections there are.
pub fn connections(of: Of) -> Panel {
    let description = "All connections: logins at utilities' websites.";
    stat(
        "Connections",
        description,
        Unit::Count,
        Thresholds::Neutral,
        companies::number(Kind::Connection, of),
    )
}

/// The share of connections that are connected.
pub fn share_connected(of: Of) -> Panel {
    let description =
        "Part of the connections that are connected. Those of deactivated companies do not count.";
    Panel::new(View::Stat, "Connected", description, Unit::Share, "No connections")
        .thresholds(Thresholds::GoodFrom(0.9))
        .ask("Connected", companies::share_connected(of))
}

/// How many connections wait for their customer.
pub fn waiting(of: Of) -> Panel {
    let description = "Connections that Nectar cannot use before the customer acts: a new password, a code, more credentials.";
    let number = companies::number_in(Kind::Connection, of, Category::InterventionNeeded);
    stat("Waiting for the customer", description, Unit::Count, Thresholds::AttentionFrom(1.0), number)
}

/// How many connections fail because of a utility's website.
pub fn website_issues(of: Of) -> Panel {
    let description =
        "Connections whose utility's website is the problem. Most clear by themselves at a later check.";
    let number = companies::number_in(Kind::Connection, of, Category::WebsiteIssue);
    stat("Website issues", description, Unit::Count, Thresholds::AttentionFrom(1.0), number)
}

/// How many connections are overdue for a check.
pub fn overdue(of: Of) -> Panel {
    let description = "Connections whose weekly check was due when they were read. A check often comes some hours late. \
                       Those of deactivated companies do not count.";
    stat(
        "Overdue for a check",
        description,
        Unit::Count,
        Thresholds::AttentionFrom(1.0),
        companies::overdue(of),
    )
}

/// How many accounts are in error.
pub fn accounts_in_error(of: Of) -> Panel {
    let description =
        "Accounts in an error status. Connections that wait for their customers bring theirs along.";
    let number = companies::number_in(Kind::Account, of, Category::Error);
    stat("Accounts in error", description, Unit::Count, Thresholds::AttentionFrom(1.0), number)
}

/// Connections or accounts by category, over time.
pub fn by_category(kind: Kind, of: Of) -> Panel {
    let (title, what) = match kind {
        Kind::Connection => ("Connections by category", "Connections"),
        Kind::Account => ("Accounts by category", "Accounts"),
    };
    let description =
        format!("{what} over time, by the category of their status. A gap is time without data.");
    Panel::new(View::Stack, title, &description, Unit::Count, NO_COMPANY)
        .ask("{{category}}", companies::number_by(kind, of, "category"))
        .overrides(statuses::category_overrides(kind))
}
