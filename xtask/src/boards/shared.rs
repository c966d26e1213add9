//! Panels that are on more than one board.

use nectar_exporter::failure::Failure;
use nectar_exporter::status::{Category, Kind};
use serde_json::{Value, json};

use crate::panel::{NO_DATA, Panel};
use crate::promql::companies::{self, FORGOTTEN_DAYS, Of};
use crate::promql::exporter;
use crate::statuses;
use crate::style::{ALARM, NEUTRAL, Thresholds, Unit, query, words};
use crate::view::View;

/// What a panel about several companies says when there is none.
pub const NO_COMPANY: &str = "No data: the exporter does not answer, or serves no company yet";
/// What a graph of trouble says when there is none.
const NO_TROUBLE: &str = "Nothing is in trouble, or there is no data: see the data age";

/// A panel with one number.
pub fn stat(title: &str, description: &str, unit: Unit, thresholds: Thresholds, expression: String) -> Panel {
    Panel::new(View::Stat, title, description, unit, NO_DATA).thresholds(thresholds).ask(title, expression)
}

/// How old the oldest data is. It is red once it is outdated.
pub fn data_age(of: Of) -> Panel {
    let whose = if of == Of::Fleet {
        "the company whose last good reading is oldest"
    } else {
        "this company's last good reading"
    };
    let description = format!(
        "Time since {whose}. Red when the exporter has missed {} polls: what this page shows of it is then not to be trusted.",
        exporter::MISSED_POLLS
    );
    Panel::new(View::Named, "Data age", &description, Unit::Seconds, NO_DATA)
        .ask("Fresh", exporter::fresh_data_age(of))
        .ask("Too old", exporter::stale_data_age(of))
        .overrides([query("A", "Fresh", NEUTRAL), query("B", "Too old", ALARM)])
}

/// Whether the last poll read every company, and if not, why.
pub fn last_poll() -> Panel {
    let description =
        "Whether the last poll of every exporter read every company, and if not, the first cause.";
    Panel::new(View::Stat, "Last poll", description, Unit::Word, NO_DATA)
        .ask("Whole", exporter::last_poll_whole())
        .ask("{{reason}}", exporter::last_poll_failures())
        .overrides([words("Whole", "Whole", NEUTRAL)])
        .overrides(failures())
}

/// Overrides: why something could not be read, in words, for series that are named after the reason.
pub fn failures() -> Vec<Value> {
    Failure::all().map(|failure| words(failure.label(), &headline(failure), ALARM)).collect()
}

/// Why something could not be read, as the beginning of a line.
pub fn headline(failure: Failure) -> String {
    let mut chars = failure.words().chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
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
    let none =
        json!({"type": "value", "options": {"-1": {"text": "No connections", "color": NEUTRAL, "index": 0}}});
    let share = companies::share_connected(of);
    stat("Connected", description, Unit::Share, Thresholds::Neutral, share).mapping(none)
}

/// How many customers have not acted for too long.
pub fn forgotten(of: Of) -> Panel {
    let description = format!(
        "Companies with a connection that has waited for them for over {FORGOTTEN_DAYS} days: they have probably forgotten it."
    );
    let number = companies::forgotten(of);
    stat("Waiting 14 days", &description, Unit::Count, Thresholds::AttentionFrom(1.0), number)
}

/// How many connections wait for their customer.
pub fn waiting(of: Of) -> Panel {
    let description = "Connections that Nectar cannot use before the customer acts: a new password, a code, more credentials.";
    let number = companies::number_in(Kind::Connection, of, Category::InterventionNeeded);
    stat("Logins waiting", description, Unit::Count, Thresholds::Neutral, number)
}

/// How many connections fail because of a utility's website.
pub fn website_issues(of: Of) -> Panel {
    let description =
        "Connections whose utility's website is the problem. Most clear by themselves at a later check.";
    let number = companies::number_in(Kind::Connection, of, Category::WebsiteIssue);
    stat("Website issues", description, Unit::Count, Thresholds::Neutral, number)
}

/// How many connections are overdue for a check.
pub fn overdue(of: Of) -> Panel {
    let description = "Connections whose weekly check was due when they were read. A check often comes some hours late. \
                       Those of deactivated companies do not count.";
    stat("Overdue for a check", description, Unit::Count, Thresholds::Neutral, companies::overdue(of))
}

/// How many accounts are in error.
pub fn accounts_in_error(of: Of) -> Panel {
    let description =
        "Accounts in an error status. Connections that wait for their customers bring theirs along.";
    let number = companies::number_in(Kind::Account, of, Category::Error);
    stat("Accounts in error", description, Unit::Count, Thresholds::Neutral, number)
}

/// How many customers have to act.
pub fn customers(of: Of) -> Panel {
    let description = "Companies with at least one connection that waits for them.";
    let number = companies::companies_with(of, Category::InterventionNeeded);
    stat("Customers to act", description, Unit::Count, Thresholds::Neutral, number)
}

/// Connections or accounts in trouble, by `label` (`status` or `category`), over time.
pub fn in_trouble(kind: Kind, of: Of, label: &str) -> Panel {
    let (title, what) = match kind {
        Kind::Connection => ("Connections in trouble", "Connections that do not work"),
        Kind::Account => ("Accounts in trouble", "Accounts in an error"),
    };
    let description = format!(
        "{what}, by {label}. What is as it should be is left out. A gap is time without trouble or data."
    );
    let looks =
        if label == "status" { statuses::series_overrides(kind) } else { statuses::category_overrides(kind) };
    Panel::new(View::Stack, title, &description, Unit::Count, NO_TROUBLE)
        .ask(&format!("{{{{{label}}}}}"), companies::troubled_by(kind, of, label))
        .overrides(looks)
}
